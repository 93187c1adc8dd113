// comparison: several runs of one scenario side by side: a row each, their verdict together, and one sentence
// of what the figures say.
//
// Made by the command `leakhunt scenario` while it runs them; a row keeps the figures and not the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reports/report.h"

namespace leakhunt::reports {

// What a run was different in: a value that was swept, or the number of a chunk.
struct Variation {
  std::variant<bool, int64_t, double, std::string> value;
  std::string label;      // for a person
  std::string directory;  // of its own report, below the comparison's
};

struct ComparedRun {
  Variation variation;
  Verdict verdict = Verdict::kInconclusive;
  std::vector<Check> reasons;        // all checks, as in its own report
  uint64_t iterations = 0;           // that it completed
  std::optional<double> per_second;  // median after warm-up
  uint64_t peak_rss_bytes = 0;
  std::optional<double> growth;  // bytes per iteration; absent: too short to be judged
  int64_t live_bytes_end = 0;    // heap and mappings
  uint64_t rss_bytes_end = 0;
  double wall_seconds = 0;  // with its start and end
};

struct Comparison {
  std::string name;  // of the scenario
  std::string description;
  std::string axis;         // what the runs differ in: "iterations", "chunk"
  bool sums_up = false;     // the runs are parts of one: a last row for the whole
  size_t planned = 0;       // runs
  std::string stopped_for;  // why there are fewer of them; empty: there are not
  std::vector<ComparedRun> runs;
  std::vector<Check> checks;  // of all of them together
};

ComparedRun compared_run(const Report& report, Variation variation);

// Fail if any run or check failed, else that of a target that failed, else inconclusive if any is or some are
// missing.
Verdict verdict_of(const Comparison& comparison);

// The whole of all runs: sums, maxima, the end of the last; growth and speed over all iterations.
ComparedRun total_of(const Comparison& comparison);

// One sentence on peak memory and growth, computed from the figures.
std::string conclusion_of(const Comparison& comparison);

}  // namespace leakhunt::reports
