// counter_arithmetic: sums and differences of counters, modulo 2^64. Also the tracker's: nothing but
// integers.
#pragma once

#include <stdint.h>

#include "lib/recording/format.h"

namespace leakhunt::recording {

inline void add(Counters& sum, const Counters& each, uint64_t times = 1) {
  sum.allocations += each.allocations * times;
  sum.allocated_bytes += each.allocated_bytes * times;
  sum.frees += each.frees * times;
  sum.freed_bytes += each.freed_bytes * times;
  sum.temporary_blocks += each.temporary_blocks * times;
  sum.temporary_bytes += each.temporary_bytes * times;
}

inline Counters difference(const Counters& now, const Counters& before) {
  return {now.allocations - before.allocations,
          now.allocated_bytes - before.allocated_bytes,
          now.frees - before.frees,
          now.freed_bytes - before.freed_bytes,
          now.temporary_blocks - before.temporary_blocks,
          now.temporary_bytes - before.temporary_bytes};
}

inline bool is_zero(const Counters& counters) {
  return (counters.allocations | counters.allocated_bytes | counters.frees | counters.freed_bytes |
          counters.temporary_blocks | counters.temporary_bytes) == 0;
}

inline bool same(const Counters& a, const Counters& b) {
  return is_zero(difference(a, b));
}

}  // namespace leakhunt::recording
