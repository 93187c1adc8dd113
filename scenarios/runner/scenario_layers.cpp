#include "scenarios/runner/scenario_layers.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

tl::expected<Layer, std::string> parse_layer(std::string_view document, std::string origin, bool has_lines) {
  Layer layer{{}, std::move(origin), has_lines};
  toml::parse_result parsed = toml::parse(document);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return tl::unexpected(complaint_line(layer.place(error.source().begin.line),
                                         fmt::format("not TOML: {}", error.description()),
                                         "docs/scenarios.md shows a whole scenario"));
  }
  layer.table = std::move(parsed).table();
  return layer;
}

tl::expected<Layer, std::string> read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  if (!stream || std::filesystem::is_directory(file)) {
    return tl::unexpected(
        complaint_line(file.string(), "cannot be read", "give the path of a scenario's TOML file"));
  }
  return parse_layer(content.str(), file.string(), true);
}

// The first key of the table that no rule knows.
std::optional<std::string> find_unknown(const Layer& layer, const toml::table& table,
                                        const std::string& prefix, std::span<const KeyRule> rules) {
  for (const auto& [key, value] : table) {
    const std::string path = prefix + std::string(key.str());
    const std::string place = layer.place(key.source().begin.line);
    // "budget.peak_rss" in quotes is one word.
    const bool has_dot = key.str().find('.') != std::string_view::npos;
    if (find_rule(rules, path) != nullptr && !has_dot) continue;
    if (!is_group(rules, path)) return unknown_key(place, path, rules);
    if (!value.is_table()) {
      return complaint_line(place, fmt::format("{} is a group of keys, not a value", path),
                            fmt::format("write it as [{}]", path));
    }
    if (auto problem = find_unknown(layer, *value.as_table(), path + ".", rules)) return problem;
  }
  return std::nullopt;
}

bool is_plain_text(ValueKind kind) {
  return kind == ValueKind::kText || kind == ValueKind::kBytes || kind == ValueKind::kDuration ||
         kind == ValueKind::kScalar;
}

// The text as a TOML string.
std::string as_toml_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

std::string Layer::place(toml::source_index line) const {
  return has_lines ? fmt::format("{}:{}", origin, std::max<toml::source_index>(line, 1)) : origin;
}

tl::expected<Layer, std::string> read_layer(const std::filesystem::path& file,
                                            std::span<const KeyRule> rules) {
  auto layer = read_file(file);
  if (!layer) return layer;
  if (auto problem = find_unknown(*layer, layer->table, "", rules)) return tl::unexpected(*problem);
  return layer;
}

// A --set is a TOML document of one line, in which texts need no quotes.
tl::expected<Layer, std::string> parse_override(const std::string& override, std::span<const KeyRule> rules) {
  const std::string origin = "--set " + override;
  const size_t equals = override.find('=');
  if (equals == std::string::npos || equals == 0) {
    return tl::unexpected(
        complaint_line(origin, "no value is given", "write --set key=value, as in --set iterations=500"));
  }
  const std::string path = override.substr(0, equals);
  std::string value = override.substr(equals + 1);
  const KeyRule* rule = find_rule(rules, path);
  if (rule == nullptr) return tl::unexpected(unknown_key(origin, path, rules));
  const bool is_quoted =
      value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
  if (is_plain_text(rule->kind) && !is_quoted) value = as_toml_string(value);
  auto layer = parse_layer(path + " = " + value, origin, false);
  if (layer) return layer;
  return tl::unexpected(
      complaint_line(origin, fmt::format("{} is no value for {}", override.substr(equals + 1), path),
                     fmt::format("write --set {}={}", path, rule->example)));
}

}  // namespace leakhunt::runner
