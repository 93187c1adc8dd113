// conduct: one run from the first check to the closed recording. The door of this room for the commands.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "lib/recording/run.h"
#include "scenarios/runner/iteration_marks.h"
#include "scenarios/runner/output_directory.h"
#include "scenarios/runner/progress.h"
#include "scenarios/runner/watch.h"

namespace leakhunt::runner {

struct Order {
  std::string name;                             // shown in the progress
  std::optional<recording::Scenario> scenario;  // none for `leakhunt run`
  recording::Budget budget;
  std::filesystem::path program;                        // absolute
  std::vector<std::string> command;                     // argv
  std::map<std::string, std::string> environment = {};  // over our own
  bool follow_children = false;                         // each into a recording of its own
  std::optional<std::chrono::nanoseconds> timeout;
  std::optional<std::chrono::milliseconds> interval;  // of the clock for programs without iterations
  MarksRequest marks;                                 // or what marks them instead
  std::filesystem::path program_directory;            // of leakhunt itself
  ProgressStyle progress = ProgressStyle::kNone;      // on stderr
  LiveJudge judge = {};                               // may end it before its last iteration
  bool judged_at_once = false;  // by the caller, who settles its graphs and packs it (closing.h)
};

// Checks the program, creates the recording in `out`, launches, watches, and closes the recording with
// symbols, samples and outcome. A scenario's target writes into target.log; any other has the terminal.
// Nothing in `out` is touched before the checks are over. The error is a line for the user.
tl::expected<Watched, std::string> conduct(const Order& order, const OutputDirectory& out);

// The same as one of several runs: the signals are watched between them, too.
tl::expected<Watched, std::string> conduct(const Order& order, const OutputDirectory& out,
                                           SignalWatch& signals);

}  // namespace leakhunt::runner
