// How tracking ends: with the process, or (the one failure road) because the tracker cannot go on. Then it
// says so once, and the program does.
#include <string.h>

#include "instrument/os/standard_error.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

void Tracker::note_own_malloc() {
  const SpinGuard guard(recorder_.lock());
  recorder_.write_step_aside(clock_, 0, "the program brings its own malloc; only mappings are counted",
                             recording::StepAsideKind::kMappingsOnly);
}

// Whoever holds the recorder's lock may be waiting for one that the caller holds: then there is no record of
// it.
void Tracker::step_aside(const char* reason, int error) {
  const bool locked = recorder_.lock().try_lock();
  give_up(reason, error, locked);
  if (locked) recorder_.lock().unlock();
}

void Tracker::give_up(const char* reason, int error, bool may_record) {
  if (__atomic_exchange_n(&control_->active, 0u, __ATOMIC_ACQ_REL) == 0) return;
  if (may_record) recorder_.write_step_aside(clock_, error, reason);
  const char* description = error != 0 ? strerrordesc_np(error) : nullptr;
  const char* parts[] = {"leakhunt: tracking stopped: ",
                         reason,
                         description != nullptr ? ": " : "",
                         description != nullptr ? description : "",
                         " (",
                         settings_.recording,
                         "); the program goes on\n",
                         nullptr};
  write_to_standard_error(parts);
}

void Tracker::write_end(recording::EndKind kind, const char* next_program) {
  ThreadState* thread = come_in();
  if (thread == nullptr) return;
  if (lines_.expected()) lines_.wait_for_last();
  {
    const SpinGuard guard(recorder_.lock().unmasked());
    if (active() && lines_.expected()) end_iterations(thread, lines_.count());
    if (active()) snapshot(thread, recording::SnapshotKind::kFinal, clock_);
    if (active()) write_cohorts();
    if (active()) collect_graphs(true);
    const bool is_last = kind != recording::EndKind::kExec;
    if (active() && is_last && graphs_.is_due_at_exit()) take_graph(recording::GraphReason::kExit);
    if (active()) collect_graphs(true);
    if (active()) recorder_.write_end(kind, next_program);
  }
  leave(thread);
}

void Tracker::stop_before_restriction(const char* reason) {
  ThreadState* thread = come_in();
  if (thread == nullptr) return;
  {
    const SpinGuard guard(recorder_.lock());
    if (active()) snapshot(thread, recording::SnapshotKind::kFinal, clock_);
    give_up(reason, 0);
  }
  leave(thread);
}

}  // namespace leakhunt::tracker
