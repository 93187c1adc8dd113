// cut: the counters of one site at one snapshot, without expanding its whole history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// Live bytes and blocks. Signed: a damaged recording may have lost allocations.
struct Live {
  int64_t bytes = 0;
  int64_t blocks = 0;
};

// Sum of everything up to and including `snapshot`. O(stretches).
recording::Counters counters_at(const recording::Series& series, size_t snapshot);

// Live after each of `snapshots`, which are sorted. One walk: O(stretches + snapshots).
std::vector<Live> live_at(const recording::Series& series, std::span<const size_t> snapshots);

// The largest live bytes at any snapshot. O(stretches): between its ends a stretch is a straight line.
int64_t peak_live_bytes(const recording::Series& series);

// Does any snapshot after `snapshot` see the live bytes or blocks change? O(stretches).
bool changes_after(const recording::Series& series, size_t snapshot);

}  // namespace leakhunt::reports
