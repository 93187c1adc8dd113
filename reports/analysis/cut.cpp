#include "reports/analysis/cut.h"
#include "lib/recording/counter_arithmetic.h"

#include <algorithm>

namespace leakhunt::reports {

namespace {

using recording::Counters;
using recording::Stretch;

int64_t net_bytes(const Counters& each) {
  return static_cast<int64_t>(each.allocated_bytes) - static_cast<int64_t>(each.freed_bytes);
}

int64_t net_blocks(const Counters& each) {
  return static_cast<int64_t>(each.allocations) - static_cast<int64_t>(each.frees);
}

// How many of the stretch's snapshots are at or before `snapshot`.
uint64_t covered(const Stretch& stretch, size_t snapshot) {
  if (snapshot < stretch.first) return 0;
  return std::min<uint64_t>(snapshot - stretch.first + 1, stretch.snapshots);
}

}  // namespace

Counters counters_at(const recording::Series& series, size_t snapshot) {
  Counters sum{};
  for (const Stretch& stretch : series) {
    const uint64_t times = covered(stretch, snapshot);
    if (times == 0) break;
    add(sum, stretch.each, times);
  }
  return sum;
}

std::vector<Live> live_at(const recording::Series& series, std::span<const size_t> snapshots) {
  std::vector<Live> result;
  result.reserve(snapshots.size());
  Live before;  // of the whole stretches before `stretch`
  auto stretch = series.begin();
  for (const size_t snapshot : snapshots) {
    while (stretch != series.end() && snapshot >= stretch->first + stretch->snapshots) {
      before.bytes += net_bytes(stretch->each) * stretch->snapshots;
      before.blocks += net_blocks(stretch->each) * stretch->snapshots;
      ++stretch;
    }
    Live live = before;
    if (stretch != series.end()) {
      const auto times = static_cast<int64_t>(covered(*stretch, snapshot));
      live.bytes += times * net_bytes(stretch->each);
      live.blocks += times * net_blocks(stretch->each);
    }
    result.push_back(live);
  }
  return result;
}

int64_t peak_live_bytes(const recording::Series& series) {
  int64_t live = 0;
  int64_t peak = 0;
  for (const Stretch& stretch : series) {
    peak = std::max(peak, live + net_bytes(stretch.each));
    live += net_bytes(stretch.each) * stretch.snapshots;
    peak = std::max(peak, live);
  }
  return peak;
}

bool changes_after(const recording::Series& series, size_t snapshot) {
  return std::any_of(series.rbegin(), series.rend(), [&](const Stretch& stretch) {
    const bool after = stretch.first + stretch.snapshots > snapshot + 1;
    return after && (net_bytes(stretch.each) != 0 || net_blocks(stretch.each) != 0);
  });
}

}  // namespace leakhunt::reports
