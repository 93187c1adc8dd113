#include "scenarios/runner/iteration_view.h"

namespace leakhunt::runner {

using recording::Run;
using recording::Snapshot;
using recording::SnapshotKind;

namespace {

constexpr uint64_t kSpeedWindow_ns = 3'000'000'000;

int64_t live_heap(const Run& run) {
  int64_t bytes = 0;
  for (const recording::CallSite& site : run.sites) {
    if (site.kind == recording::SiteKind::kBlock) bytes += site.live_bytes_end();
  }
  return bytes;
}

}  // namespace

void IterationView::refresh() {
  const auto read = reader_.poll(recording::Growth::kGrowing);
  if (!read || !*read || reader_.run().snapshots.empty()) return;
  measure_speed();
  measure_growth();
}

// From the newest iteration back to the first of the window.
void IterationView::measure_speed() {
  const std::vector<Snapshot>& snapshots = reader_.run().snapshots;
  const Snapshot* newest = nullptr;
  const Snapshot* oldest = nullptr;
  for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
    if (snapshot->kind != SnapshotKind::kIteration) continue;
    if (newest == nullptr) newest = &*snapshot;
    oldest = &*snapshot;
    if (newest->time_ns - oldest->time_ns > kSpeedWindow_ns) break;
  }
  if (newest == nullptr) return;
  iterations_ = newest->iteration + 1;
  if (newest->time_ns <= oldest->time_ns || newest->iteration <= oldest->iteration) return;
  per_second_ = static_cast<double>(newest->iteration - oldest->iteration) * 1e9 /
                static_cast<double>(newest->time_ns - oldest->time_ns);
}

// Counters are comparable at the ends of iterations only.
void IterationView::measure_growth() {
  const Run& run = reader_.run();
  if (run.snapshots.back().kind != SnapshotKind::kIteration || iterations_ <= warm_up_) return;
  const int64_t live_bytes = live_heap(run);
  if (!base_) {
    base_ = Level{iterations_, live_bytes};
  } else if (iterations_ > base_->iterations) {
    growth_ = static_cast<double>(live_bytes - base_->live_bytes) /
              static_cast<double>(iterations_ - base_->iterations);
  }
}

}  // namespace leakhunt::runner
