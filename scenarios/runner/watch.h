// watch: stays with the target until it ends. Follows the growing recording, shows progress, stops the target
// at its ceiling or timeout, passes signals on, and says how it ended.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/recording/budget.h"
#include "lib/recording/run.h"
#include "scenarios/runner/guard.h"
#include "scenarios/runner/launch.h"
#include "scenarios/runner/progress.h"
#include "scenarios/runner/signal_watch.h"

namespace leakhunt::runner {

// Asked now and then with what was recorded so far: is the verdict certain, so that the target may be
// stopped? Handed in from above, since what a run means is said elsewhere.
using LiveJudge = std::function<std::optional<recording::Certainty>(const recording::Run&)>;

struct WatchRequest {
  std::string name;  // shown in the progress
  std::filesystem::path recording;
  uint64_t iterations = 0;  // expected; 0: not known
  uint64_t warm_up = 0;
  GuardLimits limits;
  LiveJudge judge = {};  // empty: nobody asks
};

// What the kernel counted of the target and of the children it waited for.
struct ProcessorUse {
  uint64_t cpu_ns = 0;
  uint64_t voluntary_switches = 0;
  uint64_t involuntary_switches = 0;
};

struct Watched {
  recording::Outcome outcome;
  std::optional<recording::Certainty> certainty = {};
  ProcessorUse use = {};
  std::vector<recording::HostSample> samples;
  int interrupted_by = 0;                    // a signal that was meant for the command; 0: none
  std::unique_ptr<recording::Run> run = {};  // as it was recorded, where Order::judged_at_once
};

// Returns when the target has ended. `signals` was made before the launch.
Watched watch(const Target& target, const WatchRequest& request, SignalWatch& signals, Progress& progress);

}  // namespace leakhunt::runner
