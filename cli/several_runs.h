// several_runs: a scenario that is a sweep, or is made in chunks: its runs one after the other, each with its
// own reports, and at the end one table of all.
#pragma once

#include "cli/commands.h"
#include "cli/history_option.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// The exit status of the command: that of the verdict on all runs together. A program that fails stops
// nothing; an interrupt, or something that is missing, ends it all with what there is.
int run_several(const runner::Schedule& schedule, const Surroundings& surroundings,
                const HistoryOption& history);

}  // namespace leakhunt::cli
