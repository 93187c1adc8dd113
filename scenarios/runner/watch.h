// watch: stays with the target until it ends. Follows the growing recording, shows progress, stops the target
// at its ceiling or timeout, passes signals on, and says how it ended.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lib/recording/budget.h"
#include "lib/recording/run.h"
#include "scenarios/runner/guard.h"
#include "scenarios/runner/launch.h"
#include "scenarios/runner/progress.h"
#include "scenarios/runner/signal_watch.h"

namespace leakhunt::runner {

struct WatchRequest {
  std::string name;  // shown in the progress
  std::filesystem::path recording;
  uint64_t iterations = 0;  // expected; 0: not known
  uint64_t warm_up = 0;
  GuardLimits limits;
};

struct Watched {
  recording::Outcome outcome;
  std::vector<recording::HostSample> samples;
  int interrupted_by = 0;  // a signal that was meant for the command; 0: none
};

// Returns when the target has ended. `signals` was made before the launch.
Watched watch(const Target& target, const WatchRequest& request, SignalWatch& signals, Progress& progress);

}  // namespace leakhunt::runner
