// capture: the stack of the calling thread, one interface over the ways to walk it. Runs at every allocation:
// it may not call malloc, take a lock that another thread could hold for long, or read memory that might not
// be there.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// The thread's own stack, as [low, high). A stack pointer outside of it means a foreign stack (coroutine,
// sigaltstack), of which nothing is known.
struct StackBounds {
  uintptr_t low;
  uintptr_t high;
};

struct CapturedStack {
  size_t count;    // frames written
  bool truncated;  // the stack went on, or could not be followed to its end
  uint64_t key;    // of these frames: the same for the same ones, however they were found (stack_key.h)
};

// Return addresses, innermost first: frames[0] is where the hook whose frame is `hook_frame`
// (__builtin_frame_address(0) in a function with a frame pointer) returns to.
using Capture = CapturedStack (*)(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                                  size_t max_frames);

// Follows the chain of saved frame registers. Exact through code compiled with -fno-omit-frame-pointer; a
// function without one is skipped over, and a register that holds something else ends the walk.
CapturedStack capture_by_frame_pointers(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                                        size_t max_frames);

// Follows the unwind rules of .eh_frame, cached by program counter: exact through optimised code of stock
// distributions. Each stack it starts from keeps its last walk (40 KiB of address space, touched as far as
// needed).
CapturedStack capture_by_cfi_rules(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                                   size_t max_frames);

// No stacks: what is counted is told apart by its tag alone.
CapturedStack capture_nothing(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                              size_t max_frames);

// To be called after every dlclose: other code may come to lie where an unloaded library was. Any thread; not
// from within a capture. What is unloaded without it is noticed later (rule_cache.h).
void forget_unwind_rules();

// In a forked child, before its first capture. What was learned about code stays; what was noted about stacks
// lay on pages that read as zeros now.
void continue_unwinding_in_child();

}  // namespace leakhunt::tracker
