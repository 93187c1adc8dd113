#include "scenarios/runner/diagnosis_reader.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "scenarios/runner/spelling.h"

namespace leakhunt::runner {

namespace {

using Problem = std::optional<std::string>;  // a whole line; none: all is well

constexpr std::array<std::string_view, 12> kKeys = {
    "tag",      "class", "period", "peak_bytes",          "resident_bytes",       "largest",
    "function", "file",  "held",   "bytes_per_iteration", "blocks_per_iteration", "holder"};

std::string at(const Layer& layer, const toml::node& node, std::string_view what, std::string_view mend) {
  return complaint_line(layer.place(node.source().begin.line), what, mend);
}

std::string* text_field(ExpectedDiagnosis& expected, std::string_view key) {
  if (key == "tag") return &expected.tag;
  if (key == "class") return &expected.growth_class;
  if (key == "function") return &expected.function;
  if (key == "file") return &expected.file;
  if (key == "held") return &expected.held;
  return key == "holder" ? &expected.holder : nullptr;
}

Problem read_number(const Layer& layer, std::string_view key, const toml::node& node,
                    ExpectedDiagnosis& expected) {
  const auto number = node.is_number() ? node.value<double>() : std::nullopt;
  if (!number || !(*number >= 0) || *number > 1e15)
    return at(layer, node, fmt::format("{} must be a number, 0 or more", key),
              fmt::format("write {} = 48", key));
  if (key == "period") expected.period = static_cast<uint64_t>(*number);
  if (key == "peak_bytes") expected.peak_bytes = static_cast<uint64_t>(*number);
  if (key == "resident_bytes") expected.resident_bytes = static_cast<uint64_t>(*number);
  if (key == "bytes_per_iteration") expected.bytes_per_iteration = *number;
  if (key == "blocks_per_iteration") expected.blocks_per_iteration = *number;
  return std::nullopt;
}

Problem read_key(const Layer& layer, const toml::key& key, const toml::node& node,
                 ExpectedDiagnosis& expected) {
  const std::string_view name = key.str();
  if (std::find(kKeys.begin(), kKeys.end(), name) == kKeys.end()) {
    std::string keys;
    for (const std::string_view each : kKeys) keys += fmt::format("{}{}", keys.empty() ? "" : ", ", each);
    return complaint_line(
        layer.place(key.source().begin.line),
        fmt::format("[[diagnosis]] has no key {}{}", name, did_you_mean(std::string(name), kKeys)),
        "the keys are " + keys);
  }
  if (name == "largest") {
    const auto* flag = node.as_boolean();
    if (flag == nullptr) return at(layer, node, "largest must be true or false", "write largest = true");
    expected.largest = flag->get();
    return std::nullopt;
  }
  std::string* field = text_field(expected, name);
  if (field == nullptr) return read_number(layer, name, node, expected);
  const auto* text = node.as_string();
  if (text == nullptr || text->get().empty()) {
    return at(layer, node, fmt::format("{} must be a text in quotes", name),
              fmt::format("write {} = \"...\"", name));
  }
  *field = text->get();
  return std::nullopt;
}

Problem read_table(const Layer& layer, const toml::table& table, ExpectedDiagnosis& expected) {
  for (const auto& [key, node] : table) {
    if (auto problem = read_key(layer, key, node, expected)) return problem;
  }
  if (expected.tag.empty())
    return at(layer, table, "a diagnosis of nothing",
              "add tag = \"arena.chunk\", or \"heap\" where there is none");
  if (!expected.of_finding() && expected.growth_class.empty() && !expected.period && !expected.peak_bytes &&
      !expected.resident_bytes && !expected.largest)
    return at(layer, table, "a diagnosis that expects nothing", "add class, bytes_per_iteration, held, ...");
  return std::nullopt;
}

}  // namespace

tl::expected<void, std::string> read_diagnoses(const toml::node& node, const Layer& layer,
                                               std::vector<ExpectedDiagnosis>& diagnoses) {
  const toml::array* list = node.as_array();
  if (list == nullptr)
    return tl::unexpected(
        at(layer, node, "diagnosis is no list of tables", "write [[diagnosis]] above its keys"));
  for (const toml::node& element : *list) {
    const toml::table* table = element.as_table();
    if (table == nullptr) {
      return tl::unexpected(at(layer, element, "diagnosis holds something that is no table",
                               "write [[diagnosis]] above its keys"));
    }
    ExpectedDiagnosis& expected = diagnoses.emplace_back();
    expected.place = layer.place(table->source().begin.line);
    if (auto problem = read_table(layer, *table, expected)) return tl::unexpected(*problem);
  }
  return {};
}

}  // namespace leakhunt::runner
