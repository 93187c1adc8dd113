#include "scenarios/runner/expansion.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

constexpr uint64_t kMostRuns = 1000;
constexpr size_t kLongestDirectory = 100;

// Keys whose values say nothing about a run, or what the runs are.
constexpr std::array<std::string_view, 8> kNotSwept = {"name",
                                                       "description",
                                                       "sweep",
                                                       "chunks.runs",
                                                       "chunks.same_file",
                                                       "expect.verdict",
                                                       "expect.finding.tag",
                                                       "expect.finding.function"};

// A value as the name of a directory: "--lr 0.1" is "--lr_0.1", and nothing leads out of the scenario's own.
std::string directory_of(const std::string& label) {
  std::string name = label.substr(0, kLongestDirectory);
  const auto is_odd = [](unsigned char c) {
    return c >= 0x80 || (std::isalnum(c) == 0 &&
                         std::string_view("-_.+=,").find(static_cast<char>(c)) == std::string_view::npos);
  };
  std::replace_if(name.begin(), name.end(), is_odd, '_');
  if (name[0] == '.') name[0] = '_';
  return name;
}

void check_size(ScenarioValues& values, std::string_view key, uint64_t runs) {
  if (runs > kMostRuns) {
    values.complain(key, fmt::format("{} runs are more than anybody looks at", runs),
                    fmt::format("at most {} are made", kMostRuns));
  }
}

// One part a value; no two may write to the same place.
void expand_sweep(ScenarioValues& values, Expansion& expansion) {
  expansion.kind = ScenarioKind::kSweep;
  const SweptKey& key = *expansion.swept;
  if (std::find(kNotSwept.begin(), kNotSwept.end(), key.path) != kNotSwept.end()) {
    values.complain("sweep", fmt::format("{} cannot be swept", key.path),
                    "sweep what changes a run: iterations, defect, arguments, a variable");
  }
  std::set<std::string> directories;
  for (const ScalarValue& value : key.values) {
    const std::string text = to_text(value);
    Part part{value, text.empty() ? "none" : text, "", 0};
    part.directory = directory_of(part.label);
    if (!directories.insert(part.directory).second) {
      values.complain("sweep",
                      fmt::format("two values of {} have the directory {}", key.path, part.directory),
                      "write each value once");
    }
    expansion.parts.push_back(std::move(part));
  }
  check_size(values, "sweep", key.values.size());
}

void expand_chunks(ScenarioValues& values, Expansion& expansion) {
  expansion.kind = ScenarioKind::kChunks;
  expansion.chunks = std::max<uint64_t>(1, values.count("chunks.runs").value_or(1));
  if (values.has("chunks.runs") && values.count("chunks.runs") == 0u) {
    values.complain("chunks.runs", "0 chunks are no run at all", "give at least 1, or leave [chunks] out");
  }
  check_size(values, "chunks.runs", expansion.chunks);
  for (uint64_t chunk = 0; chunk < std::min(expansion.chunks, kMostRuns); ++chunk) {
    expansion.parts.push_back(
        {static_cast<int64_t>(chunk), std::to_string(chunk), fmt::format("chunk-{}", chunk), chunk});
  }
  if (values.has("chunks.same_file")) {
    expansion.uninterrupted = Part{"uninterrupted", "uninterrupted", "uninterrupted", 0, true};
  }
}

}  // namespace

Expansion expand(ScenarioValues& values) {
  Expansion expansion;
  expansion.swept = values.swept_key();
  const bool has_chunks = values.has("chunks.runs");
  if (values.has("chunks") && !has_chunks) {
    values.complain("chunks", "[chunks] does not say how many", "write runs = 10 below it");
  }
  if (values.has("sweep") && has_chunks) {
    values.complain("chunks.runs", "a scenario has [sweep] or [chunks], not both",
                    "make two scenarios of it");
  }
  if (expansion.swept) {
    expand_sweep(values, expansion);
  } else if (has_chunks) {
    expand_chunks(values, expansion);
  } else {
    expansion.parts.emplace_back();
  }
  return expansion;
}

}  // namespace leakhunt::runner
