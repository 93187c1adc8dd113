// symbolise: names for every return address of a run, from the modules on this machine.
#pragma once

#include "lib/recording/host_codec.h"
#include "lib/recording/run.h"
#include "lib/symbols/symbolizer.h"

namespace leakhunt::runner {

// One symbol for each distinct address of the run's call sites, by the module that lay there when the site
// was recorded; without source frames where it is not to be had (its path and offset remain, and why). Of
// code made at run time: what /tmp/perf-PID.map says, if the program wrote one. Does what it can: never
// fails.
//
// A module is opened once for all recordings that share a symbolizer.
recording::Symbols symbolise(const recording::Run& run, symbols::Symbolizer& symbolizer);
recording::Symbols symbolise(const recording::Run& run);

}  // namespace leakhunt::runner
