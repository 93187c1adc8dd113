// StackWindow: the memory a walk may read. On the thread's own stack that is all from the stack pointer to
// the stack's end, known to be there without asking. On a foreign stack every newly reached page is asked of
// the kernel.
//
// Owned by one walk, on its stack: pages of a foreign stack may be gone at the next one.
#pragma once

#include <errno.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

// Whether the eight bytes at an aligned address can be read. rt_sigprocmask copies the new mask from the
// caller before it looks at `how`, so with an invalid `how` it says EINVAL for readable memory, EFAULT
// otherwise, and changes nothing. (mincore will not do: it finds a guard page of PROT_NONE to be there.)
inline bool is_readable(uintptr_t aligned) {
  return system_call(SYS_rt_sigprocmask, ~0L, aligned, 0L, 8L) == -EINVAL;
}

class StackWindow {
 public:
  // The walk begins at this stack pointer.
  StackWindow(const StackBounds& own, uintptr_t sp) { enter(own, sp); }

  // The walk goes on behind a signal frame. What was interrupted has its red zone (System V ABI for x86-64,
  // 3.2.2: 128 bytes), which no handler overwrites; between `leave` and `ret` the slot of rbp lies there.
  void enter_interrupted(const StackBounds& own, uintptr_t sp) {
    constexpr uintptr_t kRedZone = 128;
    enter(own, sp > kRedZone ? sp - kRedZone : sp);
  }

  bool own() const { return own_; }

  // Whether a word at `address` may be read.
  bool covers(uintptr_t address) {
    if (unlikely(address % sizeof(uint64_t) != 0)) return false;
    if (likely(address >= low_ && address < high_ && high_ - address >= sizeof(uint64_t))) return true;
    return !own_ && verify(address);
  }

  bool read(uintptr_t address, uint64_t* value) {
    if (unlikely(!covers(address))) return false;
    *value = *reinterpret_cast<const uint64_t*>(address);
    return true;
  }

 private:
  void enter(const StackBounds& own, uintptr_t sp) {
    own_ = sp >= own.low && sp < own.high && own.high - sp >= sizeof(uint64_t);
    floor_ = sp;
    low_ = sp;
    high_ = own_ ? own.high : sp;
  }

  __attribute__((noinline)) bool verify(uintptr_t address) {
    const uintptr_t page = address & ~uintptr_t{kPage - 1};
    if (address < floor_ || page + kPage < page || !is_readable(address)) return false;
    if (page != high_) low_ = page;  // not next to what is known already: forget that
    high_ = page + kPage;
    return true;
  }

  bool own_;
  uintptr_t floor_;  // nothing below is part of the stack
  uintptr_t low_;    // readable: [low_, high_)
  uintptr_t high_;
};

}  // namespace leakhunt::tracker
