// threads: what each thread of the process allocated, and how much of their stacks they used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/cut.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// The blocks and mappings that one thread allocated, whoever freed them. All that is behind the threads which
// a recording tells apart is one: recording::kOtherThreads.
struct ThreadUse {
  uint32_t thread = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  int64_t peak_live_bytes = 0;  // at a snapshot
  Live end;                     // as SiteGrowth::end
  double growth_bytes_per_step = 0;
};

// The moment at which the threads' stacks were largest together. Stacks that libc keeps for the next thread
// belong to none.
struct ThreadStacks {
  size_t threads = 0;
  uint64_t reserved_bytes = 0;
  uint64_t touched_bytes = 0;  // as far as each of them was ever touched
  uint64_t time_ns = 0;
};

// Is the thread part of what makes a call site in this run?
bool split_by_thread(const recording::Run& run);

// By number, threads without allocations left out. Empty for a run that is not split by thread. Nested bytes
// are not counted twice. O(sites x snapshots).
std::vector<ThreadUse> thread_uses(const recording::Run& run, const GrowthMap& growth);

ThreadStacks largest_stacks(const recording::Run& run);

// The most threads alive at once.
size_t most_threads(const recording::Run& run);

}  // namespace leakhunt::reports
