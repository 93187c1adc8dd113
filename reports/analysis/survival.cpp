#include "reports/analysis/survival.h"

#include <algorithm>
#include <vector>

#include "reports/analysis/cut.h"

namespace leakhunt::reports {

namespace {

using recording::Cohorts;
using recording::Run;
using recording::SiteId;
using recording::SnapshotKind;

// A birth is the number of cuts of the clock before it: ticks count until the first iteration is marked.
std::vector<size_t> cuts_of_the_clock(const Run& run) {
  std::vector<size_t> cuts;
  for (size_t i = 0; i < run.snapshots.size(); ++i) {
    const SnapshotKind kind = run.snapshots[i].kind;
    if (kind == SnapshotKind::kIteration || kind == SnapshotKind::kTick) cuts.push_back(i);
  }
  return cuts;
}

// Live blocks at a table, by all its rows of the sites.
uint64_t blocks_in(const Cohorts& table, std::span<const SiteId> sites, auto&& visit) {
  uint64_t sum = 0;
  const auto before = [](const recording::Cohort& row, SiteId site) { return row.site < site; };
  for (const SiteId site : sites) {
    auto row = std::lower_bound(table.rows.begin(), table.rows.end(), site, before);
    for (; row != table.rows.end() && row->site == site; ++row) {
      sum += row->blocks;
      visit(*row);
    }
  }
  return sum;
}

int64_t live_blocks_at(const Run& run, std::span<const SiteId> sites, size_t snapshot) {
  int64_t blocks = 0;
  for (const SiteId site : sites)
    blocks += live_at(run.sites[static_cast<size_t>(site)].series, {&snapshot, 1}).front().blocks;
  return blocks;
}

// The table of the very end is made when the program has torn down what it had; then it says nothing about
// the loop, and one that was made in the loop has to do.
const Cohorts* newest_of_the_loop(const Run& run, std::span<const SiteId> sites,
                                  const std::vector<size_t>& cuts) {
  for (auto table = run.cohorts.rbegin(); table != run.cohorts.rend(); ++table) {
    if (table->iteration == 0 || table->iteration > cuts.size()) continue;
    const uint64_t in_table = blocks_in(*table, sites, [](const recording::Cohort&) {});
    if (static_cast<int64_t>(in_table) == live_blocks_at(run, sites, cuts[table->iteration - 1]))
      return &*table;
  }
  return nullptr;
}

// How many were born in each cut of the clock and lived to its end.
std::vector<uint64_t> births(const Run& run, std::span<const SiteId> sites, const std::vector<size_t>& cuts) {
  std::vector<uint64_t> born(cuts.size(), 0);
  for (const SiteId site : sites) {
    for (const recording::Stretch& stretch : run.sites[static_cast<size_t>(site)].series) {
      const uint64_t each =
          stretch.each.allocations - std::min(stretch.each.allocations, stretch.each.temporary_blocks);
      auto cut = std::lower_bound(cuts.begin(), cuts.end(), stretch.first);
      for (size_t i = 0; i < stretch.snapshots; ++i) {
        while (cut != cuts.end() && *cut < stretch.first + i) ++cut;
        if (cut == cuts.end()) break;
        born[static_cast<size_t>(cut - cuts.begin())] += each;
      }
    }
  }
  return born;
}

}  // namespace

std::string_view to_string(Keeping value) {
  switch (value) {
    case Keeping::kUnknown:
      return "unknown";
    case Keeping::kKept:
      return "kept";
    case Keeping::kTurnover:
      return "turnover";
    case Keeping::kDwindling:
      return "dwindling";
  }
  return "unknown";
}

Keeping Survival::keeping(const Growth& growth) const {
  if (is_turnover(growth)) return Keeping::kTurnover;
  uint64_t born_early = 0;
  uint64_t born_late = 0;
  for (size_t i = 0; i < kGenerations; ++i)
    (i < kGenerations / 2 ? born_early : born_late) += generations[i].born;
  constexpr uint64_t kEnough = 16;
  if (born_judged < kEnough || born_early + born_late < kEnough) return Keeping::kUnknown;
  return born_late * 2 < born_early ? Keeping::kDwindling : Keeping::kKept;
}

std::optional<Survival> measure_survival(const Run& run, const Timeline& timeline,
                                         std::span<const SiteId> sites, uint64_t since) {
  if (run.cohorts.empty() || timeline.judged() == 0) return std::nullopt;
  const std::vector<size_t> cuts = cuts_of_the_clock(run);
  const Cohorts* table = newest_of_the_loop(run, sites, cuts);
  if (table == nullptr) return std::nullopt;

  // In cuts of the clock: the first birth that counts, and one behind the last.
  const auto number = std::lower_bound(timeline.numbers.begin(), timeline.numbers.end(), since);
  const size_t from =
      std::max<size_t>(timeline.base + 1, static_cast<size_t>(number - timeline.numbers.begin()));
  const auto cut_of = [&](size_t point) {
    return static_cast<size_t>(std::lower_bound(cuts.begin(), cuts.end(), timeline.points[point]) -
                               cuts.begin());
  };
  if (from >= timeline.points.size()) return std::nullopt;
  const size_t first = cut_of(from);
  const size_t end = table->iteration;
  const size_t last_judged = cut_of(timeline.points.size() - 1);
  if (end < first + kGenerations || 2 * (end - first) < last_judged + 1 - first) return std::nullopt;

  const size_t span = end - first;
  const auto number_at = [&](size_t cut) {
    const size_t point =
        static_cast<size_t>(std::lower_bound(timeline.points.begin(), timeline.points.end(), cuts[cut]) -
                            timeline.points.begin());
    return timeline.numbers[std::min(point, timeline.numbers.size() - 1)];
  };
  const auto generation_of = [&](size_t birth) { return (birth - first) * kGenerations / span; };

  Survival survival;
  const size_t middle = first + span / 2;
  survival.steps_of_first_half = number_at(middle) - number_at(first);
  survival.oldest_judged = number_at(end - 1);
  const std::vector<uint64_t> born = births(run, sites, cuts);
  for (size_t birth = first; birth < end; ++birth) {
    Generation& generation = survival.generations[generation_of(birth)];
    if (birth == first || generation_of(birth) != generation_of(birth - 1))
      generation.first = number_at(birth);
    generation.last = number_at(birth);
    generation.born += born[birth];
  }
  survival.live_blocks = blocks_in(*table, sites, [&](const recording::Cohort& row) {
    if (row.birth < first || row.birth >= end) return;
    survival.born_judged += row.blocks;
    survival.born_in_first_half += row.birth < middle ? row.blocks : 0;
    survival.oldest_judged = std::min(survival.oldest_judged, number_at(row.birth));
    survival.generations[generation_of(row.birth)].alive += row.blocks;
  });
  return survival;
}

}  // namespace leakhunt::reports
