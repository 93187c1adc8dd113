// One stack, taken by both: our walk and libgcc's unwinder.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

struct Stacks {
  Capture capture = capture_by_cfi_rules;
  size_t max_frames = 128;
  bool with_libgcc = true;  // false where libgcc's unwinder itself would crash
  std::vector<uint64_t> ours;
  std::vector<uint64_t> libgcc;  // from our first frame on
  bool truncated = false;
  uint64_t key = 0;
  unsigned taken = 0;
};

// The hook: a function with a frame pointer. Given to the subjects as what they call in the end; `stacks` is
// a Stacks. Allocates after both walks only.
extern "C" void take_stacks(void* stacks);

// The calling thread's stack, as the tracker would find it.
StackBounds own_stack();

// Empty when both are the same and complete, else a description of the difference.
std::string difference(const Stacks& stacks);

// Whether ours, cut short, says so and is right as far as it goes.
bool is_honest_prefix(const Stacks& stacks);

}  // namespace leakhunt::tracker
