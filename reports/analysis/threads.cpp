#include "reports/analysis/threads.h"

#include <algorithm>
#include <functional>
#include <map>

namespace leakhunt::reports {

namespace {

using recording::CallSite;
using recording::Measure;
using recording::Run;
using recording::SiteKind;
using recording::Thread;

// Threads in the order in which they begin and end; at the same moment the end comes first.
struct Change {
  uint64_t time_ns;
  bool begins;
  const Thread* thread;
};

std::vector<Change> changes(const Run& run) {
  std::vector<Change> all;
  for (const auto& [number, thread] : run.threads) {
    all.push_back({thread.begin_ns, true, &thread});
    if (thread.end_ns) all.push_back({std::max(*thread.end_ns, thread.begin_ns + 1), false, &thread});
  }
  std::stable_sort(all.begin(), all.end(), [](const Change& a, const Change& b) {
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.begins < b.begins;
  });
  return all;
}

// The largest of the sums of what is alive.
ThreadStacks largest(const Run& run, const std::function<uint64_t(const ThreadStacks&)>& size) {
  ThreadStacks now;
  ThreadStacks most;
  for (const Change& change : changes(run)) {
    const Thread& thread = *change.thread;
    if (change.begins) {
      now.threads += 1;
      now.reserved_bytes += thread.stack_reserved;
      now.touched_bytes += thread.stack_touched;
      now.time_ns = change.time_ns;
      if (size(now) > size(most)) most = now;
    } else {
      now.threads -= 1;
      now.reserved_bytes -= thread.stack_reserved;
      now.touched_bytes -= thread.stack_touched;
    }
  }
  return most;
}

}  // namespace

bool split_by_thread(const Run& run) {
  return std::any_of(run.sites.begin(), run.sites.end(),
                     [](const CallSite& site) { return site.thread.has_value(); });
}

std::vector<ThreadUse> thread_uses(const Run& run, const GrowthMap& growth) {
  std::map<uint32_t, ThreadUse> uses;
  std::map<uint32_t, std::vector<int64_t>> live;
  for (size_t i = 0; i < run.sites.size(); ++i) {
    const CallSite& site = run.sites[i];
    if (!site.thread || site.kind == SiteKind::kNested) continue;
    ThreadUse& use = uses[*site.thread];
    use.thread = *site.thread;
    use.allocations += site.total.allocations;
    use.allocated_bytes += site.total.allocated_bytes;
    use.end.bytes += growth.sites[i].end.bytes;
    use.end.blocks += growth.sites[i].end.blocks;
    if (growth.sites[i].growth.grows()) use.growth_bytes_per_step += growth.sites[i].growth.bytes_per_step;
    const auto of_site = recording::expand(site.series, run.snapshots.size(), Measure::kLiveBytes);
    std::vector<int64_t>& of_thread = live[*site.thread];
    of_thread.resize(run.snapshots.size());
    for (size_t k = 0; k < of_site.size(); ++k) of_thread[k] += of_site[k];
  }
  std::vector<ThreadUse> result;
  for (auto& [number, use] : uses) {
    for (const int64_t bytes : live[number]) use.peak_live_bytes = std::max(use.peak_live_bytes, bytes);
    result.push_back(use);
  }
  return result;
}

ThreadStacks largest_stacks(const Run& run) {
  return largest(run, [](const ThreadStacks& now) { return now.reserved_bytes; });
}

size_t most_threads(const Run& run) {
  return largest(run, [](const ThreadStacks& now) { return uint64_t{now.threads}; }).threads;
}

}  // namespace leakhunt::reports
