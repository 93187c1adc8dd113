// Peaks: live bytes and their maximum, of the heap and of each tag, between snapshots.
//
// A thread gathers its changes in a PeakMeter and pours them into the shared PeakGauge when they exceed
// kBatch. With one thread the maximum is exact. With T threads each of the T - 1 others may hold back less
// than kBatch either way, so the maximum is off by less than (T - 1) * kBatch: the snapshot states that
// bound.
#pragma once

#include <stdint.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

inline constexpr int64_t kBatch = 64 << 10;

// Shared by all threads.
struct PeakGauge {
  int64_t live;
  int64_t peak;     // since the last snapshot
  int64_t watched;  // who makes `live` reach it is told so; 0: nobody

  void raise(int64_t candidate) {
    int64_t seen = load_relaxed(peak);
    while (candidate > seen &&
           !__atomic_compare_exchange_n(&peak, &seen, candidate, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  }
  // Maximum since the call before.
  int64_t take_peak() { return __atomic_exchange_n(&peak, load_relaxed(live), __ATOMIC_ACQ_REL); }
};

// Owned by one thread.
struct PeakMeter {
  int64_t pending;
  int64_t pending_max;  // >= 0

  // True when `live` has reached what is watched for.
  bool add(PeakGauge& gauge, int64_t bytes) {
    pending += bytes;
    if (pending > pending_max) pending_max = pending;
    if (likely(pending < kBatch && pending > -kBatch)) return false;
    pour(gauge);
    const int64_t watched = load_relaxed(gauge.watched);
    return watched != 0 && load_relaxed(gauge.live) >= watched;
  }
  void pour(PeakGauge& gauge) {
    if (pending == 0 && pending_max == 0) return;
    const int64_t before = __atomic_fetch_add(&gauge.live, pending, __ATOMIC_ACQ_REL);
    gauge.raise(before + pending_max);
    pending = 0;
    pending_max = 0;
  }
};

}  // namespace leakhunt::tracker
