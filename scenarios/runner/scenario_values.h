// scenario_values: the words of a scenario before they mean anything. The values of a TOML file, with one of
// its sweep and those of `--set key=value` over them, each with the place it was written at. Called by
// scenario.cpp and expansion.cpp only.
//
// The getters answer nothing for an absent key, and for a value of the wrong kind remember the complaint. As
// with the codec's Decoder, the first complaint is kept and looked at once, at the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "scenarios/runner/diagnosis.h"
#include "scenarios/runner/key_rules.h"

namespace leakhunt::runner {

// A text, number or boolean, as it was written.
using ScalarValue = std::variant<bool, int64_t, double, std::string>;
std::string to_text(const ScalarValue& value);

// The only key of [sweep], and its values. A list among them (of arguments) is its words.
struct SweptKey {
  std::string path;  // of the key that is to have these values: "iterations", "variables.cleanup"
  std::vector<ScalarValue> values;
};

class ScenarioValues {
 public:
  // Reads `file` and the overrides ("key=value"). The error is a whole line, `file:line: what; mend`, or
  // `--set key=value: what; mend`.
  static tl::expected<ScenarioValues, std::string> read(const std::filesystem::path& file,
                                                        std::span<const std::string> overrides,
                                                        std::span<const KeyRule> rules);
  ~ScenarioValues();
  ScenarioValues(ScenarioValues&&) noexcept;
  ScenarioValues& operator=(ScenarioValues&&) noexcept;

  std::optional<std::string> text(std::string_view path);
  std::optional<std::vector<std::string>> texts(std::string_view path);
  std::optional<uint64_t> count(std::string_view path);
  std::optional<double> number(std::string_view path);  // not negative
  std::optional<uint64_t> bytes(std::string_view path);
  std::optional<std::chrono::nanoseconds> duration(std::string_view path);
  std::optional<std::string> scalar(std::string_view path);  // as text

  // [[limit]] and [[suppress]].
  void read_limits(recording::Budget& budget);

  // [[diagnosis]].
  std::vector<ExpectedDiagnosis> diagnoses();

  // Of a group with names of its own ("variables"), sorted.
  std::vector<std::string> names_in(std::string_view group) const;

  // Absent without [sweep], and where an override fixes the key.
  std::optional<SweptKey> swept_key();
  // From here on the key has its value of that index, and complaints about it name the place in the list.
  void take_swept(const SweptKey& key, size_t index);

  bool has(std::string_view path) const;
  // By --set, or by the sweep: the file alone says something else.
  bool is_overridden(std::string_view path) const;
  bool is_swept(std::string_view path) const;

  // Complains about the value of `path` (about the file's beginning, if there is none). The first complaint
  // counts.
  void complain(std::string_view path, std::string_view what, std::string_view mend);
  // About one element of a list.
  void complain_element(std::string_view path, size_t index, std::string_view what, std::string_view mend);
  const std::optional<std::string>& complaint() const { return complaint_; }

 private:
  struct Layers;
  struct Found;
  explicit ScenarioValues(std::unique_ptr<Layers> layers);
  void complain_at(const Found& found, std::string_view what, std::string_view mend);
  void wrong_kind(std::string_view path, std::string_view wanted);

  std::unique_ptr<Layers> layers_;
  std::optional<std::string> complaint_;
};

}  // namespace leakhunt::runner
