// The tracker in a program that ran before it, and will run on after it: what the program held at the
// beginning, and how the tracker leaves it so that it may come again.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "instrument/os/fence.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kLookAtWatcherEvery_ns = 1'000'000'000;
constexpr uint64_t kLongestInside_ns = 2'000'000'000;

}  // namespace

void Tracker::note_attached(uint64_t time_ns, bool heap_known, uint64_t heap_bytes) {
  attached_ = {time_ns, heap_known, heap_bytes, resident_memory().rss_bytes, 0};
  const SpinGuard guard(recorder_.lock());
  recorder_.write_attached(attached_);
}

// Under the recorder's lock.
void Tracker::write_attached() {
  attached_.foreign_frees = sampling_.on() ? sampling_.foreign_frees_before : foreign_frees();
  recorder_.write_attached(attached_);
}

// Whoever attached holds a lock on the recording. If it can be had he is dead, and nobody will ever read on.
bool Tracker::watcher_is_gone() const {
  const long file = system_call(SYS_openat, AT_FDCWD, settings_.recording, O_RDONLY | O_CLOEXEC, 0);
  if (is_error(file)) return file == -ENOENT;
  const bool is_free = !recorder_.writes_to(static_cast<int>(file)) ||
                       !is_error(system_call(SYS_flock, file, LOCK_EX | LOCK_NB));
  system_call(SYS_close, file);
  return is_free;
}

bool Tracker::is_abandoned() {
  return active() && settings_.attached && watcher_is_gone();
}

// Under the recorder's lock, at a tick; looks once a second.
bool Tracker::ends_if_abandoned() {
  const uint64_t now = monotonic_ns();
  if (now - watcher_seen_ns_ < kLookAtWatcherEvery_ns) return false;
  watcher_seen_ns_ = now;
  if (!watcher_is_gone()) return false;
  snapshot(thread_state(), recording::SnapshotKind::kFinal, clock_);
  write_cohorts();
  write_attached();
  recorder_.write_end(recording::EndKind::kDetached, "");
  return true;
}

bool Tracker::nobody_is_inside() {
  for (const ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    if (__atomic_load_n(&thread->busy, __ATOMIC_ACQUIRE)) return false;
  }
  return true;
}

bool Tracker::detach() {
  if (in_recorded_process()) {
    {
      const SpinGuard guard(recorder_.lock());
      if (settings_.attached) write_attached();
    }
    stop(recording::EndKind::kDetached);
  } else if (control_->pid != static_cast<uint32_t>(system_call(SYS_getpid))) {
    forget_other_threads();  // a child of fork: the parent's threads are not here
  }
  fence_for_all_threads();
  // Not asleep: the thread that is here may be borrowed from a sleep of its own, which the kernel resumes
  // only as long as no other comes in between.
  const uint64_t begin = monotonic_ns();
  while (!nobody_is_inside()) {
    if (monotonic_ns() - begin > kLongestInside_ns) return false;
    system_call(SYS_sched_yield);
  }
  forget_everything();
  return true;
}

// All memory stays mapped, whoever may still hold a pointer to it; most of it is given back.
void Tracker::forget_everything() {
  recorder_.close();
  graphs_.clear();
  sites_.clear();
  blocks_.clear();
  sampling_.clear();
  room_watch_ = {};
  mappings_.clear();
  older_.release();
  ledger_pace_ = {};
  freed_places_.clear();
  for (ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    thread->rows.clear();
    thread->heap_peak = {};
    for (PeakMeter& meter : thread->tag_peaks) meter = {};
    thread->until_clock = thread->between_clocks = thread->looks = 0;
    thread->tick_end_ns = 0;
    thread->foreign_frees = 0;
    thread->sampled = {};
    thread->written = {};
    thread->moved = {};
    thread->activity = {};
  }
  heap_gauge_ = {};
  for (PeakGauge& gauge : tag_gauges_) gauge = {};
  snapshot_peak_ = 0;
  asked_peak_ = 0;
  clock_ = 0;
  entries_ = 0;
  threads_ = {};
  marks_ = false;
  resident_at_ns_ = 0;
  attached_ = {};
  watcher_seen_ns_ = 0;
}

}  // namespace leakhunt::tracker
