// How much memory the tracker may take where the process has little: tables stop growing before the target's
// own allocations would be refused for them.
//
// Looked at are RLIMIT_AS and RLIMIT_DATA, and the limits of control groups (control_group.h), as they are at
// that moment. The first hold back address space: what is mapped counts. The others hold back physical
// memory: what was touched counts, and it is for the tracker to see in time that it has to give something
// back.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/control_group.h"

namespace leakhunt::tracker {

// A table may take so much of what the target has not taken itself: one part of so many.
inline constexpr uint64_t kShareOfRoom = 4;

// Whether a table may be mapped that is so large. Reads /proc and /sys: for rare paths.
bool may_map(size_t bytes);

// Whether the kernel refuses the process so many bytes only because of what the tracker has mapped.
bool is_in_the_way_of(size_t bytes);

// The most that the tracker shall map, whatever the limits say; 0: no such bound.
void bound_tables(uint64_t bytes);

// --- control groups
// What is left now; where another thread is looking, what was left before. Some 20 us, for rare paths.
GroupRoom room_in_group();

// Whether there was a limit when it was last looked at.
bool is_in_limited_group();

// The limit for whose sake the tracker has less than it wanted; 0: none.
uint64_t limit_that_was_short();
void note_short_limit(uint64_t bytes);

// Of the process, at most: private memory that it may write to and has not touched yet, its stacks included
// and the tracker's tables left out.
uint64_t untouched_bytes();

// In a forked child, before anything else is asked here: another thread of the parent's may have been
// looking.
void forget_group_of_parent();

}  // namespace leakhunt::tracker
