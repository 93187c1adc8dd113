// Tracker, continued: how it starts and stops, and what it keeps of a thread that ends.
#include <errno.h>

#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

constexpr uint32_t kLeastSites = 1u << 12;
constexpr uint64_t kPartOfSites = 4;       // of what the tracker may take they take one part at most
constexpr int64_t kFirstFall = 256 << 10;  // bytes; what a small program does is in its snapshots

}  // namespace

// Where memory is short there is room for fewer sites, from the start: it cannot grow, since whoever frees a
// block looks there without a lock.
bool Tracker::make_site_infos() {
  uint32_t most = kMaxSites;
  while (site_infos_ == nullptr && most >= kLeastSites) {
    if (may_map(kPartOfSites * most * (sizeof(SiteInfo) + sizeof(uint32_t))) || most == kLeastSites)
      site_infos_ = static_cast<SiteInfo*>(map_pages(most * sizeof(SiteInfo)));
    if (site_infos_ == nullptr) most /= 2;
  }
  if (site_infos_ != nullptr && site_room_ == 0) site_room_ = most;
  return site_infos_ != nullptr && sites_.start(site_room_);
}

int Tracker::start(const Settings& settings) {
  settings_ = settings;
  if (settings_.marked_by != recording::MarkedBy::kProgram) settings_.tick_ns = 0;
  if (settings_.max_frames > kMaxFrames) settings_.max_frames = kMaxFrames;
  room_in_group();  // which says whether there is a limit
  Control* control = control_ != &never_started_ ? control_ : static_cast<Control*>(map_pages(kPage));
  if (control == nullptr || !make_site_infos() || !blocks_.start()) return ENOMEM;
  const int error =
      recorder_.start({settings_.recording, settings_.unwinder, settings_.max_frames, settings_.parent_pid,
                       settings_.one_of_many ? AppendFile::kSmallWindow : AppendFile::kFirstWindow});
  if (error != 0) return error;
  note_older_memory();
  lines_.start(settings_.lines);
  start_thread_states(thread_ended, settings_.by_thread);
  fall_from_ = kFirstFall;
  next_tick_ns_ = monotonic_ns() + settings_.tick_ns;
  control->pid = static_cast<uint32_t>(system_call(SYS_getpid));
  control_ = control;
  graphs_.start(settings_.graph);
  if (system_call(SYS_gettid) == system_call(SYS_getpid))
    first_thread_pointer_ = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  store_release(control->active, kActive);
  return 0;
}

bool Tracker::in_recorded_process() const {
  return active() && control_->pid == static_cast<uint32_t>(system_call(SYS_getpid));
}

void Tracker::stop(recording::EndKind kind) {
  if (!in_recorded_process()) return;
  const ThreadState* thread = thread_state();
  const bool interrupted = thread == nullptr || thread->busy;  // this thread may hold the recorder's lock
  write_end(kind);
  if (interrupted || !settings_.one_of_many) return store_release(control_->active, 0u);
  const SpinGuard guard(recorder_.lock());  // whoever writes holds it, and asks again whether it may
  store_release(control_->active, 0u);
  recorder_.close_and_trim();
}

// What a thread does that cannot be counted may be the frees of what others took: a leak that is none.
void Tracker::thread_ended(ThreadState* thread) {
  if (thread == nullptr) return tracker.step_aside("no memory for a thread's counters", ENOMEM);
  thread->heap_peak.pour(tracker.heap_gauge_);
  for (size_t tag = 0; tag < tracker.tags_.count(); ++tag) {
    thread->tag_peaks[tag].pour(tracker.tag_gauges_[tag]);
  }
  if (!tracker.active()) return;
  const SpinGuard guard(tracker.recorder_.lock());
  if (tracker.active() && !ThreadRecords::write_ended(tracker.recorder_, thread)) {
    tracker.give_up("cannot extend the recording", tracker.recorder_.error());
  }
}

}  // namespace leakhunt::tracker
