// The few atomic operations the tracker uses, by the order they need. Compiler builtins: the target must not
// need libatomic or libstdc++.
#pragma once

#include <stdint.h>
#include <sys/single_threaded.h>

#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

template <typename T>
inline T load_relaxed(const T& from) {
  return __atomic_load_n(&from, __ATOMIC_RELAXED);
}
template <typename T>
inline T load_acquire(const T& from) {
  return __atomic_load_n(&from, __ATOMIC_ACQUIRE);
}
template <typename T>
inline void store_relaxed(T& to, T value) {
  __atomic_store_n(&to, value, __ATOMIC_RELAXED);
}
template <typename T>
inline void store_release(T& to, T value) {
  __atomic_store_n(&to, value, __ATOMIC_RELEASE);
}
template <typename T>
inline bool compare_exchange(T& cell, T expected, T desired) {
  return __atomic_compare_exchange_n(&cell, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

// Whether no other thread can be running (glibc's word for it; false before the second one begins). A locked
// instruction waits for every store before it: five nanoseconds that a process of one thread need not pay.
inline bool single_threaded() {
  return __libc_single_threaded != 0;
}

// A counter that one thread writes and others read: no locked instruction, no torn value.
template <typename T>
inline void add_owned(T& counter, T amount) {
  store_relaxed(counter, static_cast<T>(load_relaxed(counter) + amount));
}

inline bool likely(bool condition) {
  return __builtin_expect(condition, true);
}
inline bool unlikely(bool condition) {
  return __builtin_expect(condition, false);
}

// For the rare paths only (a new call site, a snapshot, a mapping): held for microseconds, never across
// anything that could wait for the target. A forked child never takes one that another thread may hold: those
// of the tracker begin anew there.
class SpinLock {
 public:
  bool try_lock() { return __atomic_exchange_n(&held_, 1u, __ATOMIC_ACQUIRE) == 0; }
  void lock() {
    for (unsigned spins = 0; !try_lock(); ++spins) {
      if (spins < 64) {
        __builtin_ia32_pause();
      } else {
        system_call(SYS_sched_yield);
      }
    }
  }
  void unlock() { __atomic_store_n(&held_, 0u, __ATOMIC_RELEASE); }

 private:
  uint32_t held_ = 0;
};

template <typename Lock>
class SpinGuard {
 public:
  explicit SpinGuard(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~SpinGuard() { lock_.unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace leakhunt::tracker
