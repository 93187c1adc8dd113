// symbolise: names for every return address of a run, from the modules on this machine.
#pragma once

#include "lib/recording/host_codec.h"
#include "lib/recording/run.h"

namespace leakhunt::runner {

// One symbol for each distinct address of the run's call sites; without source frames where the module is not
// to be had (its path and offset remain). Does what it can: never fails.
recording::Symbols symbolise(const recording::Run& run);

}  // namespace leakhunt::runner
