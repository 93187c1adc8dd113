// How much memory the tracker may take where the process has little: tables stop growing before the target's
// own allocations would be refused for them.
//
// Looked at are RLIMIT_AS and RLIMIT_DATA, as they are at that moment. The limit of a control group is not:
// what it holds back is physical memory, and the kernel says so to nobody but the one it ends.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// A table may take so much of what the target has not taken itself: one part of so many.
inline constexpr uint64_t kShareOfRoom = 4;

// Whether a table may be mapped that is so large. Reads /proc where there is a limit: for rare paths.
bool may_map(size_t bytes);

// Whether the kernel refuses the process so many bytes only because of what the tracker has mapped.
bool is_in_the_way_of(size_t bytes);

// The most that the tracker shall map, whatever the limits say; 0: no such bound.
void bound_tables(uint64_t bytes);

}  // namespace leakhunt::tracker
