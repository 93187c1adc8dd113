// The one failure road: when the tracker cannot go on, it says so once, and the program does.
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

}  // namespace leakhunt::tracker
