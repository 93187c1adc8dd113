#include "reports/analysis/limits.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "reports/analysis/lost_memory.h"
#include "reports/analysis/scope.h"
#include "reports/analysis/threads.h"
#include "reports/analysis/undecided.h"
#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Cost;
using recording::Limit;
using recording::Run;
using recording::Scope;
using recording::SiteId;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

Measured unknown(std::string why) {
  return {std::nullopt, std::move(why)};
}

// A part of the run and all its call sites.
struct Part {
  const Run& run;
  const Timeline& timeline;
  const GrowthMap& growth;
  const Scope& scope;
  std::vector<SiteId> sites;

  // The one tag that the part is, where it is one: its peaks between snapshots are known.
  const TagGrowth* whole_tag() const {
    if (scope.tag.empty() || !(scope.function + scope.file + scope.thread).empty()) return nullptr;
    const auto tag = run.sites[index(sites.front())].tag;
    const auto same = [&](SiteId site) { return run.sites[index(site)].tag == tag; };
    return std::all_of(sites.begin(), sites.end(), same) ? &growth.tags[index(tag)] : nullptr;
  }
};

int64_t peak_of(const Part& part) {
  int64_t peak = 0;
  if (const TagGrowth* tag = part.whole_tag()) return tag->peak_live_bytes;
  if (part.scope.is_process()) {
    for (const auto& snapshot : part.run.snapshots)
      peak = std::max(peak, static_cast<int64_t>(snapshot.heap_peak_bytes));
  }
  std::vector<int64_t> sum(part.run.snapshots.size());
  for (const SiteId site : part.sites) {
    const auto bytes =
        recording::expand(part.run.sites[index(site)].series, sum.size(), recording::Measure::kLiveBytes);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += bytes[i];
  }
  for (const int64_t bytes : sum) peak = std::max(peak, bytes);
  return peak;
}

uint64_t judged_allocations(const Part& part) {
  uint64_t count = 0;
  const size_t base = part.timeline.points[part.timeline.base];
  for (const SiteId site : part.sites) {
    const recording::Series& series = part.run.sites[index(site)].series;
    count +=
        counters_at(series, part.timeline.points.back()).allocations - counters_at(series, base).allocations;
  }
  return count;
}

Measured growth_of(const Part& part, Cost cost) {
  if (part.timeline.clock != Clock::kIterations) return unknown("the program marks no iterations");
  if (!part.timeline.judges())
    return unknown(fmt::format("{} iterations after warm-up are needed", part.timeline.needed()));
  Growth growth = part.growth.process;
  if (const TagGrowth* tag = part.scope.is_process() ? nullptr : part.whole_tag()) {
    growth = tag->growth;
  } else if (!part.scope.is_process()) {
    growth = growth_of_sites(part.run, part.timeline, part.growth, part.sites);
  }
  const bool by_bytes = cost == Cost::kGrowthBytes;
  Measured measured;
  measured.undecided = by_bytes ? growth.undecided_bytes : growth.undecided_blocks;
  if (part.scope.is_process()) {
    const auto places = undecided_places(part.run, part.growth);
    measured.undecided = by_bytes ? undecided_bytes_per_step(places) : undecided_blocks_per_step(places);
  }
  measured.value = 0;
  if (growth.grows()) measured.value = by_bytes ? growth.bytes_per_step : growth.blocks_per_step;
  return measured;
}

Measured rate_of(const Part& part, Cost cost) {
  if (part.timeline.judged() == 0) return unknown("nothing was recorded after the warm-up");
  const auto allocations = static_cast<double>(judged_allocations(part));
  if (cost == Cost::kAllocations) {
    if (part.timeline.clock != Clock::kIterations) return unknown("the program marks no iterations");
    return {allocations / static_cast<double>(std::max<uint64_t>(1, part.timeline.judged_steps()))};
  }
  const double seconds = part.timeline.judged_seconds(part.run);
  return seconds > 0 ? Measured{allocations / seconds} : unknown("no time passed");
}

Measured speed_of(const Timeline& timeline) {
  if (timeline.clock == Clock::kIterations && timeline.per_second) return {*timeline.per_second};
  return unknown(timeline.clock == Clock::kIterations ? "too few iterations"
                                                      : "the program marks no iterations");
}

std::string_view cost_name(Cost cost) {
  constexpr std::array<std::string_view, recording::kCosts> kNames = {"peak live memory",
                                                                      "memory live at the end",
                                                                      "blocks live at the end",
                                                                      "growth per iteration",
                                                                      "growth in blocks per iteration",
                                                                      "allocations per iteration",
                                                                      "allocations per second",
                                                                      "it/s",
                                                                      "memory lost at its end",
                                                                      "blocks lost at its end"};
  return kNames[static_cast<size_t>(cost)];
}

double lost_weight(const LostMemory& lost, SiteId id, Cost cost) {
  const auto found = lost.by_site.find(id);
  if (found == lost.by_site.end()) return 0;
  return static_cast<double>(cost == Cost::kLostBytes ? found->second.bytes : found->second.blocks);
}

Measured lost_of(const Part& part, Cost cost) {
  const LostMemory lost = lost_at_end(part.run);
  if (!lost.why_unknown.empty()) return unknown(lost.why_unknown);
  Measured sum{0.0};
  for (const SiteId site : part.sites) *sum.value += lost_weight(lost, site, cost);
  return sum;
}

double weight_of(const GrowthMap& growth, SiteId id, Cost cost) {
  const SiteGrowth& site = growth.sites[index(id)];
  switch (cost) {
    case Cost::kPeakBytes:
      return static_cast<double>(site.peak_live_bytes);
    case Cost::kEndBytes:
      return static_cast<double>(site.end.bytes);
    case Cost::kEndBlocks:
      return static_cast<double>(site.end.blocks);
    case Cost::kGrowthBytes:
      return site.growth.bytes_per_step;
    case Cost::kGrowthBlocks:
      return site.growth.blocks_per_step;
    case Cost::kAllocations:
    case Cost::kAllocationsPerSecond:
      return site.allocations_per_step;
    case Cost::kLostBytes:
    case Cost::kLostBlocks:
    case Cost::kIterationsPerSecond:
      return 0;
  }
  return 0;
}

// A relative limit is a part more than the baseline; of nothing, nothing.
double allowed_by(const Limit& limit) {
  return limit.percent ? limit.baseline.value_or(0) * (1 + *limit.percent / 100) : limit.most;
}

std::string limit_text(const Limit& limit) {
  std::string text = cost_text(limit.cost, allowed_by(limit));
  if (limit.percent)
    text +=
        fmt::format(" (the baseline's {} {:+g} %)", cost_text(limit.cost, *limit.baseline), *limit.percent);
  return text;
}

std::string whose(const Limit& limit) {
  std::string text;
  if (!limit.owner.empty()) text += "; owner: " + escape_line(limit.owner);
  if (!limit.reason.empty()) text += "; reason: " + escape_line(limit.reason);
  return text;
}

}  // namespace

Measured measure(const Run& run, const Timeline& timeline, const GrowthMap& growth, const Scope& scope,
                 Cost cost) {
  if (cost == Cost::kIterationsPerSecond) return speed_of(timeline);
  if (run.snapshots.empty()) return unknown("the recording holds no snapshot");
  if (!scope.thread.empty() && !split_by_thread(run))
    return unknown("the recording is not split by thread: record with --by-thread");
  const Part part{run, timeline, growth, scope, sites_in_scope(run, growth, scope)};
  if (part.sites.empty() && !scope.is_process()) {
    Measured absent = unknown("nothing in the run has that name: is it spelt as in the program?");
    absent.is_absent = true;
    return absent;
  }
  switch (cost) {
    case Cost::kPeakBytes:
      return {static_cast<double>(peak_of(part))};
    case Cost::kEndBytes:
    case Cost::kEndBlocks: {
      Live end;
      for (const SiteId site : part.sites) {
        end.bytes += growth.sites[index(site)].end.bytes;
        end.blocks += growth.sites[index(site)].end.blocks;
      }
      return {static_cast<double>(cost == Cost::kEndBytes ? end.bytes : end.blocks)};
    }
    case Cost::kGrowthBytes:
    case Cost::kGrowthBlocks:
      return growth_of(part, cost);
    case Cost::kAllocations:
    case Cost::kAllocationsPerSecond:
      return rate_of(part, cost);
    case Cost::kLostBytes:
    case Cost::kLostBlocks:
      return lost_of(part, cost);
    case Cost::kIterationsPerSecond:
      break;
  }
  return unknown("it is of no known kind");
}

std::string cost_text(Cost cost, double amount) {
  switch (cost) {
    case Cost::kPeakBytes:
    case Cost::kEndBytes:
    case Cost::kLostBytes:
      return human_bytes(static_cast<int64_t>(amount));
    case Cost::kGrowthBytes:
      return amount == 0 ? "0 B" : human_slope(amount);
    case Cost::kIterationsPerSecond:
      return human_rate(amount);
    default:
      return amount == std::floor(amount) ? human_count(static_cast<int64_t>(amount)) : human_number(amount);
  }
}

std::string place_text(const GrowthMap& growth, SiteId site) {
  const StackFrame* frame = growth.sites[index(site)].attribution.frame();
  if (frame == nullptr) return {};
  std::string name = shorten_middle(escape_line(qualified_name(frame_name(*frame))), 60);
  if (frame->file.empty()) return name;
  return fmt::format("{} ({}:{})", name, escape_line(frame->file.substr(frame->file.rfind('/') + 1)),
                     frame->line);
}

std::string largest_part(const Run& run, const GrowthMap& growth, const Limit& limit) {
  const std::vector<SiteId> sites = sites_in_scope(run, growth, limit.scope);
  const LostMemory lost = recording::is_lost(limit.cost) ? lost_at_end(run) : LostMemory{};
  double weight = 0;
  auto most = sites.end();
  for (auto site = sites.begin(); site != sites.end(); ++site) {
    const double own = recording::is_lost(limit.cost) ? lost_weight(lost, *site, limit.cost)
                                                      : weight_of(growth, *site, limit.cost);
    if (own <= weight) continue;
    weight = own;
    most = site;
  }
  if (most == sites.end()) return {};
  const std::string place = place_text(growth, *most);
  if (place.empty()) return {};
  return fmt::format("; the largest part, {}, in {}", cost_text(limit.cost, weight), place);
}

Check hold_against(const Limit& limit, const Measured& measured, const std::string& where,
                   const std::string& cause) {
  const std::string part = fmt::format("{}: {}", escape_line(to_string(limit.scope)), cost_name(limit.cost));
  const auto unmeasured = [&](const std::string& why) {
    const bool forgiven = measured.is_absent && limit.optional;
    return Check{forgiven ? CheckState::kNotChecked : CheckState::kInconclusive,
                 fmt::format("{}: not checked: {}{}", part, why, whose(limit)), limit.name};
  };
  if (!limit.is_resolved())
    return unmeasured(
        "what it was in the baseline is not known: leakhunt baseline accept, of this run, writes it there");
  if (!measured.value) return unmeasured(measured.why_not);
  const bool is_floor = limit.cost == Cost::kIterationsPerSecond;
  const double allowed = allowed_by(limit);
  const bool broken = is_floor ? *measured.value < allowed : *measured.value > allowed;
  if (!broken && measured.undecided > 0 && *measured.value + measured.undecided > allowed) {
    return {
        CheckState::kInconclusive,
        fmt::format("{}: not decided: it rises by about {}{}, too unevenly or too few times to tell a leak "
                    "from a cache that fills, and the limit is {}; a longer run decides{}",
                    part, cost_text(limit.cost, measured.undecided), where, limit_text(limit), whose(limit)),
        limit.name};
  }
  std::string text = fmt::format("{} {}{} is {} of {}", part, cost_text(limit.cost, *measured.value), where,
                                 is_floor ? (broken ? "below the floor" : "above the floor")
                                          : (broken ? "over the limit" : "within the limit"),
                                 limit_text(limit));
  if (broken) text += cause + whose(limit);
  return {broken ? CheckState::kFailed : CheckState::kPassed, std::move(text), limit.name};
}

void check_limits(const Run& run, const Timeline& timeline, const GrowthMap& growth,
                  std::vector<Check>& checks) {
  for (const Limit& limit : run.budget.limits) {
    if (!limit.scope.process.empty()) continue;
    checks.push_back(hold_against(limit, measure(run, timeline, growth, limit.scope, limit.cost), "",
                                  largest_part(run, growth, limit)));
  }
}

}  // namespace leakhunt::reports
