// ThreadState: everything the tracker keeps for one thread. Made at the thread's first event, taken over by a
// later thread when it ends, never given back: a snapshot may read any of them at any time.
#pragma once

#include <stdint.h>

#include "instrument/tracker/counter_rows.h"
#include "instrument/tracker/peaks.h"
#include "instrument/tracker/tags.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

struct ThreadState {
  ThreadState* next;        // of all there are, newest first
  uint32_t owned;           // by a living thread
  bool busy;                // inside the tracker: what happens meanwhile is the tracker's own
  TagId tag;                // current
  uint32_t until_clock;     // events until the clock is looked at again
  uint32_t between_clocks;  // events between two looks: many where they come fast
  uint32_t looks;           // in the running tick
  uint64_t tick_end_ns;     // of the running tick
  StackBounds stack;
  CounterRows rows;
  uint64_t foreign_frees;  // of blocks that are not known: older than the recording
  PeakMeter heap_peak;
  PeakMeter tag_peaks[kMaxTags];
};

// The calling thread's state; made when needed, null when that is not possible. On return the state's `busy`
// is as the caller left it.
ThreadState* thread_state();

// Of all threads there ever were, newest first; follow `next`.
ThreadState* all_thread_states();

// In a child of fork: its only thread owns its state, and nobody else does.
void forget_other_threads();

// Threads that own a state now.
uint32_t owned_thread_states();

// Called when a thread that owned a state ends.
using ThreadEnded = void (*)(ThreadState*);

// Once, before the first thread_state().
void start_thread_states(ThreadEnded ended);

}  // namespace leakhunt::tracker
