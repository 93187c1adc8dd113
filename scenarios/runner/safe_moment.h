// safe_moment: whether a thread may be borrowed for a call of dlopen where it stands. Decides, and touches
// nothing.
//
// dlopen takes locks (the allocator's, the loader's, that of thread stacks). The thread's own must not be
// held, so it must not be inside libc, but for functions that only wait: then they are called with none of
// them. Nor inside an allocator of another kind, or the tracker. Locks of other threads do no harm, since
// these run on.
#pragma once

#include <string>

#include "scenarios/runner/process_image.h"

namespace leakhunt::runner {

// Empty when it may; otherwise why not: "in malloc".
std::string why_not_now(const OuterStack& stack);

// System calls that come back with EINTR when a debugger looks at the thread, though nothing was meant for
// it. (Others are resumed by the kernel, which they ask with the codes of linux/errno.h.)
bool comes_back_interrupted(long system_call);

// In which a thread waits, and loses nothing by being borrowed.
bool only_waits(long system_call);

}  // namespace leakhunt::runner
