#include "lib/recording/series_builder.h"
#include "lib/recording/counter_arithmetic.h"

namespace leakhunt::recording {

namespace {

constexpr size_t kAhead = 6;  // rows

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
    if (in.failed || (!rows_.empty() && row.site <= rows_.back().site)) {
      rows_.clear();
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

// Rows name sites all over the memory: what they will touch is asked for ahead, in two steps, because where a
// series ends is known only once its site is there.
void SeriesBuilder::apply_changes(std::vector<CallSite>& sites, uint32_t index) {
  states_.resize(sites.size());
  const auto site_of = [&](size_t row) { return static_cast<size_t>(rows_[row].site); };
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (i + 2 * kAhead < rows_.size()) {
      const size_t soon = site_of(i + 2 * kAhead);
      __builtin_prefetch(&states_[soon]);
      __builtin_prefetch(&sites[soon].series);
      __builtin_prefetch(&sites[soon].total);
    }
    if (i + kAhead < rows_.size()) {
      const Series& next = sites[site_of(i + kAhead)].series;
      if (!next.empty()) __builtin_prefetch(&next.back());
    }
    change(sites[site_of(i)], states_[site_of(i)], index, rows_[i].counters);
  }
  rows_.clear();
}

size_t SeriesBuilder::apply_key_frame(std::vector<CallSite>& sites, uint32_t index) {
  states_.resize(sites.size());
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
  states_.resize(sites.size());
  for (size_t i = 0; i < sites.size(); ++i) settle(sites[i], states_[i], snapshots);
}

void SeriesBuilder::clear() {
  rows_.clear();
  states_.clear();
}

}  // namespace leakhunt::recording
