#include "reports/formats/member_names.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "reports/analysis/attribution.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kLongType = 48;

// Types of libstdc++ and what its users call them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kNodes = {{
    {"_Hash_node<", "node of a std::unordered_map or _set"},
    {"_Rb_tree_node<", "node of a std::map or _set"},
    {"_List_node<", "node of a std::list"},
    {"_Fwd_list_node<", "node of a std::forward_list"},
    {"_Hash_node_base", "node of a std::unordered_map or _set"},
    {"_Rb_tree_node_base", "node of a std::map or _set"},
    {"_List_node_base", "node of a std::list"},
    {"basic_string<char, ", "std::string"},
}};
// What shared_ptr and its like keep beside their counts.
constexpr std::array<std::string_view, 2> kAround = {"_Sp_counted_ptr_inplace<", "_Sp_counted_ptr<"};

// Links that a reader may want to be told of.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kLinks = {{
    {"_M_nxt", "next"},
    {"_M_next", "next"},
    {"_M_prev", "previous"},
    {"_M_left", "left"},
    {"_M_right", "right"},
    {"_M_parent", "parent"},
}};

bool is_insides(std::string_view part) {
  return part.starts_with("_M_") || part.starts_with("__") || part.starts_with("_Vptr") ||
         part.starts_with("_vptr");
}

// The first argument of a template: "Widget" of "X<Widget, Y>".
std::string_view first_argument(std::string_view type) {
  type.remove_prefix(type.find('<') + 1);
  int depth = 0;
  for (size_t i = 0; i < type.size(); ++i) {
    if (type[i] == '<') ++depth;
    if (type[i] == '>' && depth-- == 0) return type.substr(0, i);
    if (type[i] == ',' && depth == 0) return type.substr(0, i);
  }
  return type;
}

std::string_view link_of(std::string_view path) {
  const std::string_view last = path.substr(path.rfind('.') + 1);
  for (const auto& [name, words] : kLinks) {
    if (last == name) return words;
  }
  return "";
}

}  // namespace

std::string readable_path(std::string_view path) {
  std::string text;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    if (is_insides(part)) continue;
    if (!text.empty()) text += '.';
    text += part;
  }
  return text;
}

std::string readable_member(std::string_view type, std::string_view member) {
  std::string path = readable_path(member);
  for (const auto& [name, words] : kNodes) {
    if (!type.starts_with(name)) continue;
    if (path.empty()) path = link_of(member);
    return path.empty() ? fmt::format("a {}", words) : fmt::format("{} of a {}", path, words);
  }
  for (const std::string_view around : kAround) {
    if (type.starts_with(around)) type = first_argument(type);
  }
  const std::string name = shorten_templates(type, kLongType);
  return path.empty() ? fmt::format("a {}", name) : fmt::format("{}::{}", name, path);
}

}  // namespace leakhunt::reports
