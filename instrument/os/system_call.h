// System calls without libc's wrappers: those are hooked (mmap), are cancellation points (open), or write
// errno, which belongs to the target. Result: the kernel's own, -errno on failure.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if !defined(__x86_64__)
#error "the tracker is written for x86-64 so far: system_call.h and unwind/ need their counterparts"
#endif

namespace leakhunt::tracker {

template <typename... Words>
inline long system_call(long number, Words... words) {
  static_assert(sizeof...(words) <= 6);
  const long padded[7] = {(long)words..., 0};
  constexpr size_t count = sizeof...(words);
  long result;
  register long r10 __asm__("r10") = count > 3 ? padded[3 < count ? 3 : count] : 0;
  register long r8 __asm__("r8") = count > 4 ? padded[4 < count ? 4 : count] : 0;
  register long r9 __asm__("r9") = count > 5 ? padded[5 < count ? 5 : count] : 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(count > 0 ? padded[0] : 0),
                     "S"(count > 1 ? padded[1 < count ? 1 : count] : 0),
                     "d"(count > 2 ? padded[2 < count ? 2 : count] : 0), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

inline bool is_error(long result) {
  return (unsigned long)result > (unsigned long)-4096L;
}

}  // namespace leakhunt::tracker
