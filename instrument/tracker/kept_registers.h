// KeptRegisters: of a thread that waits in a system call, how many of the six registers that a function must
// keep (rbx, rbp, r12 to r15) may be the only place of a pointer. The kernel has them, and tells nobody. By
// the rules of unwinding:
//
//   whoever uses such a register has saved it before, so what is in it belongs to the innermost function that
//   has; what an outer one had there lies on the stack, and is seen
//   that function is libc's, or the tracker's: it is its own
//   it finds its frame by rbp: rbp is that frame
//   no function has saved it: nobody uses it
//
// Thread-safety: in the copy of the process that a heap graph is made of, where nothing moves.
#pragma once

#include "instrument/heap_graph/scan_input.h"

namespace leakhunt::tracker {

// Where a function's rules are not known, nothing is known of those that called it either.
unsigned registers_in_use(const ScannedThread& thread, const ScanInput& input);

}  // namespace leakhunt::tracker
