#include "scenarios/runner/key_rules.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include <fmt/format.h>

#include "scenarios/runner/spelling.h"

namespace leakhunt::runner {

namespace {

// "variables." of the rule "variables.*"; empty for a rule of one key.
std::string_view free_group(const KeyRule& rule) {
  return rule.path.ends_with(".*") ? rule.path.substr(0, rule.path.size() - 1) : std::string_view();
}

bool covers(const KeyRule& rule, std::string_view path) {
  const std::string_view group = free_group(rule);
  if (group.empty()) return rule.path == path;
  return path.starts_with(group) && is_identifier(path.substr(group.size()));
}

// What a key was probably meant to be. One that is known elsewhere is recognised by its last word, too.
std::string key_hint(std::span<const KeyRule> rules, std::string_view path) {
  std::vector<std::string_view> paths;
  for (const KeyRule& rule : rules) paths.push_back(rule.path);
  std::string hint = did_you_mean(path, paths);
  const std::string_view word = path.substr(path.rfind('.') + 1);  // npos + 1 == 0
  for (const KeyRule& rule : rules) {
    if (hint.empty() && rule.path.substr(rule.path.rfind('.') + 1) == word) {
      hint = fmt::format(" (did you mean {}?)", rule.path);
    }
  }
  return hint;
}

std::string known_keys(std::span<const KeyRule> rules) {
  std::string text = "the keys are";
  for (const KeyRule& rule : rules) text += fmt::format("{} {}", &rule == rules.data() ? "" : ",", rule.path);
  return text;
}

}  // namespace

bool is_identifier(std::string_view word) {
  const auto is_allowed = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '_'); };
  return !word.empty() && std::isdigit(static_cast<unsigned char>(word[0])) == 0 &&
         std::all_of(word.begin(), word.end(), is_allowed);
}

const KeyRule* find_rule(std::span<const KeyRule> rules, std::string_view path) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const KeyRule& rule) { return covers(rule, path); });
  return found == rules.end() ? nullptr : &*found;
}

bool is_group(std::span<const KeyRule> rules, std::string_view path) {
  return std::any_of(rules.begin(), rules.end(), [&](const KeyRule& rule) {
    return rule.path.size() > path.size() && rule.path.starts_with(path) && rule.path[path.size()] == '.';
  });
}

std::string complaint_line(const std::string& place, std::string_view what, std::string_view mend) {
  std::string line = fmt::format("{}: {}; {}", place, what, mend);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  std::replace_if(line.begin(), line.end(), is_control, '?');
  return line;
}

std::string unknown_key(const std::string& place, std::string_view path, std::span<const KeyRule> rules) {
  for (const KeyRule& rule : rules) {
    const std::string_view group = free_group(rule);
    if (!group.empty() && path.starts_with(group)) {
      return complaint_line(place,
                            fmt::format("\"{}\" is no name for {}", path.substr(group.size()), rule.path),
                            "use letters, digits and _, and no digit in front");
    }
  }
  const std::string_view whose = find_rule(rules, "program") != nullptr ? "scenario" : "configuration";
  return complaint_line(place, fmt::format("a {} has no key {}{}", whose, path, key_hint(rules, path)),
                        known_keys(rules));
}

}  // namespace leakhunt::runner
