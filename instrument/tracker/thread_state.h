// ThreadState: everything the tracker keeps for one thread. Made at the thread's first event, taken over by a
// later thread when it ends, never given back: a snapshot may read any of them at any time.
#pragma once

#include <stdint.h>

#include "instrument/tracker/counter_rows.h"
#include "instrument/tracker/live_blocks.h"
#include "instrument/tracker/peaks.h"
#include "instrument/tracker/sampling.h"
#include "instrument/tracker/tags.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

// Who a thread is, for as long as it lives.
struct ThreadIdentity {
  uint32_t number;  // in the order of first events; 0: the first thread of the process
  uint32_t tid;
  uint64_t begin_ns;       // monotonic_ns() at its first event
  uint64_t start_routine;  // 0: not known
  uint64_t stack_bytes;    // as asked for; 0: not known
};

// What the recording holds of it. Under the recorder's lock.
struct WrittenThread {
  bool written;
  uint64_t stack_touched;
  char name[16];
};

// A block while realloc moves it: it is in no table then, though all that it holds is still held.
struct MovedBlock {
  uintptr_t from;  // 0: none is moved
  uintptr_t to;    // 0: not known yet
  LiveBlock block;
};

// Whether it is worth waiting for the thread's next event. As of the last heap graph, or look for growth.
struct Activity {
  uint32_t until_clock;
  bool ran_on;  // it was waited for in vain

  bool allocates(uint32_t until_clock_now) const { return !ran_on && until_clock_now != until_clock; }
};

struct ThreadState {
  ThreadState* next;        // of all there are, newest first
  uint32_t owned;           // by a living thread
  uint32_t listed;          // owned, and `identity` can be read by others
  bool busy;                // inside the tracker: what happens meanwhile is the tracker's own
  TagId tag;                // current
  uint64_t site_seed;       // makes the thread part of a site's hash; 0: recording is not split by thread
  uint32_t site_thread;     // as in SiteHeader
  uint32_t until_clock;     // events until the clock is looked at again
  uint32_t between_clocks;  // events between two looks: many where they come fast
  uint32_t looks;           // in the running tick
  uint64_t tick_end_ns;     // of the running tick
  StackBounds stack;
  ThreadIdentity identity;
  WrittenThread written;
  CounterRows rows;
  uintptr_t parked_at;  // stack pointer, while it waits for a heap graph with its registers above; else 0
  MovedBlock moved;
  Activity activity;
  uint64_t foreign_frees;  // of blocks that are not known: older than the recording
  SampledThread sampled;
  PeakMeter heap_peak;
  PeakMeter tag_peaks[kMaxTags];
};

// The calling thread's state; made when needed, null when that is not possible. On return the state's `busy`
// is as the caller left it.
ThreadState* thread_state();

// What is known of the calling thread before its first event. It has a state from here on, if possible.
void announce_thread(uint64_t start_routine, uint64_t stack_bytes);

// How often a thread was given a state: unchanged when there is no new one.
uint32_t thread_states_given();

// Of all threads there ever were, newest first; follow `next`.
ThreadState* all_thread_states();

// In a child of fork: its only thread owns its state, and nobody else does.
void forget_other_threads();

// Threads that own a state now.
uint32_t owned_thread_states();

// Called when a thread that owned a state ends; with null when there was no memory for one.
using ThreadEnded = void (*)(ThreadState*);

// Before the first thread_state().
void start_thread_states(ThreadEnded ended, bool split_sites_by_thread);

// In a forked child: its only thread owns no state yet, and the others there were are gone.
void forget_thread_states_in_child();

}  // namespace leakhunt::tracker
