// data_names: names for the slots in a run's heap graphs, from the modules on this machine.
#pragma once

#include "lib/recording/host_codec.h"
#include "lib/recording/run.h"

namespace leakhunt::runner {

// The variables in which roots lie, and the members of blocks that hold others, as far as debug information
// tells them. Does what it can: never fails.
recording::DataNames name_data(const recording::Run& run, const recording::Symbols& symbols);

}  // namespace leakhunt::runner
