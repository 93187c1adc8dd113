// StandingThreads: how a thread stands while a heap graph is taken, as the kernel and the tracker know it.
// Nobody is stopped from here: tracker_graph.cpp does that.
//
// Thread-safety: look_at_waiting() for any thread of the process; settle_in_copy() in the copy of the
// process, where nobody else is.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/heap_graph/scan_input.h"

namespace leakhunt::tracker {

// Whether it waits in the kernel; if so its stack pointer and the arguments of the system call. False: it
// runs, or wants to.
bool look_at_waiting(ScannedThread* thread);

// Whether it had a processor since it was looked at: then it is not where it was.
bool has_run_since(const ScannedThread& thread);

// In the copy: who stood still in it, whose registers are not known, and what realloc has in hand. The copy
// knows best: its memory tells whether a thread that came to the gate was still there. `has_run`: a bit a
// thread.
void settle_in_copy(ScanInput* input, const uint64_t* has_run);

}  // namespace leakhunt::tracker
