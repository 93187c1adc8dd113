// several_runs: a scenario that is a sweep, or is made in chunks: its runs one after the other, each with its
// own reports, and at the end one table of all.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "cli/commands.h"
#include "cli/diagnosis.h"
#include "cli/history_option.h"
#include "reports/comparison.h"
#include "scenarios/runner/conduct.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// What is asked of each of the runs.
struct RunOptions {
  HistoryOption history = {};
  std::string until_certain = {};  // a confidence, checked; empty: to the end
};

// How far they came.
struct SeveralRuns {
  reports::Comparison comparison;
  int interrupted_by = 0;                    // a signal
  std::string problem;                       // a line for the user: why it could not go on
  std::vector<DiagnosisRow> diagnosis = {};  // of the last run
  std::string missed;                        // what the first run had instead of the expected finding
};

// Makes the runs, each with its reports below schedule.out; says on stderr how each went. `lead` stands
// before their names: "[3/20] ".
SeveralRuns conduct_several(const runner::Schedule& schedule, const std::string& lead,
                            const Surroundings& surroundings, runner::SignalWatch& signals,
                            const RunOptions& options = {});

// report.txt and report.json of the whole. The error is a line for the user.
tl::expected<void, std::string> write_comparison(const reports::Comparison& comparison,
                                                 const runner::OutputDirectory& out);

// The exit status of the command: that of the verdict on all runs together. A program that fails stops
// nothing; an interrupt, or something that is missing, ends it all with what there is.
int run_several(const runner::Schedule& schedule, const Surroundings& surroundings,
                const RunOptions& options);

}  // namespace leakhunt::cli
