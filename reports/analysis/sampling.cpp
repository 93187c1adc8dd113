#include "reports/analysis/sampling.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::CallSite;
using recording::Counters;
using recording::Run;
using recording::SamplingNote;
using recording::SiteId;
using recording::SiteKind;

constexpr double kTwoSided = 2.576;  // of 99 %, as kConfidence

double as_double(auto value) {
  return static_cast<double>(value);
}

// The first of the clock's points that a note is true for.
size_t first_point(const SamplingNote& note) {
  return static_cast<size_t>(note.iteration);
}

double interval(const Run& run) {
  return run.sampling.empty() ? 0 : as_double(run.sampling.back().interval_bytes);
}

// Of so many bytes in blocks of that mean size.
double variance(const Run& run, double bytes, double block) {
  return bytes * std::max(0.0, interval(run) - block);
}

double live_bytes(const Counters& counters) {
  return as_double(static_cast<int64_t>(counters.allocated_bytes - counters.freed_bytes));
}

double block_bytes(const Counters& counters) {
  return counters.allocations == 0 ? 0
                                   : as_double(counters.allocated_bytes) / as_double(counters.allocations);
}

const char* step_word(const Timeline& timeline) {
  return timeline.clock == Clock::kIterations ? "iteration" : "tick";
}

void widen(Growth& growth, double error) {
  if (error == 0 || !growth.grows()) return;
  growth.exact = false;
  growth.noisy = true;
  growth.bytes_interval.low -= kTwoSided * error;
  growth.bytes_interval.high += kTwoSided * error;
  const double blocks =
      growth.bytes_per_step == 0 ? 0 : error * std::abs(growth.blocks_per_step / growth.bytes_per_step);
  growth.blocks_interval.low -= kTwoSided * blocks;
  growth.blocks_interval.high += kTwoSided * blocks;
}

}  // namespace

bool is_sampled(const Run& run) {
  return interval(run) > 0;
}

bool judged_by_sample(const Run& run, const Timeline& timeline) {
  if (!is_sampled(run) || timeline.points.empty()) return false;
  const auto first = std::find_if(run.sampling.begin(), run.sampling.end(),
                                  [](const SamplingNote& note) { return note.interval_bytes > 0; });
  return first_point(*first) < timeline.points.size();
}

double variance_at_end(const Run& run, const CallSite& site) {
  if (!is_sampled(run) || site.kind != SiteKind::kBlock) return 0;
  return variance(run, std::max(0.0, live_bytes(site.total)), block_bytes(site.total));
}

double variance_of_growth(const Run& run, const Timeline& timeline, const CallSite& site) {
  if (!judged_by_sample(run, timeline) || site.kind != SiteKind::kBlock) return 0;
  const Counters from = counters_at(site.series, timeline.points[timeline.base]);
  const Counters to = counters_at(site.series, timeline.points.back());
  const double before = std::max(0.0, live_bytes(from));
  const double after = std::max(0.0, live_bytes(to));
  const bool thinned_meanwhile =
      std::any_of(run.sampling.begin(), run.sampling.end(),
                  [&](const SamplingNote& note) { return first_point(note) > timeline.base; });
  double moved = before + after;
  if (!thinned_meanwhile) {
    moved = std::min(before, as_double(to.freed_bytes - from.freed_bytes)) +
            std::min(after, as_double(to.allocated_bytes - from.allocated_bytes));
  }
  return variance(run, moved, block_bytes(to));
}

double error_of_heap(const Run& run) {
  double sum = 0;
  for (const CallSite& site : run.sites) sum += variance_at_end(run, site);
  return std::sqrt(sum);
}

double error_of_growth(const Run& run, const Timeline& timeline, const std::vector<SiteId>& sites) {
  const double steps = std::max(1.0, as_double(timeline.judged_steps()));
  double sum = judged_by_sample(run, timeline) ? interval(run) * interval(run) : 0;
  if (sites.empty()) {
    for (const CallSite& site : run.sites) sum += variance_of_growth(run, timeline, site);
  }
  for (const SiteId site : sites)
    sum += variance_of_growth(run, timeline, run.sites[static_cast<size_t>(site)]);
  return std::sqrt(sum) / steps;
}

void widen_by_sample(const Run& run, const Timeline& timeline, GrowthMap& growth) {
  if (!judged_by_sample(run, timeline)) return;
  std::vector<double> of_tags(growth.tags.size(), 0);
  const double steps = std::max(1.0, as_double(timeline.judged_steps()));
  for (size_t i = 0; i < growth.sites.size(); ++i) {
    const double error = std::sqrt(variance_of_growth(run, timeline, run.sites[i])) / steps;
    widen(growth.sites[i].growth, error);
    const auto tag = static_cast<size_t>(run.sites[i].tag);
    if (tag < of_tags.size()) of_tags[tag] += error * error;
  }
  for (Place& place : growth.places) widen(place.growth, error_of_growth(run, timeline, place.sites));
  for (size_t tag = 0; tag < of_tags.size(); ++tag) widen(growth.tags[tag].growth, std::sqrt(of_tags[tag]));
  const double all = error_of_growth(run, timeline);
  widen(growth.heap, all);
  widen(growth.process, all);
}

std::string sampling_remark(const Run& run, const Timeline& timeline) {
  if (run.sampling.empty()) return {};
  const SamplingNote& first = run.sampling.front();
  if (!is_sampled(run)) {
    return fmt::format("memory was short: no stacks of new call sites from {} {} on", step_word(timeline),
                       human_count(static_cast<int64_t>(first.iteration)));
  }
  return fmt::format("memory was short: a sample of the blocks from {} {} on", step_word(timeline),
                     human_count(static_cast<int64_t>(first.iteration)));
}

std::string sampling_sentence(const Run& run, const Timeline& timeline) {
  if (run.sampling.empty()) return {};
  const SamplingNote& last = run.sampling.back();
  std::string text = "memory for the tracker was short";
  if (last.group_limit_bytes != 0) {
    text += fmt::format(" (the control group's limit of {})",
                        human_bytes(static_cast<int64_t>(last.group_limit_bytes)));
  } else if (last.error != 0) {
    text += fmt::format(" ({})", strerrordesc_np(last.error));
  }
  if (is_sampled(run)) {
    const auto first = std::find_if(run.sampling.begin(), run.sampling.end(),
                                    [](const SamplingNote& note) { return note.interval_bytes > 0; });
    text += fmt::format(
        ": from {} {} on only a sample of the blocks was tracked, in the end one for every {}, and larger "
        "ones all",
        step_word(timeline), human_count(static_cast<int64_t>(first->iteration)),
        human_bytes(static_cast<int64_t>(last.interval_bytes)));
    double live = 0;
    for (const CallSite& site : run.sites) live += site.kind == SiteKind::kBlock ? live_bytes(site.total) : 0;
    const double error = error_of_heap(run);
    text += fmt::format("; call sites are estimates, the heap's {} at the end have a standard error of {}",
                        human_bytes(static_cast<int64_t>(live)), human_bytes(static_cast<int64_t>(error)));
    if (live > 0) text += fmt::format(" ({:.1f} %)", 100 * error / live);
    text += fmt::format("; counted exactly since then: {} allocations of {}, {} frees",
                        human_count(static_cast<int64_t>(last.allocations)),
                        human_bytes(static_cast<int64_t>(last.allocated_bytes)),
                        human_count(static_cast<int64_t>(last.frees)));
  }
  const auto stacks = std::find_if(run.sampling.begin(), run.sampling.end(),
                                   [](const SamplingNote& note) { return note.stacks_end; });
  if (stacks != run.sampling.end()) {
    text += fmt::format("{} from {} {} on stacks of new call sites were not recorded any more",
                        is_sampled(run) ? ";" : ":", step_word(timeline),
                        human_count(static_cast<int64_t>(stacks->iteration)));
  }
  return text;
}

}  // namespace leakhunt::reports
