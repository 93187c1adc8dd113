#include "reports/gate/baseline.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "reports/analysis/cut.h"
#include "reports/analysis/limits.h"
#include "reports/analysis/scope.h"
#include "reports/analysis/stable_names.h"

namespace leakhunt::reports {

namespace {

using recording::Cost;
using recording::Run;
using recording::SiteId;
using recording::SiteKind;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

double to_thousandths(double value) {
  return std::round(value * 1000) / 1000;
}

// Paths from the root by their last part, wherever they begin in the word: "--out=/home/x/y" -> "--out=*/y".
std::string portable_word(const std::string& word) {
  size_t at = word.starts_with('/') ? 0 : word.find("=/");
  if (at == std::string::npos) return word;
  at += word[at] == '=' ? 1 : 0;
  return word.substr(0, at) + "*/" + word.substr(word.rfind('/') + 1);
}

std::vector<std::string> portable_command(const Run& run) {
  const bool planned = run.scenario && !run.scenario->command.empty();
  std::vector<std::string> words = planned ? run.scenario->command : run.process.command_line;
  if (!words.empty()) words.front() = words.front().substr(words.front().rfind('/') + 1);
  for (std::string& word : words) word = portable_word(word);
  return words;
}

// "f<int>(char) [clone .isra.0]" -> "f".
std::string portable_function(const StackFrame& frame) {
  if (frame.function.empty()) {
    const std::string module = frame.module.substr(frame.module.rfind('/') + 1);
    return module.empty() ? "(unknown)" : module;
  }
  return loose_name(frame.function);
}

std::array<double, kFigures> figures_of_site(const Report& report, SiteId id) {
  const recording::CallSite& site = report.run->sites[index(id)];
  const SiteGrowth& growth = report.growth.sites[index(id)];
  const Timeline& timeline = report.timeline;
  uint64_t allocations = site.total.allocations;
  if (timeline.clock == Clock::kIterations && !timeline.points.empty()) {
    allocations = counters_at(site.series, timeline.points.back()).allocations -
                  counters_at(site.series, timeline.points[timeline.base]).allocations;
  }
  return {static_cast<double>(growth.peak_live_bytes), static_cast<double>(growth.end.bytes),
          static_cast<double>(growth.end.blocks), static_cast<double>(allocations),
          growth.growth.grows() ? growth.growth.bytes_per_step : 0};
}

// What the relative limits of the run are held against. What depends on time differs from machine to machine.
std::map<std::string, Band> limits_of(const Report& report) {
  std::map<std::string, Band> limits;
  for (const recording::Limit& limit : report.run->budget.limits) {
    const bool timed = limit.cost == Cost::kAllocationsPerSecond || limit.cost == Cost::kIterationsPerSecond;
    if (!limit.percent || timed) continue;
    std::optional<double> value;
    if (limit.scope.process.empty()) {
      value = measure(*report.run, report.timeline, report.growth, limit.scope, limit.cost).value;
    } else if (const auto known = report.process_figures.find(limit.name);
               known != report.process_figures.end()) {
      value = known->second;
    }
    if (!value) continue;
    const double kept = std::ceil(*value * 1000) / 1000;  // up: the run itself keeps to what it was
    limits[limit_key(limit)] = {kept, kept};
  }
  return limits;
}

// Everything of one report that a baseline keeps, as bands of one value.
struct Measurements {
  Figures process;
  std::map<std::string, Figures> tags;
  std::map<PlaceName, Figures> places;
  std::map<std::string, Band> limits;
};

void add(Figures& to, const std::array<double, kFigures>& values) {
  for (size_t i = 0; i < kFigures; ++i) {
    to.bands[i].low += values[i];
    to.bands[i].high = to.bands[i].low;
  }
}

void set(Figures& figures, Figure figure, double value) {
  figures[figure] = {to_thousandths(value), to_thousandths(value)};
}

Measurements measurements_of(const Report& report) {
  const Run& run = *report.run;
  Measurements result;
  result.limits = limits_of(report);
  for (size_t i = 0; i < run.sites.size(); ++i) {
    const SiteId id{static_cast<uint32_t>(i)};
    const recording::CallSite& site = run.sites[i];
    const auto values = figures_of_site(report, id);
    const PlaceName name = place_name(report, id);
    add(result.places[name], values);
    if (site.kind == SiteKind::kBlock) add(result.process, values);
    const bool nested =
        index(site.tag) < report.growth.tags.size() && report.growth.tags[index(site.tag)].nested;
    if ((site.kind == SiteKind::kNested) == nested) add(result.tags[name.first], values);
  }
  // Peaks of sums are no sums of peaks, and growth is judged as a whole.
  const auto peak = measure(run, report.timeline, report.growth, {}, Cost::kPeakBytes);
  set(result.process, Figure::kPeak, peak.value.value_or(0));
  set(result.process, Figure::kGrowth,
      report.growth.process.grows() ? report.growth.process.bytes_per_step : 0);
  for (size_t tag = 0; tag < report.growth.tags.size(); ++tag) {
    const auto found = result.tags.find(run.tags[tag].name);
    if (found == result.tags.end()) continue;
    const TagGrowth& growth = report.growth.tags[tag];
    set(found->second, Figure::kPeak, static_cast<double>(growth.peak_live_bytes));
    set(found->second, Figure::kGrowth, growth.growth.grows() ? growth.growth.bytes_per_step : 0);
  }
  for (auto& [name, figures] : result.places) set(figures, Figure::kGrowth, figures[Figure::kGrowth].low);
  return result;
}

void widen(Figures& figures, const Figures& other) {
  for (size_t i = 0; i < kFigures; ++i) figures.bands[i].take(other.bands[i].low);
}

// What one recording has and another has not was nothing there.
template <typename Key>
void widen(std::map<Key, Figures>& all, const std::map<Key, Figures>& others) {
  const Figures nothing;
  for (auto& [name, figures] : all) {
    const auto other = others.find(name);
    widen(figures, other == others.end() ? nothing : other->second);
  }
  for (const auto& [name, figures] : others) {
    const auto [known, added] = all.try_emplace(name, Figures{});
    if (added) widen(known->second, figures);
  }
}

// A limit that not every recording was held against is of none.
void widen_limits(std::map<std::string, Band>& all, const std::map<std::string, Band>& others) {
  std::erase_if(all, [&](const auto& limit) { return !others.contains(limit.first); });
  for (auto& [key, band] : all) band.take(others.at(key).high);
}

// After the warm-up it neither lives nor allocates, in none of the recordings.
bool is_idle(const Figures& figures) {
  return figures[Figure::kEnd].high <= 0 && figures[Figure::kBlocks].high <= 0 &&
         figures[Figure::kAllocations].high <= 0;
}

std::optional<Figure> figure_of(Cost cost) {
  switch (cost) {
    case Cost::kPeakBytes:
      return Figure::kPeak;
    case Cost::kEndBytes:
      return Figure::kEnd;
    case Cost::kEndBlocks:
      return Figure::kBlocks;
    case Cost::kAllocations:
      return Figure::kAllocations;
    case Cost::kGrowthBytes:
      return Figure::kGrowth;
    default:
      return std::nullopt;
  }
}

// Of the process, or of one whole tag.
std::optional<double> figure_of_part(const Baseline& baseline, const recording::Limit& limit) {
  const recording::Scope& scope = limit.scope;
  const auto figure = figure_of(limit.cost);
  if (!figure || !scope.file.empty() || !scope.thread.empty() || !scope.function.empty() ||
      !scope.process.empty())
    return std::nullopt;
  const auto tag = baseline.tags.find(scope.tag);
  if (!scope.is_process() && tag == baseline.tags.end()) return std::nullopt;
  const double value = (scope.is_process() ? baseline.process : tag->second)[*figure].high;
  if (limit.cost != Cost::kAllocations) return value;
  return value / static_cast<double>(std::max<uint64_t>(1, baseline.judged));
}

std::string why_not_acceptable(const Report& report) {
  const Run& run = *report.run;
  if (run.snapshots.empty()) return "holds no snapshot";
  if (report.verdict() == Verdict::kTargetFailed) return "is of a program that failed";
  if (run.outcome && !run.outcome->stopped_for.empty()) return "is of a program that was stopped";
  if (run.damage.lost_snapshots > 0) return "is damaged";
  if (!run.step_asides.empty()) return "does not hold everything: the tracker stepped aside";
  if (!run.sampling.empty()) return "is a sample only: memory for the tracker was short";
  if (run.scenario && report.timeline.completed < run.scenario->iterations)
    return "is of a run that did not come to its end";
  return {};
}

}  // namespace

std::string_view to_string(Figure figure) {
  constexpr std::array<std::string_view, kFigures> kNames = {"peak", "end", "blocks", "allocations",
                                                             "growth"};
  return kNames[static_cast<size_t>(figure)];
}

void Band::take(double value) {
  low = std::min(low, value);
  high = std::max(high, value);
}

Configuration configuration_of(const Report& report) {
  const Run& run = *report.run;
  Configuration configuration;
  configuration.command = portable_command(run);
  const bool marked = report.timeline.clock == Clock::kIterations;
  configuration.clock = marked ? marked_by(run) : "ticks";
  if (configuration.clock.empty()) configuration.clock = "iterations";
  if (marked) {
    const bool planned = run.scenario && run.scenario->iterations > 0;
    configuration.iterations = planned ? run.scenario->iterations : report.timeline.completed;
    configuration.warm_up = report.timeline.warm_up;
  }
  configuration.build = run.budget.build;
  configuration.stacks = run.process.unwinder;
  return configuration;
}

std::string difference_of(const Configuration& now, const Configuration& then) {
  const auto words = [](const std::vector<std::string>& command) {
    std::string text;
    for (const std::string& word : command) text += (text.empty() ? "" : " ") + word;
    return text;
  };
  const auto differ = [](std::string_view what, const auto& a, const auto& b) {
    return fmt::format("{} is \"{}\" and was \"{}\"", what, a, b);
  };
  if (now.command != then.command) return differ("the command", words(now.command), words(then.command));
  if (now.clock != then.clock) return differ("the clock", now.clock, then.clock);
  if (now.iterations != then.iterations)
    return differ("the number of iterations", now.iterations, then.iterations);
  if (now.warm_up != then.warm_up) return differ("the warm-up", now.warm_up, then.warm_up);
  const bool builds_known = !now.build.empty() && !then.build.empty();
  if (builds_known && now.build != then.build) return differ("the build", now.build, then.build);
  if (now.stacks != then.stacks) return differ("the way of finding stacks", now.stacks, then.stacks);
  return {};
}

PlaceName place_name(const Report& report, SiteId site) {
  const auto tag = report.run->sites[index(site)].tag;
  const StackFrame* frame = report.growth.sites[index(site)].attribution.frame();
  return {index(tag) < report.run->tags.size() ? report.run->tags[index(tag)].name : "?",
          frame == nullptr ? "(no stack)" : portable_function(*frame)};
}

tl::expected<Baseline, std::string> make_baseline(const std::vector<const Report*>& reports) {
  Baseline baseline;
  for (const Report* report : reports) {
    const std::string which =
        reports.size() == 1 ? "the recording" : fmt::format("recording {}", baseline.recordings + 1);
    if (const std::string why = why_not_acceptable(*report); !why.empty())
      return tl::unexpected(fmt::format("{} {}; make another one", which, why));
    const Configuration configuration = configuration_of(*report);
    const Measurements measured = measurements_of(*report);
    const auto rss = static_cast<double>(report->peak_rss_bytes);
    if (baseline.recordings++ == 0) {
      baseline = {configuration,
                  1,
                  report->timeline.judged_steps(),
                  {rss, rss},
                  measured.process,
                  measured.tags,
                  measured.places,
                  measured.limits};
      continue;
    }
    if (const std::string difference = difference_of(configuration, baseline.configuration);
        !difference.empty())
      return tl::unexpected(fmt::format("{} is of another configuration: {}", which, difference));
    baseline.rss.take(rss);
    widen(baseline.process, measured.process);
    widen(baseline.tags, measured.tags);
    widen(baseline.places, measured.places);
    widen_limits(baseline.limits, measured.limits);
  }
  std::erase_if(baseline.places, [](const auto& place) { return is_idle(place.second); });
  return baseline;
}

Baseline allowing(const Baseline& baseline, const Baseline& run) {
  Baseline both = baseline;
  widen(both.process, run.process);
  widen(both.tags, run.tags);
  widen(both.places, run.places);
  return both;
}

std::string limit_key(const recording::Limit& limit) {
  return fmt::format("{}: {}", to_string(limit.scope), to_string(limit.cost));
}

void look_up_limits(const Baseline& baseline, std::vector<recording::Limit>& limits) {
  for (recording::Limit& limit : limits) {
    if (!limit.percent) continue;
    const auto kept = baseline.limits.find(limit_key(limit));
    limit.baseline = kept == baseline.limits.end() ? figure_of_part(baseline, limit) : kept->second.high;
  }
}

}  // namespace leakhunt::reports
