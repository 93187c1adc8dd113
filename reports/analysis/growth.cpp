#include "reports/analysis/growth.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <string>
#include <thread>
#include <tuple>

#include "reports/analysis/growth_shape.h"
#include "reports/analysis/growth_start.h"
#include "reports/analysis/sampling.h"

namespace leakhunt::reports {

namespace {

using recording::CallSite;
using recording::Measure;
using recording::Run;
using recording::SiteId;
using recording::SiteKind;
using recording::TagId;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

// Live bytes and blocks by snapshot, of one site or of a sum.
struct LiveSeries {
  std::vector<int64_t> bytes;
  std::vector<int64_t> blocks;

  void add(const LiveSeries& other) {
    bytes.resize(std::max(bytes.size(), other.bytes.size()));
    blocks.resize(bytes.size());
    for (size_t i = 0; i < other.bytes.size(); ++i) bytes[i] += other.bytes[i];
    for (size_t i = 0; i < other.blocks.size(); ++i) blocks[i] += other.blocks[i];
  }
};

LiveSeries live_series(const Run& run, const CallSite& site) {
  return {recording::expand(site.series, run.snapshots.size(), Measure::kLiveBytes),
          recording::expand(site.series, run.snapshots.size(), Measure::kLiveBlocks)};
}

// Exact growth that is seen from the first judged point on may have begun in the warm-up: as far back as the
// increments are those of one period later, or of as many blocks of another size.
uint64_t exact_start_in_warm_up(const Timeline& timeline, const LiveSeries& live, const Growth& growth) {
  const std::vector<size_t>& points = timeline.points;
  const uint64_t distance = timeline.numbers[timeline.base + 1] - timeline.numbers[timeline.base];
  const auto period = static_cast<size_t>(growth.period / std::max<uint64_t>(1, distance));
  const auto increment = [&](size_t i) { return live.bytes[points[i]] - live.bytes[points[i - 1]]; };
  const auto blocks = [&](size_t i) { return live.blocks[points[i]] - live.blocks[points[i - 1]]; };
  const auto is_alike = [&](size_t i) {
    const int64_t now = increment(i);
    const int64_t later = increment(i + period);
    return now == later || (blocks(i) == blocks(i + period) && 2 * now >= later && now <= 2 * later);
  };
  uint64_t since = growth.since;
  for (size_t i = timeline.base; i > 0 && is_alike(i); --i) {
    if (increment(i) > 0) since = timeline.numbers[i];
  }
  const bool from_the_start =
      since == timeline.numbers[1] && 2 * live.bytes[points[0]] >= increment(1) && timeline.base > 0;
  return from_the_start ? timeline.numbers[0] : since;
}

// Other growth: as far back as the points lie on its line, give or take a tenth and what the judged ones are
// off.
uint64_t start_in_warm_up(const Timeline& timeline, const LiveSeries& live, const Growth& growth) {
  constexpr double kOffTheLine = 0.1;
  const auto steps = [&](size_t i) {
    return static_cast<double>(timeline.numbers[i]) - static_cast<double>(timeline.numbers[timeline.base]);
  };
  const auto off_line = [&](size_t i) {
    const int64_t rise = live.bytes[timeline.points[i]] - live.bytes[timeline.points[timeline.base]];
    return std::abs(static_cast<double>(rise) - growth.bytes_per_step * steps(i));
  };
  double wobble = 2 * growth.bytes_per_step / std::min(1.0, std::max(growth.blocks_per_step, 0.001));
  for (size_t i = timeline.base; i < timeline.points.size(); ++i) wobble = std::max(wobble, off_line(i));
  size_t first = timeline.base;
  for (size_t i = timeline.base; i-- > 0; first = i) {
    if (off_line(i) > wobble - kOffTheLine * growth.bytes_per_step * steps(i)) break;
  }
  // So near that a start at the base would look the same.
  if (-growth.bytes_per_step * steps(first) < 2 * wobble) return growth.since;
  return timeline.numbers[first];
}

// Seen from the first judged points on: it may be older.
bool begins_at_base(const Timeline& timeline, const Growth& growth) {
  constexpr uint64_t kFewRises = 3;
  const uint64_t base = timeline.numbers[timeline.base];
  if (growth.exact) return growth.since <= base + growth.period;
  return growth.since <=
         base + kFewRises * (1 + timeline.judged_steps() / std::max<uint64_t>(1, growth.repeats));
}

struct Points {
  std::vector<int64_t> bytes;
  std::vector<int64_t> blocks;
};

Points every_point(const Timeline& timeline, const LiveSeries& live) {
  Points all;
  for (const size_t point : timeline.points) {
    all.bytes.push_back(live.bytes[point]);
    all.blocks.push_back(live.blocks[point]);
  }
  return all;
}

Growth classify(const Timeline& timeline, const LiveSeries& live, size_t min_rises, double risk) {
  if (!timeline.judges() || live.bytes.empty()) return {};
  const std::vector<int64_t> bytes = judged_values(timeline, live.bytes);
  const std::vector<int64_t> blocks = judged_values(timeline, live.blocks);
  const std::span<const uint64_t> numbers(timeline.numbers);
  Growth growth = classify_growth({numbers.subspan(timeline.base), bytes, blocks}, min_rises, risk);
  if (!growth.grows()) return growth;
  if (begins_at_base(timeline, growth) && (growth.exact || growth.noisy)) {
    growth.since = growth.exact ? exact_start_in_warm_up(timeline, live, growth)
                                : start_in_warm_up(timeline, live, growth);
  }
  if (growth.noisy || growth.kind == GrowthClass::kSuperLinear) return growth;
  const Points all = every_point(timeline, live);
  growth.since = start_of_growth({numbers, all.bytes, all.blocks}, growth.since);
  return growth;
}

void add_slopes(Growth& sum, const Growth& part) {
  sum.bytes_per_step += part.bytes_per_step;
  sum.bytes_interval.low += part.bytes_interval.low;
  sum.bytes_interval.high += part.bytes_interval.high;
  sum.blocks_per_step += part.blocks_per_step;
  sum.blocks_interval.low += part.blocks_interval.low;
  sum.blocks_interval.high += part.blocks_interval.high;
}

// What comes and goes in one part does not decide what rises in another.
Growth with_undecided(Growth own, const std::vector<Growth>& parts) {
  double bytes = 0;
  double blocks = 0;
  for (const Growth& part : parts) {
    bytes += part.undecided_bytes;
    blocks += part.undecided_blocks;
  }
  if (own.kind == GrowthClass::kShrinking || bytes <= own.undecided_bytes) return own;
  own.kind = GrowthClass::kUndecided;
  own.undecided_bytes = bytes;
  own.undecided_blocks = blocks;
  return own;
}

// A sum is judged twice: by its own series and by its parts that grow. An exact answer of its own wins
// (growth that another part gives back is no growth of the sum); otherwise the parts win where they explain
// it, since noise that hides or blurs the sum does not touch them.
Growth combine(const Growth& own, const std::vector<Growth>& parts) {
  Growth sum;
  sum.exact = true;
  sum.since = UINT64_MAX;
  for (const Growth& part : parts) {
    if (!part.grows()) continue;
    add_slopes(sum, part);
    if (part.kind == GrowthClass::kSuperLinear) sum.kind = part.kind;
    sum.chance = std::max(sum.chance, part.chance);
    sum.exact = sum.exact && part.exact;
    sum.noisy = sum.noisy || part.noisy;
    sum.since = std::min(sum.since, part.since);
    sum.repeats = std::max(sum.repeats, part.repeats);
    sum.period = std::max(sum.period, part.period);
  }
  const bool parts_grow = sum.since != UINT64_MAX;
  if (!own.exact && !own.grows() && !parts_grow) return with_undecided(own, parts);
  if (sum.kind != GrowthClass::kSuperLinear) sum.kind = class_of_steady_growth(sum.blocks_per_step);
  if (own.exact || !parts_grow) return own;
  if (!own.grows()) return sum;
  const double slack = std::max(0.01 * own.bytes_per_step, own.bytes_interval.high - own.bytes_interval.low);
  const bool explained = sum.bytes_per_step >= own.bytes_per_step - slack;
  return explained ? sum : own;
}

// --- sites and places ----------------------------------------------------------------------------

using PlaceKey = std::tuple<TagId, SiteKind, std::string, std::string, uint64_t>;

PlaceKey key_of(const CallSite& site, const Attribution& attribution) {
  const StackFrame* frame = attribution.frame();
  if (frame == nullptr) return {site.tag, site.kind, "", "", 0};
  if (frame->function.empty()) return {site.tag, site.kind, frame->module, "", frame->offset};
  return {site.tag, site.kind, frame->function, frame->file, frame->line};
}

void attribute_sites(const Run& run, const Timeline& timeline, GrowthMap& map) {
  const double steps = std::max(1.0, static_cast<double>(timeline.judged_steps()));
  map.sites.reserve(run.sites.size());
  Attributor attributor(run);
  for (const CallSite& site : run.sites) {
    SiteGrowth& growth = map.sites.emplace_back();
    growth.attribution = attributor.attribute(site);
    growth.peak_live_bytes = reports::peak_live_bytes(site.series);
    const size_t ends[] = {timeline.end_snapshot(run), std::max<size_t>(1, run.snapshots.size()) - 1};
    const std::vector<Live> live = live_at(site.series, ends);
    growth.end = live[0];
    growth.exit = live[1];
    if (timeline.points.empty()) continue;
    const recording::Counters from = counters_at(site.series, timeline.points[timeline.base]);
    const recording::Counters to = counters_at(site.series, timeline.points.back());
    growth.allocations_per_step = static_cast<double>(to.allocations - from.allocations) / steps;
    growth.frees_per_step = static_cast<double>(to.frees - from.frees) / steps;
  }
}

void group_places(const Run& run, GrowthMap& map) {
  // By frame first: putting names into a key a hundred thousand times takes time.
  std::map<std::tuple<TagId, SiteKind, const StackFrame*>, std::vector<SiteId>> by_frame;
  for (size_t i = 0; i < run.sites.size(); ++i) {
    by_frame[{run.sites[i].tag, run.sites[i].kind, map.sites[i].attribution.frame()}].push_back(
        SiteId{static_cast<uint32_t>(i)});
  }
  std::map<PlaceKey, std::vector<SiteId>> by_key;
  for (const auto& [frame, sites] : by_frame) {
    const size_t first = index(sites.front());
    std::vector<SiteId>& same = by_key[key_of(run.sites[first], map.sites[first].attribution)];
    same.insert(same.end(), sites.begin(), sites.end());
  }
  for (auto& [key, sites] : by_key) {
    std::sort(sites.begin(), sites.end());
    map.places.push_back({std::get<TagId>(key), std::get<SiteKind>(key), std::move(sites), {}, {}});
  }
}

// How many series may be accused by chance: sites that move, places of several sites, tags, the process.
size_t series_to_judge(const Run& run, const Timeline& timeline, const GrowthMap& map) {
  constexpr size_t kHeapMappingsRss = 3;
  size_t count = run.tags.size() + kHeapMappingsRss;
  if (timeline.points.empty()) return count;
  const size_t base = timeline.points[timeline.base];
  for (const CallSite& site : run.sites) count += changes_after(site.series, base) ? 1 : 0;
  for (const Place& place : map.places) count += place.sites.size() > 1 ? 1 : 0;
  return count;
}

// Series that the tags and the process are judged by, filled while the places are judged: no site's history
// is kept.
struct Sums {
  LiveSeries heap;
  LiveSeries mappings;
  std::vector<LiveSeries> tags;
};

bool belongs_to_tag(const Run& run, const GrowthMap& map, const CallSite& site) {
  return index(site.tag) < run.tags.size() &&
         (site.kind == SiteKind::kNested) == map.tags[index(site.tag)].nested;
}

void judge_site(const Run& run, const Timeline& timeline, SiteId id, GrowthMap& map, LiveSeries& of_place,
                Sums& sums) {
  const CallSite& site = run.sites[index(id)];
  SiteGrowth& growth = map.sites[index(id)];
  const LiveSeries live = live_series(run, site);
  const bool moves = !timeline.points.empty() && changes_after(site.series, timeline.points[timeline.base]);
  growth.growth =
      moves || !timeline.judges() ? classify(timeline, live, kMinRisesOfSite, map.risk_each) : flat_growth();
  if (growth.growth.noisy && growth.growth.grows()) {
    const auto survival = measure_survival(run, timeline, {&id, 1}, growth.growth.since);
    if (survival && survival->is_turnover(growth.growth)) {
      growth.growth = {};
      growth.growth.kind = GrowthClass::kVarying;
    }
  }
  of_place.add(live);
  if (site.kind == SiteKind::kBlock) sums.heap.add(live);
  if (site.kind == SiteKind::kMapping) sums.mappings.add(live);
  if (belongs_to_tag(run, map, site)) sums.tags[index(site.tag)].add(live);
}

void judge_place(const Run& run, const Timeline& timeline, Place& place, GrowthMap& map, Sums& sums) {
  LiveSeries live;
  std::vector<Growth> parts;
  for (const SiteId site : place.sites) {
    judge_site(run, timeline, site, map, live, sums);
    parts.push_back(map.sites[index(site)].growth);
  }
  place.growth = parts.front();
  if (parts.size() > 1)
    place.growth = combine(classify(timeline, live, kMinRisesOfSite, map.risk_each), parts);
  if (place.growth.grows()) place.survival = measure_survival(run, timeline, place.sites, place.growth.since);
  std::stable_sort(place.sites.begin(), place.sites.end(), [&](SiteId a, SiteId b) {
    const double growth_a = map.sites[index(a)].growth.bytes_per_step;
    const double growth_b = map.sites[index(b)].growth.bytes_per_step;
    if (growth_a != growth_b) return growth_a > growth_b;
    return map.sites[index(a)].end.bytes > map.sites[index(b)].end.bytes;
  });
}

void add(Sums& sum, const Sums& part) {
  sum.heap.add(part.heap);
  sum.mappings.add(part.mappings);
  for (size_t tag = 0; tag < sum.tags.size(); ++tag) sum.tags[tag].add(part.tags[tag]);
}

// Places have no site in common, and sums of integers are the same in any order: where there is much to do
// several threads do it.
void judge_places(const Run& run, const Timeline& timeline, GrowthMap& map, Sums& sums) {
  constexpr size_t kWorthAThread = 2'000'000;  // values
  constexpr size_t kMostThreads = 8;
  const size_t work = run.sites.size() * run.snapshots.size() / kWorthAThread;
  const size_t threads =
      std::min({1 + work, kMostThreads, size_t{std::max(1u, std::thread::hardware_concurrency())}});
  std::atomic<size_t> next = 0;
  std::vector<Sums> of_threads(threads);
  const auto judge = [&](Sums& own) {
    own.tags.resize(sums.tags.size());
    for (size_t i = next++; i < map.places.size(); i = next++)
      judge_place(run, timeline, map.places[i], map, own);
  };
  {
    std::vector<std::jthread> others;
    for (size_t i = 1; i < threads; ++i) others.emplace_back([&, i] { judge(of_threads[i]); });
    judge(of_threads[0]);
  }
  for (const Sums& part : of_threads) add(sums, part);
}

// --- tags and the process ------------------------------------------------------------------------

std::vector<Growth> place_growths(const GrowthMap& map, auto accepts) {
  std::vector<Growth> growths;
  for (const Place& place : map.places) {
    if (accepts(place)) growths.push_back(place.growth);
  }
  return growths;
}

void find_nested_tags(const Run& run, GrowthMap& map) {
  map.tags.resize(run.tags.size());
  for (TagGrowth& tag : map.tags) tag.nested = true;
  std::vector<bool> used(run.tags.size(), false);
  for (const CallSite& site : run.sites) {
    if (index(site.tag) >= map.tags.size()) continue;
    used[index(site.tag)] = true;
    if (site.kind != SiteKind::kNested) map.tags[index(site.tag)].nested = false;
  }
  for (size_t i = 0; i < used.size(); ++i) map.tags[i].nested = map.tags[i].nested && used[i];
}

void judge_tag(const Run& run, const Timeline& timeline, size_t tag, const LiveSeries& live, GrowthMap& map) {
  TagGrowth& result = map.tags[tag];
  const auto of_tag = [&](const Place& place) {
    return index(place.tag) == tag && (place.kind == SiteKind::kNested) == result.nested;
  };
  const Growth own = live.bytes.empty() && timeline.judges()
                         ? flat_growth()
                         : classify(timeline, live, kMinRisesOfSum, map.risk_each);
  result.growth = combine(own, place_growths(map, of_tag));
  for (const int64_t bytes : live.bytes) result.peak_live_bytes = std::max(result.peak_live_bytes, bytes);
  if (tag < run.tag_peaks.size()) {
    for (const uint64_t peak : run.tag_peaks[tag]) {
      result.peak_live_bytes = std::max(result.peak_live_bytes, static_cast<int64_t>(peak));
    }
  }
  if (live.bytes.empty()) return;
  const size_t end = timeline.end_snapshot(run);
  result.end = {live.bytes[end], live.blocks[end]};
  result.exit = {live.bytes.back(), live.blocks.back()};
}

Growth judge_kind(const Timeline& timeline, SiteKind kind, LiveSeries& live, size_t snapshots,
                  const GrowthMap& map) {
  live.bytes.resize(snapshots);
  live.blocks.resize(snapshots);
  const auto of_kind = [&](const Place& place) { return place.kind == kind; };
  return combine(classify(timeline, live, kMinRisesOfSum, map.risk_each), place_growths(map, of_kind));
}

// Resident memory is noisy: pages come and go with the allocator. It is measured and accuses nobody.
Growth judge_resident(const Run& run, const Timeline& timeline, double risk) {
  LiveSeries resident;
  for (const recording::Snapshot& snapshot : run.snapshots) {
    resident.bytes.push_back(static_cast<int64_t>(snapshot.rss_bytes) -
                             static_cast<int64_t>(snapshot.tracker_bytes));
    resident.blocks.push_back(resident.bytes.back() /
                              static_cast<int64_t>(std::max<uint64_t>(1, run.process.page_size)));
  }
  return classify(timeline, resident, kMinRisesOfSum, risk);
}

}  // namespace

Growth growth_of_sites(const Run& run, const Timeline& timeline, const GrowthMap& map,
                       std::span<const SiteId> sites) {
  LiveSeries live;
  std::vector<Growth> parts;
  for (const SiteId site : sites) {
    live.add(live_series(run, run.sites[index(site)]));
    parts.push_back(map.sites[index(site)].growth);
  }
  if (parts.size() == 1) return parts.front();
  return combine(classify(timeline, live, kMinRisesOfSum, map.risk_each), parts);
}

GrowthMap measure_growth(const Run& run, const Timeline& timeline) {
  GrowthMap map;
  find_nested_tags(run, map);
  attribute_sites(run, timeline, map);
  group_places(run, map);

  map.risk_each = kRisk / static_cast<double>(series_to_judge(run, timeline, map));
  Sums sums;
  sums.tags.resize(run.tags.size());
  judge_places(run, timeline, map, sums);
  for (size_t tag = 0; tag < run.tags.size(); ++tag) judge_tag(run, timeline, tag, sums.tags[tag], map);

  map.heap = judge_kind(timeline, SiteKind::kBlock, sums.heap, run.snapshots.size(), map);
  map.mappings = judge_kind(timeline, SiteKind::kMapping, sums.mappings, run.snapshots.size(), map);
  map.process = map.heap;
  if (map.mappings.grows()) {
    map.process = map.heap.grows() ? map.heap : Growth{};
    map.process.exact = map.mappings.exact && (!map.heap.grows() || map.heap.exact);
    map.process.since = map.heap.grows() ? std::min(map.heap.since, map.mappings.since) : map.mappings.since;
    add_slopes(map.process, map.mappings);
    map.process.kind = class_of_steady_growth(map.process.blocks_per_step);
  }
  map.rss = judge_resident(run, timeline, map.risk_each);
  if (map.rss.grows()) map.slack_per_step = map.rss.bytes_per_step - map.process.bytes_per_step;
  widen_by_sample(run, timeline, map);
  map.heap_bytes = std::move(sums.heap.bytes);
  map.mapping_bytes = std::move(sums.mappings.bytes);
  return map;
}

}  // namespace leakhunt::reports
