// Tracker, continued: from one process to its forked child. What lay on pages of the parent's reads as zeros
// (os/pages.h); what lies in the tracker itself is put back to its initial state here.
#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

// Back to the initial state, which is all zeros. Pages that were never touched stay so.
template <typename T>
void forget(T* object) {
  static_assert(sizeof(T) % sizeof(uint32_t) == 0);
  uint32_t* words = reinterpret_cast<uint32_t*>(object);
  for (size_t i = 0; i < sizeof(T) / sizeof(uint32_t); ++i) {
    if (words[i] != 0) words[i] = 0;
  }
}

}  // namespace

ForkNote Tracker::note_fork() {
  if (!in_recorded_process()) return {};
  const ThreadState* thread = thread_state();
  if (thread == nullptr || thread->busy) return {};  // a signal handler forks, in the middle of an event
  return {true, thread->tag, control_->pid};
}

// Everything that lay on pages of the parent's is taken for gone before they are.
void Tracker::forget_parent() {
  control_ = &never_started_;
  forget(&sites_);
  site_infos_ = nullptr;
  forget(&blocks_);
  forget(&sampling_);
  giving_back_ = {};
  room_watch_ = {};
  forget_group_of_parent();
  site_room_ = 0;
  forget(&mappings_);
  forget(&allocator_mappings_);
  forget(&older_);
  forget(&ledger_pace_);
  forget(&heap_gauge_);
  for (PeakGauge& gauge : tag_gauges_) forget(&gauge);
  forget(&recorder_);
  forget(&threads_);
  forget(&freed_places_);
  forget(&graphs_);
  first_thread_pointer_ = 0;
  snapshot_peak_ = 0;
  asked_peak_ = 0;
  clock_ = 0;
  entries_ = 0;
  marks_ = false;
  resident_at_ns_ = 0;
  tags_.unlock_in_child();
  forget_thread_states_in_child();
  continue_unwinding_in_child();
  unmap_pages_of_parent();
}

int Tracker::start_in_child(const Settings& settings, const ForkNote& note) {
  forget_parent();
  ++process_;
  const int error = start(settings);
  if (error != 0) return error;
  ThreadState* thread = thread_state();
  if (thread != nullptr) thread->tag = note.tag;
  return 0;
}

}  // namespace leakhunt::tracker
