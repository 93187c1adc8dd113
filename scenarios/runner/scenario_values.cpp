#include "scenarios/runner/scenario_values.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "lib/recording/budget.h"
#include "scenarios/runner/quantities.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::runner {

namespace {

// One source of values: the file, or one --set.
struct Layer {
  toml::table table;
  std::string origin;  // the file's path, or "--set key=value"
  bool has_lines = true;

  std::string place(toml::source_index line) const {
    return has_lines ? fmt::format("{}:{}", origin, std::max<toml::source_index>(line, 1)) : origin;
  }
};

// One line, whatever control characters a key or value had.
std::string complaint_at(const std::string& place, std::string_view what, std::string_view mend) {
  std::string line = fmt::format("{}: {}; {}", place, what, mend);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  std::replace_if(line.begin(), line.end(), is_control, '?');
  return line;
}

tl::expected<Layer, std::string> parse_layer(std::string_view document, std::string origin, bool has_lines) {
  Layer layer{{}, std::move(origin), has_lines};
  toml::parse_result parsed = toml::parse(document);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return tl::unexpected(complaint_at(layer.place(error.source().begin.line),
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
        complaint_at(file.string(), "cannot be read", "give the path of a scenario's TOML file"));
  }
  return parse_layer(content.str(), file.string(), true);
}

// --- rules -------------------------------------------------------------------------------------------------

const KeyRule* find_rule(std::span<const KeyRule> rules, std::string_view path) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const KeyRule& r) { return r.path == path; });
  return found == rules.end() ? nullptr : &*found;
}

bool is_group(std::span<const KeyRule> rules, std::string_view path) {
  return std::any_of(rules.begin(), rules.end(), [&](const KeyRule& rule) {
    return rule.path.size() > path.size() && rule.path.starts_with(path) && rule.path[path.size()] == '.';
  });
}

// "a scenario has no key X (did you mean Y?)". A key known elsewhere is recognised by its last word, too.
std::string unknown_key(std::span<const KeyRule> rules, std::string_view path) {
  std::vector<std::string_view> paths;
  for (const KeyRule& rule : rules) paths.push_back(rule.path);
  std::string hint = did_you_mean(path, paths);
  const std::string_view word = path.substr(path.rfind('.') + 1);  // npos + 1 == 0
  for (const KeyRule& rule : rules) {
    if (hint.empty() && rule.path.substr(rule.path.rfind('.') + 1) == word) {
      hint = fmt::format(" (did you mean {}?)", rule.path);
    }
  }
  return fmt::format("a scenario has no key {}{}", path, hint);
}

std::string known_keys(std::span<const KeyRule> rules) {
  std::string text = "the keys are";
  for (const KeyRule& rule : rules) text += fmt::format("{} {}", &rule == rules.data() ? "" : ",", rule.path);
  return text;
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
    if (!is_group(rules, path)) return complaint_at(place, unknown_key(rules, path), known_keys(rules));
    if (!value.is_table()) {
      return complaint_at(place, fmt::format("{} is a group of keys, not a value", path),
                          fmt::format("write it as [{}]", path));
    }
    if (auto problem = find_unknown(layer, *value.as_table(), path + ".", rules)) return problem;
  }
  return std::nullopt;
}

// --- overrides ---------------------------------------------------------------------------------------------

bool is_plain_text(ValueKind kind) {
  return kind == ValueKind::kText || kind == ValueKind::kBytes || kind == ValueKind::kDuration;
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

// A --set is a TOML document of one line, in which texts need no quotes.
tl::expected<Layer, std::string> parse_override(const std::string& override, std::span<const KeyRule> rules) {
  const std::string origin = "--set " + override;
  const size_t equals = override.find('=');
  if (equals == std::string::npos || equals == 0) {
    return tl::unexpected(
        complaint_at(origin, "no value is given", "write --set key=value, as in --set iterations=500"));
  }
  const std::string path = override.substr(0, equals);
  std::string value = override.substr(equals + 1);
  const KeyRule* rule = find_rule(rules, path);
  if (rule == nullptr)
    return tl::unexpected(complaint_at(origin, unknown_key(rules, path), known_keys(rules)));
  const bool is_quoted =
      value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
  if (is_plain_text(rule->kind) && !is_quoted) value = as_toml_string(value);
  auto layer = parse_layer(path + " = " + value, origin, false);
  if (layer) return layer;
  return tl::unexpected(complaint_at(origin,
                                     fmt::format("{} is no value for {}", override.substr(equals + 1), path),
                                     fmt::format("write --set {}={}", path, rule->example)));
}

}  // namespace

struct ScenarioValues::Layers {
  Layer file;
  std::vector<Layer> overrides;  // the last one of a key counts
  std::span<const KeyRule> rules;

  struct Found {
    const toml::node* node;
    const Layer* layer;
  };
  Found find(std::string_view path) const {
    for (auto layer = overrides.rbegin(); layer != overrides.rend(); ++layer) {
      if (const toml::node* node = layer->table.at_path(path).node()) return {node, &*layer};
    }
    return {file.table.at_path(path).node(), &file};
  }
};

ScenarioValues::ScenarioValues(std::unique_ptr<Layers> layers) : layers_(std::move(layers)) {}
ScenarioValues::~ScenarioValues() = default;
ScenarioValues::ScenarioValues(ScenarioValues&&) noexcept = default;
ScenarioValues& ScenarioValues::operator=(ScenarioValues&&) noexcept = default;

tl::expected<ScenarioValues, std::string> ScenarioValues::read(const std::filesystem::path& file,
                                                               std::span<const std::string> overrides,
                                                               std::span<const KeyRule> rules) {
  auto layers = std::make_unique<Layers>();
  layers->rules = rules;
  auto from_file = read_file(file);
  if (!from_file) return tl::unexpected(from_file.error());
  layers->file = std::move(*from_file);
  if (auto problem = find_unknown(layers->file, layers->file.table, "", rules))
    return tl::unexpected(*problem);
  for (const std::string& override : overrides) {
    auto layer = parse_override(override, rules);
    if (!layer) return tl::unexpected(layer.error());
    layers->overrides.push_back(std::move(*layer));
  }
  return ScenarioValues(std::move(layers));
}

bool ScenarioValues::has(std::string_view path) const {
  return layers_->find(path).node != nullptr;
}

bool ScenarioValues::is_overridden(std::string_view path) const {
  const auto found = layers_->find(path);
  return found.node != nullptr && found.layer != &layers_->file;
}

void ScenarioValues::complain(std::string_view path, std::string_view what, std::string_view mend) {
  if (complaint_) return;
  const auto found = layers_->find(path);
  const auto line = found.node == nullptr ? 1 : found.node->source().begin.line;
  complaint_ = complaint_at(found.layer->place(line), what, mend);
}

void ScenarioValues::wrong_kind(std::string_view path, std::string_view wanted) {
  complain(path, fmt::format("{} must be {}", path, wanted),
           fmt::format("write {} = {}", path, find_rule(layers_->rules, path)->example));
}

std::optional<std::string> ScenarioValues::text(std::string_view path) {
  const toml::node* node = layers_->find(path).node;
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as_string()) return value->get();
  wrong_kind(path, "a text in quotes");
  return std::nullopt;
}

std::optional<std::vector<std::string>> ScenarioValues::texts(std::string_view path) {
  const toml::node* node = layers_->find(path).node;
  if (node == nullptr) return std::nullopt;
  std::vector<std::string> result;
  if (const toml::array* array = node->as_array()) {
    for (const toml::node& element : *array) {
      if (const auto* value = element.as_string()) result.push_back(value->get());
    }
    if (result.size() == array->size()) return result;
  }
  wrong_kind(path, "a list of texts");
  return std::nullopt;
}

std::optional<uint64_t> ScenarioValues::count(std::string_view path) {
  const toml::node* node = layers_->find(path).node;
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= 0) return static_cast<uint64_t>(value->get());
  wrong_kind(path, value == nullptr ? "a whole number" : "0 or more");
  return std::nullopt;
}

std::optional<double> ScenarioValues::number(std::string_view path) {
  const toml::node* node = layers_->find(path).node;
  if (node == nullptr) return std::nullopt;
  const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
  if (value && *value >= 0 && *value < 1e18) return value;
  wrong_kind(path, value && *value < 0 ? "0 or more" : "a number");
  return std::nullopt;
}

std::optional<uint64_t> ScenarioValues::bytes(std::string_view path) {
  const toml::node* node = layers_->find(path).node;
  if (node == nullptr) return std::nullopt;
  if (!node->is_string()) {
    wrong_kind(path, "an amount of memory in quotes, with its unit");
    return std::nullopt;
  }
  const auto value = recording::parse_bytes(node->as_string()->get());
  if (value) return *value;
  complain(path, fmt::format("{}: {}", path, value.error()),
           fmt::format("for example {}", find_rule(layers_->rules, path)->example));
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> ScenarioValues::duration(std::string_view path) {
  const toml::node* node = layers_->find(path).node;
  if (node == nullptr) return std::nullopt;
  if (!node->is_string()) {
    wrong_kind(path, "a duration in quotes, with its unit");
    return std::nullopt;
  }
  const auto value = parse_duration(node->as_string()->get());
  if (value) return *value;
  complain(path, fmt::format("{}: {}", path, value.error()),
           fmt::format("for example {}", find_rule(layers_->rules, path)->example));
  return std::nullopt;
}

}  // namespace leakhunt::runner
