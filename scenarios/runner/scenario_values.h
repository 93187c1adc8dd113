// scenario_values: the words of a scenario before they mean anything. The values of a TOML file, with those
// of `--set key=value` over them, each with the place it was written at. Called by scenario.cpp only.
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
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::runner {

// What a key's value is; decides how the text of a --set is read.
enum class ValueKind { kText, kTexts, kCount, kNumber, kBytes, kDuration };

// A key that scenarios may have, dotted: "budget.peak_rss".
struct KeyRule {
  std::string_view path;
  ValueKind kind;
  std::string_view example;  // of a value, as written in a file
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

  bool has(std::string_view path) const;
  bool is_overridden(std::string_view path) const;

  // Complains about the value of `path` (about the file's beginning, if there is none). The first complaint
  // counts.
  void complain(std::string_view path, std::string_view what, std::string_view mend);
  const std::optional<std::string>& complaint() const { return complaint_; }

 private:
  struct Layers;
  explicit ScenarioValues(std::unique_ptr<Layers> layers);
  void wrong_kind(std::string_view path, std::string_view wanted);

  std::unique_ptr<Layers> layers_;
  std::optional<std::string> complaint_;
};

}  // namespace leakhunt::runner
