#include "reports/diff.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "reports/analysis/cut.h"
#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::SiteId;
using recording::SiteKind;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

// --- one side ------------------------------------------------------------------------------------

// The snapshot with the highest heap up to the side's moment.
size_t peak_snapshot(const DiffSide& side) {
  const std::vector<int64_t>& heap = side.report->growth.heap_bytes;
  if (heap.empty()) return 0;
  const auto end = heap.begin() + static_cast<ptrdiff_t>(std::min(side.snapshot + 1, heap.size()));
  return static_cast<size_t>(std::max_element(heap.begin(), end) - heap.begin());
}

Figures figures_of(const DiffSide& side, size_t peak, SiteId id) {
  const recording::CallSite& site = side.report->run->sites[index(id)];
  const recording::Counters now = counters_at(site.series, side.snapshot);
  const recording::Counters then = counters_at(site.series, peak);
  Figures figures;
  figures.live_bytes = static_cast<int64_t>(now.allocated_bytes - now.freed_bytes);
  figures.live_blocks = static_cast<int64_t>(now.allocations - now.frees);
  figures.peak_bytes = static_cast<int64_t>(then.allocated_bytes - then.freed_bytes);
  figures.peak_blocks = static_cast<int64_t>(then.allocations - then.frees);
  figures.allocations = static_cast<int64_t>(now.allocations);
  figures.allocated_bytes = static_cast<int64_t>(now.allocated_bytes);
  const Growth& growth = side.report->growth.sites[index(id)].growth;
  figures.growth = growth.grows() ? growth.bytes_per_step : 0;
  return figures;
}

std::vector<Figures> figures_of_all(const DiffSide& side, const std::vector<SiteIdentity>& identities,
                                    bool with_growth) {
  const size_t peak = peak_snapshot(side);
  std::vector<Figures> result;
  for (const SiteIdentity& identity : identities) {
    Figures sum;
    for (const SiteId site : identity.sites) sum += figures_of(side, peak, site);
    if (!with_growth) sum.growth = 0;
    result.push_back(sum);
  }
  return result;
}

std::string_view comparable_growth(const DiffSide& before, const DiffSide& after) {
  const Timeline& a = before.report->timeline;
  const Timeline& b = after.report->timeline;
  const bool whole = before.at_end && after.at_end && before.report != after.report;
  if (!whole || !a.judges() || !b.judges() || a.clock != b.clock) return {};
  return a.clock == Clock::kIterations ? "iteration" : "tick";
}

// --- rows ----------------------------------------------------------------------------------------

// `there` of what did anything at all.
Change change_of(const Figures& was, const Figures& is, bool was_there, bool is_there) {
  if (!was_there && !is_there) return Change::kNone;
  if (!was_there) return Change::kAppeared;
  if (!is_there) return Change::kVanished;
  if (is.live_bytes != was.live_bytes)
    return is.live_bytes > was.live_bytes ? Change::kGrew : Change::kShrank;
  return is == was ? Change::kNone : Change::kElse;
}

std::vector<SiteMatch> matches_of(const Diff& diff) {
  if (!diff.one_run) return match_sites(diff.before_sites, diff.after_sites);
  std::vector<SiteMatch> same;
  for (size_t i = 0; i < diff.before_sites.size(); ++i) same.push_back({i, i, MatchedBy::kSame});
  return same;
}

bool did_anything(const Figures& figures) {
  return !(figures == Figures{});
}

void compare_sites(Diff& diff) {
  const bool with_growth = !diff.growth_unit.empty();
  const std::vector<Figures> before = figures_of_all(diff.before, diff.before_sites, with_growth);
  const std::vector<Figures> after = figures_of_all(diff.after, diff.sites_after(), with_growth);
  for (const SiteMatch& match : matches_of(diff)) {
    SiteDiff row{match.before, match.after, match.by, Change::kNone, {}, {}};
    if (match.before) row.was = before[*match.before];
    if (match.after) row.is = after[*match.after];
    row.change = change_of(row.was, row.is, match.before && (!diff.one_run || did_anything(row.was)),
                           match.after.has_value() && (!diff.one_run || did_anything(row.is)));
    ++diff.counts[index(row.change)];
    diff.sites.push_back(row);
  }
}

void sum_up(Diff& diff) {
  std::map<std::pair<SiteKind, std::string>, TagDiff> tags;
  const std::array<std::string_view, 3> names = {"heap", "mappings", "nested"};
  for (size_t i = 0; i < diff.kinds.size(); ++i) {
    diff.kinds[i].tag = names[i];
    diff.kinds[i].kind = static_cast<SiteKind>(i);
  }
  std::array<std::pair<bool, bool>, 3> kinds_there{};
  std::map<std::pair<SiteKind, std::string>, std::pair<bool, bool>> tags_there;
  for (const SiteDiff& row : diff.sites) {
    const SiteIdentity& identity = diff.identity(row);
    const std::pair key(identity.kind, identity.tag);
    const bool was = row.before && (!diff.one_run || did_anything(row.was));
    const bool is = row.after && (!diff.one_run || did_anything(row.is));
    TagDiff& tag = tags[key];
    for (TagDiff* sum : {&tag, &diff.kinds[index(identity.kind)]}) {
      sum->was += row.was;
      sum->is += row.is;
    }
    for (auto* there : {&tags_there[key], &kinds_there[index(identity.kind)]}) {
      there->first = there->first || was;
      there->second = there->second || is;
    }
  }
  for (auto& [key, tag] : tags) {
    tag.kind = key.first;
    tag.tag = key.second;
    tag.change = change_of(tag.was, tag.is, tags_there[key].first, tags_there[key].second);
    diff.tags.push_back(std::move(tag));
  }
  for (size_t i = 0; i < diff.kinds.size(); ++i) {
    TagDiff& kind = diff.kinds[i];
    kind.change = change_of(kind.was, kind.is, kinds_there[i].first, kinds_there[i].second);
  }
}

// Rows that differ in nothing but order keep the order of the recordings.
void sort_by_effect(auto& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    const auto weight = [](const auto& row) {
      const Figures d = row.difference();
      return std::tuple(effect(d), std::abs(d.growth), std::llabs(d.allocated_bytes),
                        std::llabs(d.allocations));
    };
    return weight(a) > weight(b);
  });
}

// --- what to know --------------------------------------------------------------------------------

void note_clocks(Diff& diff) {
  const Timeline& a = diff.before.report->timeline;
  const Timeline& b = diff.after.report->timeline;
  const auto iterations = [](const Timeline& t) {
    return t.clock == Clock::kIterations && t.completed > 0
               ? human_count(static_cast<int64_t>(t.completed)) + " iterations"
               : std::string("no iterations");
  };
  if (diff.one_run || !diff.before.at_end || !diff.after.at_end) return;
  if (iterations(a) != iterations(b)) {
    diff.notes.push_back(
        fmt::format("the runs are not of the same length: {} before, {} after; allocations differ for that "
                    "alone, and so does whatever grows",
                    iterations(a), iterations(b)));
  }
  if (diff.growth_unit.empty()) {
    diff.notes.emplace_back(
        "growth per iteration is not compared: both runs need iterations enough to be judged");
  }
}

void note_condition(Diff& diff, const DiffSide& side, std::string_view which) {
  for (const Check& check : side.report->judgement.checks) {
    const bool of_recording = !side.report->run->step_asides.empty() || !side.report->run->sampling.empty() ||
                              side.report->run->damage.lost_snapshots > 0 || side.report->run->images == 0;
    if (of_recording && check.state == CheckState::kInconclusive)
      diff.notes.push_back(fmt::format("{}: {}", which, check.text));
  }
}

void note_matching(Diff& diff) {
  size_t alike = 0;
  for (const SiteDiff& row : diff.sites)
    alike += row.before && row.after && row.by == MatchedBy::kAlike ? 1 : 0;
  if (alike == 0) return;
  diff.notes.push_back(fmt::format(
      "{} call {} matched by a part of {} stack or by names without arguments; they are marked \"alike\"",
      human_count(static_cast<int64_t>(alike)), alike == 1 ? "site was" : "sites were",
      alike == 1 ? "its" : "their"));
}

std::optional<uint64_t> steps_between(const DiffSide& before, const DiffSide& after) {
  const Timeline& timeline = before.report->timeline;
  const auto number = [&](size_t snapshot) -> std::optional<uint64_t> {
    const auto at = std::lower_bound(timeline.points.begin(), timeline.points.end(), snapshot);
    if (at == timeline.points.end() || *at != snapshot) return std::nullopt;
    return timeline.numbers[static_cast<size_t>(at - timeline.points.begin())];
  };
  const auto from = number(before.snapshot);
  const auto to = number(after.snapshot);
  if (!from || !to || *to <= *from) return std::nullopt;
  return *to - *from;
}

}  // namespace

Figures& Figures::operator+=(const Figures& other) {
  live_bytes += other.live_bytes;
  live_blocks += other.live_blocks;
  peak_bytes += other.peak_bytes;
  peak_blocks += other.peak_blocks;
  allocations += other.allocations;
  allocated_bytes += other.allocated_bytes;
  growth += other.growth;
  return *this;
}

Figures operator-(const Figures& a, const Figures& b) {
  return {a.live_bytes - b.live_bytes,
          a.live_blocks - b.live_blocks,
          a.peak_bytes - b.peak_bytes,
          a.peak_blocks - b.peak_blocks,
          a.allocations - b.allocations,
          a.allocated_bytes - b.allocated_bytes,
          a.growth - b.growth};
}

std::string_view to_string(Change change) {
  switch (change) {
    case Change::kAppeared:
      return "appeared";
    case Change::kVanished:
      return "vanished";
    case Change::kGrew:
      return "grew";
    case Change::kShrank:
      return "shrank";
    case Change::kElse:
      return "other";
    case Change::kNone:
      return "same";
  }
  return "same";
}

const SiteIdentity& Diff::identity(const SiteDiff& row) const {
  return row.after ? sites_after()[*row.after] : before_sites[*row.before];
}

int64_t effect(const Figures& difference) {
  return std::max(std::llabs(difference.live_bytes), std::llabs(difference.peak_bytes));
}

Diff make_diff(const DiffSide& before, const DiffSide& after) {
  Diff diff;
  diff.before = before;
  diff.after = after;
  diff.one_run = before.report == after.report;
  if (diff.one_run) diff.steps = steps_between(before, after);
  diff.growth_unit = comparable_growth(before, after);
  diff.before_sites = identities_of(*before.report->run, before.report->growth);
  if (!diff.one_run) diff.after_sites = identities_of(*after.report->run, after.report->growth);
  compare_sites(diff);
  sum_up(diff);
  sort_by_effect(diff.sites);
  sort_by_effect(diff.tags);
  note_clocks(diff);
  note_condition(diff, before, "before");
  if (!diff.one_run) note_condition(diff, after, "after");
  note_matching(diff);
  return diff;
}

}  // namespace leakhunt::reports
