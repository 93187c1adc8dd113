// key_rules: which keys a scenario may have, and what is said about any other. Knows no TOML.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace leakhunt::runner {

// What a key's value is; decides how the text of a --set is read.
enum class ValueKind { kText, kTexts, kCount, kNumber, kBytes, kDuration, kScalar, kSweep, kTables };

// A word that can stand in braces, and the name of an environment variable: letters, digits, _.
bool is_identifier(std::string_view word);

// A key that scenarios may have, dotted: "budget.peak_rss". "variables.*" is any identifier in that group.
struct KeyRule {
  std::string_view path;
  ValueKind kind;
  std::string_view example;  // of a value, as written in a file
};

// Null when no rule allows the key.
const KeyRule* find_rule(std::span<const KeyRule> rules, std::string_view path);

// Does a rule's key lie below this one? "budget" of "budget.peak_rss".
bool is_group(std::span<const KeyRule> rules, std::string_view path);

// `place: what; mend`, in one line whatever control characters a key or value had.
std::string complaint_line(const std::string& place, std::string_view what, std::string_view mend);

// The whole line about a key that no rule allows.
std::string unknown_key(const std::string& place, std::string_view path, std::span<const KeyRule> rules);

}  // namespace leakhunt::runner
