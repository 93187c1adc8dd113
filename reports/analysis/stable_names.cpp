#include "reports/analysis/stable_names.h"

#include <algorithm>
#include <array>

#include "reports/analysis/attribution.h"

namespace leakhunt::reports {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hexadecimal(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

size_t behind_digits(std::string_view text, size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// What GCC and Clang append to a copy of a function: ".isra.0", ".constprop.2.cold", ".llvm.1234".
size_t clone_suffix(std::string_view function) {
  constexpr std::array<std::string_view, 7> kCopies = {".isra",     ".part", ".constprop", ".cold",
                                                       ".lto_priv", ".llvm", ".localalias"};
  size_t first = function.size();
  for (const std::string_view copy : kCopies) {
    for (size_t at = function.find(copy); at != std::string_view::npos; at = function.find(copy, at + 1)) {
      const size_t end = at + copy.size();
      if (at > 0 && (end == function.size() || function[end] == '.')) first = std::min(first, at);
    }
  }
  return first;
}

// Rust's legacy mangling ends a name with "::h" and 16 hexadecimal digits of the crate's and compiler's hash.
std::string_view without_rust_hash(std::string_view function) {
  constexpr size_t kHash = 3 + 16;
  if (function.size() <= kHash) return function;
  const std::string_view tail = function.substr(function.size() - kHash);
  const bool hash = tail.starts_with("::h") && std::all_of(tail.begin() + 3, tail.end(), is_hexadecimal);
  return hash ? function.substr(0, function.size() - kHash) : function;
}

// How many characters of `rest` are a number that the compiler gave, and how many before it are kept: GCC's
// "{lambda()#2}" and "{unnamed type#1}", Clang's "'lambda1'" and "$_3".
struct Numbered {
  size_t kept = 0;
  size_t dropped = 0;
};
Numbered numbered(std::string_view rest) {
  for (const std::string_view lead : {"#", "'lambda", "$_"}) {
    if (!rest.starts_with(lead)) continue;
    const size_t end = behind_digits(rest, lead.size());
    if (end == lead.size()) return {};
    const char follows = end < rest.size() ? rest[end] : '\0';
    if (lead == "#" && follows == '}') return {0, end};
    if (lead == "'lambda" && follows == '\'') return {lead.size(), end - lead.size()};
    if (lead == "$_") return {lead.size(), end - lead.size()};
  }
  return {};
}

}  // namespace

std::string stable_name(std::string_view function) {
  function = function.substr(0, std::min(function.find(" [clone "), function.size()));
  function = function.substr(0, clone_suffix(function));
  function = without_rust_hash(function);
  constexpr std::string_view kAbi = "[abi:cxx11]";
  std::string name;
  for (size_t at = 0; at < function.size();) {
    const std::string_view rest = function.substr(at);
    const Numbered number = numbered(rest);
    if (number.dropped > 0) {
      name += rest.substr(0, number.kept);
      at += number.kept + number.dropped;
    } else if (rest.starts_with(kAbi)) {
      at += kAbi.size();
    } else {
      name += function[at++];
    }
  }
  return name;
}

std::string loose_name(std::string_view function) {
  const std::string_view name = qualified_name(function);
  return shorten_templates(name.empty() ? function : name, 0);
}

}  // namespace leakhunt::reports
