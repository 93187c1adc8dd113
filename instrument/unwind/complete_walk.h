// complete_walk: the slow and general way, with all registers and no cache, as an exception would go. For the
// few stacks with a frame that rsp and rbp are not enough for: a CFA in another register (the loader's lazy
// binding keeps it in rbx), or a signal that struck in the middle of a prologue.
#pragma once

#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

// As capture_by_cfi_rules. Starts in itself, since only there the registers are known, and leaves out the
// frames up to the hook's. A count of 0 when it does not come by the hook. A few microseconds a frame.
CapturedStack complete_walk(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                            size_t max_frames);

}  // namespace leakhunt::tracker
