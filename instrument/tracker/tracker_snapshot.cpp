// Tracker, continued: what is written when the counters are cut - a snapshot, and the live blocks by birth.
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kResidentEvery_ns = 1'000'000;

}  // namespace

void Tracker::snapshot(ThreadState* thread, recording::SnapshotKind kind, uint64_t iteration) {
  const uint64_t now = recorder_.elapsed_ns();
  if (now - resident_at_ns_ >= kResidentEvery_ns || resident_at_ns_ == 0 ||
      kind == recording::SnapshotKind::kFinal) {
    const ResidentMemory resident = resident_memory();
    if (resident.rss_bytes != 0) {  // not when it may not open files any more
      rss_bytes_ = resident.rss_bytes;
      shared_bytes_ = resident.shared_bytes;
    }
    resident_at_ns_ = now;
  }
  thread->heap_peak.pour(heap_gauge_);
  const int64_t live = load_relaxed(heap_gauge_.live);
  const size_t tag_count = tags_.count();
  uint64_t tag_peaks[kMaxTags];
  for (size_t tag = 0; tag < tag_count; ++tag) {
    thread->tag_peaks[tag].pour(tag_gauges_[tag]);
    const int64_t peak = tag_gauges_[tag].take_peak();
    tag_peaks[tag] = peak > 0 ? static_cast<uint64_t>(peak) : 0;
  }
  recording::SnapshotRecord record{};
  record.kind = kind;
  record.iteration = iteration;
  record.time_ns = now;
  record.rss_bytes = rss_bytes_;
  record.shared_bytes = shared_bytes_;
  record.minor_faults = minor_faults();
  record.tracker_bytes = mapped_bytes();
  take_heap_peak();
  record.heap_peak_bytes = snapshot_peak_ > 0 ? static_cast<uint64_t>(snapshot_peak_) : 0;
  snapshot_peak_ = 0;
  const uint32_t threads = owned_thread_states();
  record.peak_error_bytes = threads > 1 ? (threads - 1) * static_cast<uint64_t>(kBatch) : 0;
  if (!write_sampling(kind) ||
      !threads_.write_living(recorder_, now, kind == recording::SnapshotKind::kFinal) ||
      !recorder_.write_snapshot(record, sites_.count(), tag_peaks, tags_)) {
    give_up("cannot extend the recording", recorder_.error());
  }
  if (live >= fall_from_) store_relaxed(fall_from_, live + live / 100 + static_cast<int64_t>(kPage));
  if (active() && (kind == recording::SnapshotKind::kFinal || ledger_pace_.is_due(now, rss_bytes_)) &&
      !sampling_.on())  // a page without a tracked block need not be free
    write_ledger(now);
}

void Tracker::write_cohorts() {
  CohortTable table;
  bool counted = false;
  {
    const HeldGuard guard(mappings_.lock(), __builtin_frame_address(0));
    counted = guard.held() && table.count(blocks_, mappings_, sampling_.level());
  }
  if (!counted) return;  // no memory: the report does without
  if (!recorder_.write_cohorts(clock_, table) || !recorder_.write_freed_places(freed_places_, table))
    give_up("cannot extend the recording", recorder_.error());
}

void Tracker::note_free(ThreadState* thread, SiteId site, const void* hook_frame) {
  uint64_t frames[kMaxFrames];
  const CapturedStack stack = settings_.capture(hook_frame, thread->stack, frames, settings_.max_frames);
  freed_places_.note(site, stack.key, frames, stack.count);
}

}  // namespace leakhunt::tracker
