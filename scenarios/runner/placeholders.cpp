#include "scenarios/runner/placeholders.h"

#include "scenarios/runner/key_rules.h"

namespace leakhunt::runner {

namespace {

// "name" of a text that begins with "{name}"; empty when it does not.
std::string_view name_in_braces(std::string_view text) {
  if (!text.starts_with('{')) return {};
  const std::string_view name = text.substr(1, text.find('}') - 1);  // the whole rest without a }
  return name.size() + 1 < text.size() && is_identifier(name) ? name : std::string_view();
}

}  // namespace

tl::expected<std::string, std::string> Placeholders::fill(std::string_view text) {
  std::string filled;
  while (!text.empty()) {
    const std::string_view kept = name_in_braces(text.substr(1));
    const std::string_view name = name_in_braces(text);
    if (text[0] == '{' && !kept.empty() && text.substr(kept.size() + 3).starts_with('}')) {
      filled += text.substr(1, kept.size() + 2);
      text.remove_prefix(kept.size() + 4);
    } else if (!name.empty()) {
      used_.emplace(name);
      const auto value = values_.find(name);
      if (value == values_.end()) return tl::unexpected(std::string(name));
      filled += value->second;
      text.remove_prefix(name.size() + 2);
    } else {
      filled += text[0];
      text.remove_prefix(1);
    }
  }
  return filled;
}

std::vector<std::string_view> Placeholders::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : values_) names.push_back(name);
  return names;
}

}  // namespace leakhunt::runner
