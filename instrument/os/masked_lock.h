// MaskedLock: a spin lock whose holder is not interrupted. A handler that leaves by longjmp, or a thread that
// is cancelled at any moment, would never give it back, and every other thread would wait for good.
//
// Two system calls: for rare paths. What is blocked meanwhile comes when it is given back; faults are not.
#pragma once

#include <signal.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

class MaskedLock {
 public:
  void lock() {
    const uint64_t before = block();
    lock_.lock();
    before_ = before;
  }
  bool try_lock() {
    const uint64_t before = block();
    if (lock_.try_lock()) {
      before_ = before;
      return true;
    }
    restore(before);
    return false;
  }
  void unlock() {
    const uint64_t before = before_;
    lock_.unlock();
    restore(before);
  }

  // The same lock without the mask: for the end of a process, which may wait for long and be interrupted.
  SpinLock& unmasked() { return lock_; }

 private:
  static constexpr uint64_t bit(int signal) { return uint64_t{1} << (signal - 1); }
  static uint64_t block() {
    const uint64_t all =
        ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGSYS));
    uint64_t before = 0;
    system_call(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof before);
    return before;
  }
  static void restore(uint64_t mask) {
    system_call(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask);
  }

  SpinLock lock_;
  uint64_t before_ = 0;  // of the holder
};

}  // namespace leakhunt::tracker
