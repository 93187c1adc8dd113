#include "lib/recording/series_builder.h"

#include <algorithm>
#include <thread>

#include "lib/recording/counter_arithmetic.h"

namespace leakhunt::recording {

namespace {

constexpr size_t kAtOnce = size_t{1} << 15;  // rows, which stay in the cache
constexpr size_t kWorthThreads = size_t{1} << 14;
constexpr size_t kMostThreads = 4;
constexpr size_t kNear = 256;  // sites whose last stretches a processor's cache holds

// Counters only ever count up.
bool went_backwards(const Counters& now, const Counters& before) {
  return now.allocations < before.allocations || now.allocated_bytes < before.allocated_bytes ||
         now.frees < before.frees || now.freed_bytes < before.freed_bytes ||
         now.temporary_blocks < before.temporary_blocks || now.temporary_bytes < before.temporary_bytes;
}

}  // namespace

bool SeriesBuilder::add_rows(Decoder& in) {
  SiteId previous{0};
  while (in.cursor != in.end) {
    Row row{};
    row.site = decode_row(in, previous, &row.counters);
    if (in.failed || (rows_.size() > queued_ && row.site <= rows_.back().site)) {
      drop_rows();
      return false;
    }
    previous = row.site;
    rows_.push_back(row);
  }
  return true;
}

void SeriesBuilder::settle(CallSite& site, State& state, uint32_t snapshots) {
  const uint32_t more = snapshots - state.settled;
  state.settled = snapshots;
  if (more == 0 || is_zero(state.difference)) return;
  add(site.total, state.difference, more);
  site.series.back().snapshots += more;
}

void SeriesBuilder::change(CallSite& site, State& state, uint32_t index, const Counters& difference) {
  settle(site, state, index);
  state.difference = difference;
  if (is_zero(difference)) return;
  if (!site.series.empty()) {
    const Stretch& last = site.series.back();
    if (last.first + last.snapshots == index && same(last.each, difference)) return;
  }
  site.series.push_back({index, 0, difference});
}

void SeriesBuilder::apply_changes(std::vector<CallSite>& sites, uint32_t index) {
  if (rows_.size() == queued_) return;
  snapshots_.push_back({index, rows_.size()});
  queued_ = rows_.size();
  if (queued_ >= kAtOnce) apply_queued(sites);
}

// Sites have nothing in common: each thread has its own.
void SeriesBuilder::apply_queued(std::vector<CallSite>& sites) {
  states_.resize(sites.size());
  if (queued_ == 0) return;
  const size_t wanted = queued_ >= kWorthThreads ? std::thread::hardware_concurrency() : 1;
  const size_t threads = std::clamp<size_t>(wanted, 1, std::min(kMostThreads, 1 + sites.size() / kNear));
  {
    std::vector<std::jthread> others;
    const auto share = [&](size_t i) { return sites.size() * i / threads; };
    for (size_t i = 1; i < threads; ++i)
      others.emplace_back([&, i] { apply_to(sites, share(i), share(i + 1)); });
    apply_to(sites, 0, share(1));
  }
  rows_.erase(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(queued_));
  snapshots_.clear();
  queued_ = 0;
}

// Of the sites [begin, end), some at a time through all snapshots. Within a snapshot rows ascend by site.
void SeriesBuilder::apply_to(std::vector<CallSite>& sites, size_t begin, size_t end) {
  const auto site_of = [&](size_t row) { return static_cast<size_t>(rows_[row].site); };
  std::vector<size_t> next(snapshots_.size());
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    const auto first = rows_.begin() + static_cast<ptrdiff_t>(i == 0 ? 0 : snapshots_[i - 1].end);
    const auto last = rows_.begin() + static_cast<ptrdiff_t>(snapshots_[i].end);
    const auto from = std::partition_point(
        first, last, [&](const Row& row) { return static_cast<size_t>(row.site) < begin; });
    next[i] = static_cast<size_t>(from - rows_.begin());
  }
  for (size_t until = std::min(begin + kNear, end); begin < end; until = std::min(until + kNear, end)) {
    for (size_t i = 0; i < snapshots_.size(); ++i) {
      size_t row = next[i];
      for (; row < snapshots_[i].end && site_of(row) < until; ++row)
        change(sites[site_of(row)], states_[site_of(row)], snapshots_[i].index, rows_[row].counters);
      next[i] = row;
    }
    begin = until;
  }
}

size_t SeriesBuilder::apply_key_frame(std::vector<CallSite>& sites, uint32_t index) {
  apply_queued(sites);
  size_t disagreeing = 0;
  auto row = rows_.begin();
  for (size_t i = 0; i < sites.size(); ++i) {
    const bool listed = row != rows_.end() && static_cast<size_t>(row->site) == i;
    const Counters now = listed ? (row++)->counters : Counters{};
    settle(sites[i], states_[i], index);
    if (went_backwards(now, sites[i].total)) {
      ++disagreeing;
      sites[i].series.clear();
      sites[i].total = {};
    }
    change(sites[i], states_[i], index, difference(now, sites[i].total));
    settle(sites[i], states_[i], index + 1);
    states_[i].difference = {};
  }
  rows_.clear();
  return disagreeing;
}

void SeriesBuilder::settle_all(std::vector<CallSite>& sites, uint32_t snapshots) {
  apply_queued(sites);
  for (size_t i = 0; i < sites.size(); ++i) settle(sites[i], states_[i], snapshots);
}

void SeriesBuilder::clear() {
  rows_.clear();
  snapshots_.clear();
  queued_ = 0;
  states_.clear();
}

}  // namespace leakhunt::recording
