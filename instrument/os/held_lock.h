// HeldLock: a lock that knows who holds it, for where the target may interrupt itself: a signal handler that
// comes to a lock which its own thread holds cannot wait for it, and a thread that was thrown out of a
// handler (longjmp) never gives it back.
#pragma once

#include <signal.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

class HeldLock {
 public:
  // `frame`: of the caller. False when this thread holds it already, in what is interrupted now; the caller
  // has to do without. A frame that is gone holds nothing any more.
  bool lock(const void* frame) {
    const uintptr_t self = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
    for (unsigned spins = 0; !compare_exchange(holder_, uintptr_t{0}, self); ++spins) {
      if (unlikely(load_relaxed(holder_) == self)) {
        if (!is_left_behind(frame)) return false;
        break;
      }
      if (spins < 64) {
        __builtin_ia32_pause();
      } else {
        system_call(SYS_sched_yield);
      }
    }
    store_relaxed(frame_, reinterpret_cast<uintptr_t>(frame));
    return true;
  }

  void unlock() {
    store_relaxed(frame_, uintptr_t{0});
    store_release(holder_, uintptr_t{0});
  }

 private:
  // Stacks grow down: a frame above the holder's is one that called it, or came after it. Unless it is on
  // another stack, a handler's or a coroutine's.
  bool is_left_behind(const void* frame) const {
    constexpr uintptr_t kOneStack = 8 << 20;
    const uintptr_t here = reinterpret_cast<uintptr_t>(frame);
    const uintptr_t holders = load_relaxed(frame_);
    if (holders == 0 || here < holders || here - holders > kOneStack) return false;
    stack_t stack{};
    return !is_error(system_call(SYS_sigaltstack, nullptr, &stack)) && (stack.ss_flags & SS_ONSTACK) == 0;
  }

  uintptr_t holder_ = 0;  // its thread pointer
  uintptr_t frame_ = 0;
};

class HeldGuard {
 public:
  HeldGuard(HeldLock& lock, const void* frame) : lock_(lock), held_(lock.lock(frame)) {}
  ~HeldGuard() {
    if (held_) lock_.unlock();
  }
  HeldGuard(const HeldGuard&) = delete;
  HeldGuard& operator=(const HeldGuard&) = delete;

  bool held() const { return held_; }

 private:
  HeldLock& lock_;
  bool held_;
};

}  // namespace leakhunt::tracker
