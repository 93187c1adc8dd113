// EndedStack: the stack of a thread that has ended and of which nothing else is known any more: it was never
// joined, or libc keeps its stack, and a newer thread has taken over what the tracker kept for it. It is
// known by what lies at its upper end, glibc's control block.
//
// Thread-safety: any thread; the memory may be gone meanwhile.
#pragma once

#include <stdint.h>

namespace leakhunt::tracker {

// Whether the memory, which begins behind a guard, is one.
bool is_ended_stack(uintptr_t begin, uintptr_t end);

}  // namespace leakhunt::tracker
