#include "scenarios/runner/scenario_values.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
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
std::string complaint_line(const std::string& place, std::string_view what, std::string_view mend) {
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

// --- rules -------------------------------------------------------------------------------------------------

// "variables." of the rule "variables.*"; empty for a rule of one key.
std::string_view free_group(const KeyRule& rule) {
  return rule.path.ends_with(".*") ? rule.path.substr(0, rule.path.size() - 1) : std::string_view();
}

bool covers(const KeyRule& rule, std::string_view path) {
  const std::string_view group = free_group(rule);
  if (group.empty()) return rule.path == path;
  return path.starts_with(group) && is_identifier(path.substr(group.size()));
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

std::string unknown_key(const std::string& place, std::string_view path, std::span<const KeyRule> rules) {
  for (const KeyRule& rule : rules) {
    const std::string_view group = free_group(rule);
    if (!group.empty() && path.starts_with(group)) {
      return complaint_line(place,
                            fmt::format("\"{}\" is no name for {}", path.substr(group.size()), rule.path),
                            "use letters, digits and _, and no digit in front");
    }
  }
  return complaint_line(place, fmt::format("a scenario has no key {}{}", path, key_hint(rules, path)),
                        known_keys(rules));
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

// --- overrides ---------------------------------------------------------------------------------------------

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

// --- scalars -----------------------------------------------------------------------------------------------

std::optional<ScalarValue> scalar_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return whole->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  return std::nullopt;
}

// A list of texts (of arguments) as its words: what its row in a table shows.
std::optional<ScalarValue> swept_value_of(const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return scalar_of(node);
  std::string words;
  for (const toml::node& element : *list) {
    const auto word = scalar_of(element);
    if (!word) return std::nullopt;
    words += (words.empty() ? "" : " ") + to_text(*word);
  }
  return words;
}

}  // namespace

std::string to_text(const ScalarValue& value) {
  return std::visit([](const auto& each) { return fmt::format("{}", each); }, value);
}

bool is_identifier(std::string_view word) {
  const auto is_allowed = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '_'); };
  return !word.empty() && std::isdigit(static_cast<unsigned char>(word[0])) == 0 &&
         std::all_of(word.begin(), word.end(), is_allowed);
}

// A value and the source it comes from.
struct ScenarioValues::Found {
  const toml::node* node;
  const Layer* layer;
};

struct ScenarioValues::Layers {
  Layer file;
  std::vector<Layer> overrides;  // the last one of a key counts
  std::span<const KeyRule> rules;
  std::string swept_path;  // has the value `swept`, unless it is overridden; empty: none
  Found swept{nullptr, nullptr};

  Found find_override(std::string_view path) const {
    for (auto layer = overrides.rbegin(); layer != overrides.rend(); ++layer) {
      if (const toml::node* node = layer->table.at_path(path).node()) return {node, &*layer};
    }
    return {nullptr, &file};
  }
  Found find(std::string_view path) const {
    if (const Found found = find_override(path); found.node != nullptr) return found;
    if (!swept_path.empty() && path == swept_path) return swept;
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
  return layers_->find_override(path).node != nullptr || is_swept(path);
}

bool ScenarioValues::is_swept(std::string_view path) const {
  return !layers_->swept_path.empty() && path == layers_->swept_path;
}

std::vector<std::string> ScenarioValues::names_in(std::string_view group) const {
  std::set<std::string> names;
  const auto add_from = [&](const Layer& layer) {
    const toml::table* table = layer.table.at_path(group).as_table();
    if (table == nullptr) return;
    for (const auto& [key, value] : *table) names.emplace(key.str());
  };
  add_from(layers_->file);
  for (const Layer& layer : layers_->overrides) add_from(layer);
  const std::string_view swept = layers_->swept_path;
  if (swept.starts_with(group) && swept.substr(group.size()).starts_with('.')) {
    names.emplace(swept.substr(group.size() + 1));
  }
  return {names.begin(), names.end()};
}

// --- the sweep ---------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kSweepMend = "write one key and its values: iterations = [100, 500]";

// The only leaf below [sweep]: `budget.peak_rss = [...]` is a table in a table. Its path is empty, and the
// node the first that has not exactly one key, when there is none.
std::pair<std::string, const toml::node*> only_leaf(const toml::node& sweep) {
  std::string path;
  const toml::node* node = &sweep;
  while (const toml::table* table = node->as_table()) {
    if (table->size() != 1) return {"", node};
    const auto only = table->begin();
    path += (path.empty() ? "" : ".") + std::string(only->first.str());
    node = &only->second;
  }
  return {path, node};
}

}  // namespace

std::optional<SweptKey> ScenarioValues::swept_key() {
  const Found sweep = layers_->find("sweep");
  if (sweep.node == nullptr) return std::nullopt;
  const auto [name, node] = only_leaf(*sweep.node);
  const Found found{node, sweep.layer};
  const auto refuse = [&](std::string_view what) {
    complain_at(found, what, kSweepMend);
    return std::nullopt;
  };
  if (name.empty()) return refuse("[sweep] has one key, not none and not several");
  const toml::array* list = node->as_array();
  if (list == nullptr) return refuse(fmt::format("sweep.{} must be a list of values", name));
  if (list->empty()) return refuse(fmt::format("sweep.{} is an empty list", name));
  SweptKey key;
  key.path = find_rule(layers_->rules, name) == nullptr ? "variables." + name : name;
  if (find_rule(layers_->rules, key.path) == nullptr) {
    complaint_ =
        complaint_.value_or(unknown_key(found.layer->place(node->source().begin.line), name, layers_->rules));
    return std::nullopt;
  }
  for (const toml::node& element : *list) {
    auto value = swept_value_of(element);
    if (!value) {
      complain_at({&element, sweep.layer}, fmt::format("sweep.{} has a value of no use", name),
                  "write texts, numbers or booleans");
      return std::nullopt;
    }
    key.values.push_back(std::move(*value));
  }
  if (layers_->find_override(key.path).node != nullptr) return std::nullopt;
  return key;
}

void ScenarioValues::take_swept(const SweptKey& key, size_t index) {
  const Found sweep = layers_->find("sweep");
  layers_->swept_path = key.path;
  layers_->swept = {only_leaf(*sweep.node).second->as_array()->get(index), sweep.layer};
}

// --- complaints --------------------------------------------------------------------------------------------

void ScenarioValues::complain_at(const Found& found, std::string_view what, std::string_view mend) {
  if (complaint_) return;
  const auto line = found.node == nullptr ? 1 : found.node->source().begin.line;
  complaint_ = complaint_line(found.layer->place(line), what, mend);
}

void ScenarioValues::complain(std::string_view path, std::string_view what, std::string_view mend) {
  complain_at(layers_->find(path), what, mend);
}

void ScenarioValues::complain_element(std::string_view path, size_t index, std::string_view what,
                                      std::string_view mend) {
  Found found = layers_->find(path);
  found.node = found.node->as_array()->get(index);
  complain_at(found, what, mend);
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

std::optional<std::string> ScenarioValues::scalar(std::string_view path) {
  const toml::node* node = layers_->find(path).node;
  if (node == nullptr) return std::nullopt;
  if (const auto value = scalar_of(*node)) return to_text(*value);
  wrong_kind(path, "a text, a number, true or false");
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
