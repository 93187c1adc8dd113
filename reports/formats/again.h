// again: the command that makes a recording like this one, for a reader who wants to see for himself.
#pragma once

#include <string>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// A line for a shell, of printable characters: "leakhunt scenario tape_retained --set iterations=100". Paths
// are as in the run. Empty where nothing is known of how it was made.
std::string command_that_runs_it_again(const recording::Run& run);

}  // namespace leakhunt::reports
