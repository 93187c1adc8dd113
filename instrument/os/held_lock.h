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
    const uint64_t self = word_of(frame);
    for (unsigned spins = 0;; ++spins) {
      const uint64_t held = load_relaxed(held_);
      if (held == 0 && compare_exchange(held_, uint64_t{0}, self)) return true;
      if (unlikely(held != 0 && held >> kFrameBits == self >> kFrameBits)) {
        if (!is_left_behind(held, self)) return false;
        store_relaxed(held_, self);
        return true;
      }
      if (spins < 64) {
        __builtin_ia32_pause();
      } else {
        system_call(SYS_sched_yield);
      }
    }
  }

  void unlock() { store_release(held_, uint64_t{0}); }

 private:
  // In one word, so that no handler finds half of it: the thread pointer, a multiple of 64 below 2^47, and
  // the frame, a multiple of 16 within 16 MiB.
  static constexpr unsigned kFrameBits = 20;
  static uint64_t word_of(const void* frame) {
    const uint64_t thread = reinterpret_cast<uintptr_t>(__builtin_thread_pointer()) >> 6;
    return thread << kFrameBits | (reinterpret_cast<uintptr_t>(frame) >> 4 & ((1u << kFrameBits) - 1));
  }

  // Stacks grow down: a frame above the holder's is one that called it, or came after it. Unless it is on
  // another stack, a handler's or a coroutine's.
  static bool is_left_behind(uint64_t held, uint64_t self) {
    constexpr unsigned kSign = 64 - kFrameBits;
    if (static_cast<int64_t>((self - held) << kSign) < 0) return false;
    stack_t stack{};
    return !is_error(system_call(SYS_sigaltstack, nullptr, &stack)) && (stack.ss_flags & SS_ONSTACK) == 0;
  }

  uint64_t held_ = 0;
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
