// ThreadRecords: what the recording says of the process's threads: who they are, when they began and ended,
// and how much of their stacks they touched.
//
// A thread is written at the first snapshot that sees it, later when its name or its stack is found changed,
// and at its end. Nothing of this is on the way of an event.
//
// Thread-safety: the recorder's lock is held.
#pragma once

#include <stdint.h>

#include "instrument/tracker/recorder.h"
#include "instrument/tracker/thread_state.h"

namespace leakhunt::tracker {

// Without the guard page. The first thread's grows as it is used: what the kernel has mapped of it by now.
StackBounds reserved_stack(const ThreadState& thread);

class ThreadRecords {
 public:
  // At a snapshot. Looks at every living thread if `last`, if one is new, or if some time has passed. False
  // when the file cannot grow.
  bool write_living(Recorder& recorder, uint64_t now_ns, bool last);

  // By the thread itself, at its end.
  static bool write_ended(Recorder& recorder, ThreadState* thread);

 private:
  uint32_t given_ = 0;  // thread_states_given() at the last look
  uint64_t looked_at_ns_ = 0;
};

}  // namespace leakhunt::tracker
