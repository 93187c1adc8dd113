// trials: many scenarios one after the other, each with its own reports, and one table: did each come out as
// its file says? Behind `leakhunt scenario --all` and `leakhunt selftest`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/diagnosis.h"
#include "reports/report.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

struct Trial {
  std::string name;           // in the progress
  std::string row;            // in the table
  runner::Schedule schedule;  // says what is expected
  // An earlier one that runs the very same and expects the same: its result is this one's, too.
  std::optional<size_t> same_as = {};
};

struct TrialResult {
  std::string name;
  std::string expected;  // verdict; empty: none
  std::optional<reports::Verdict> verdict;
  std::string unmet;             // what is not as expected, or why there is no verdict; empty: all is well
  std::optional<double> growth;  // bytes per iteration
  uint64_t peak_rss_bytes = 0;
  std::optional<double> per_second;
  std::string found_tag;                // of the first finding; empty: none
  std::string found_place;              // "arena.cpp:81"
  std::vector<DiagnosisRow> diagnosis;  // what the scenario expects to be said of its defect
  double seconds = 0;
};

struct TrialResults {
  std::vector<TrialResult> rows;  // of the trials that were begun
  size_t planned = 0;
  int interrupted_by = 0;  // a signal
};

// One after the other; a trial that cannot be made is a row with its reason and stops nothing, an interrupt
// stops all. `until_certain` is a confidence, checked: each run ends when its verdict is certain, where it
// can.
TrialResults run_trials(const std::vector<Trial>& trials, const Surroundings& surroundings,
                        const std::string& until_certain = "");

// The table, on stdout, and below it what is not as expected, a line each.
void print_trials(const TrialResults& results);

// 0 when all came out as expected, 1 when one did not, 128 + N after an interrupt.
int exit_status(const TrialResults& results);

}  // namespace leakhunt::cli
