#include "scenarios/runner/scenario_values.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "scenarios/runner/diagnosis_reader.h"
#include "scenarios/runner/limits.h"
#include "scenarios/runner/quantities.h"
#include "scenarios/runner/scenario_layers.h"

namespace leakhunt::runner {

namespace {

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
  auto from_file = read_layer(file, rules);
  if (!from_file) return tl::unexpected(from_file.error());
  layers->file = std::move(*from_file);
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

void ScenarioValues::read_limits(recording::Budget& budget) {
  const auto read = [&](std::string_view path, auto reader) {
    const Found found = layers_->find(path);
    if (found.node == nullptr) return;
    const auto done = reader(*found.node, *found.layer, budget);
    if (!done && !complaint_) complaint_ = done.error();
  };
  read("limit", runner::read_limits);
  read("suppress", read_suppressions);
}

std::vector<ExpectedDiagnosis> ScenarioValues::diagnoses() {
  std::vector<ExpectedDiagnosis> diagnoses;
  const Found found = layers_->find("diagnosis");
  if (found.node == nullptr) return diagnoses;
  const auto done = read_diagnoses(*found.node, *found.layer, diagnoses);
  if (!done && !complaint_) complaint_ = done.error();
  return diagnoses;
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
