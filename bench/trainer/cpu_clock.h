// cpu_clock: the time this thread has computed, which others that use the machine do not lengthen much.
#pragma once

#include <ctime>

namespace leakhunt::bench {

inline double cpu_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace leakhunt::bench
