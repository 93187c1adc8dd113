#include "reports/analysis/twin_speed.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lib/stats/trend.h"
#include "reports/analysis/timeline.h"
#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Run;
using recording::SpeedOfRun;
using recording::TwinSpeed;

constexpr size_t kMinIntervals = 4;
constexpr double kTellingDifference = 1.2;  // a factor; what differs by less explains nothing

template <typename Figure>
double median_of(const TwinSpeed& speed, SpeedOfRun recording::SpeedPair::*whose, Figure figure) {
  std::vector<double> values;
  for (const auto& pair : speed.pairs) values.push_back(figure(pair.*whose));
  return stats::median(values);
}

double per_second(const SpeedOfRun& run) {
  return run.per_second;
}

bool has_speed(const recording::SpeedPair& pair) {
  return pair.subject.per_second > 0 && pair.twin.per_second > 0 && std::isfinite(pair.subject.per_second) &&
         std::isfinite(pair.twin.per_second);
}

double processors_used(const SpeedOfRun& run) {
  return run.wall_ns == 0 ? 0 : static_cast<double>(run.cpu_ns) / static_cast<double>(run.wall_ns);
}

double sleeps_per_iteration(const SpeedOfRun& run) {
  return static_cast<double>(run.voluntary_switches) /
         static_cast<double>(std::max<uint64_t>(1, run.iterations));
}

bool differs(double a, double b) {
  return std::max(a, b) > kTellingDifference * std::min(a, b);
}

// "; matrix products: plain C++ loops, 2.1 GFLOP/s (its twin: ...); it kept 1.0 processors busy (its
// twin: 1.9)"
std::string why(const TwinSpeed& speed) {
  std::string text;
  for (const recording::SpeedClue& clue : speed.clues) {
    if (clue.subject == clue.twin) continue;
    text += fmt::format("; {}{} (its twin: {})", escape_line(clue.about), escape_line(clue.subject),
                        escape_line(clue.twin));
  }
  using recording::SpeedPair;
  const double used = median_of(speed, &SpeedPair::subject, processors_used);
  const double twin_used = median_of(speed, &SpeedPair::twin, processors_used);
  if (differs(used, twin_used))
    text += fmt::format("; it kept {:.2f} processors busy (its twin: {:.2f})", used, twin_used);
  const double sleeps = median_of(speed, &SpeedPair::subject, sleeps_per_iteration);
  const double twin_sleeps = median_of(speed, &SpeedPair::twin, sleeps_per_iteration);
  if (std::max(sleeps, twin_sleeps) >= 1 && differs(sleeps, twin_sleeps))
    text += fmt::format("; its threads went to sleep {:.1f} times per iteration (its twin's: {:.1f})", sleeps,
                        twin_sleeps);
  return text;
}

// "0.51 of that of its healthy twin threaded_24mb (0.50 to 0.53 in 9 pairs of short runs): 1.03 it/s against
// 2.01"
std::string figures(const TwinSpeed& speed, const stats::MedianInterval& ratio) {
  using recording::SpeedPair;
  return fmt::format(
      "throughput is {:.3g} of that of its healthy twin {} ({:.3g} to {:.3g} in {} pairs of short runs): {} "
      "it/s "
      "against {}",
      ratio.median, escape_line(speed.twin), ratio.interval.low, ratio.interval.high, speed.pairs.size(),
      human_rate(median_of(speed, &SpeedPair::subject, per_second)),
      human_rate(median_of(speed, &SpeedPair::twin, per_second)));
}

Check compare(const TwinSpeed& speed) {
  const stats::MedianInterval ratio = speed_ratio(speed);
  const std::string text = figures(speed, ratio);
  const std::string least = fmt::format("the least that is allowed, {:.3g}", speed.least_ratio);
  if (ratio.interval.high < speed.least_ratio)
    return {CheckState::kFailed, fmt::format("{}; below {}{}", text, least, why(speed))};
  if (!(ratio.interval.low >= speed.least_ratio)) {
    return {
        CheckState::kInconclusive,
        fmt::format("{}; whether that is below {}, the noise of this machine does not tell", text, least)};
  }
  if (speed.processors < speed.processors_needed) {
    return {CheckState::kInconclusive,
            fmt::format(
                "{}; above {}, but on {} processor{} this tells nothing: what would make it slow costs "
                "nothing on fewer than {}",
                text, least, speed.processors, speed.processors == 1 ? "" : "s", speed.processors_needed)};
  }
  return {CheckState::kPassed, fmt::format("{}; above {}", text, least)};
}

}  // namespace

std::optional<double> brisk_per_second(const Run& run) {
  const Timeline timeline = make_timeline(run);
  if (timeline.clock != Clock::kIterations || timeline.judged() < kMinIntervals) return std::nullopt;
  std::vector<double> seconds;
  for (size_t i = timeline.base + 1; i < timeline.points.size(); ++i) {
    const uint64_t then = run.snapshots[timeline.points[i - 1]].time_ns;
    const uint64_t now = run.snapshots[timeline.points[i]].time_ns;
    const uint64_t steps = timeline.numbers[i] - timeline.numbers[i - 1];
    seconds.push_back(static_cast<double>(now - std::min(then, now)) * 1e-9 / static_cast<double>(steps));
  }
  const double brisk = stats::quantile(seconds, 0.25);
  if (brisk <= 0) return std::nullopt;
  return 1 / brisk;
}

stats::MedianInterval speed_ratio(const TwinSpeed& speed) {
  std::vector<double> ratios;
  for (const recording::SpeedPair& pair : speed.pairs) {
    if (has_speed(pair)) ratios.push_back(pair.subject.per_second / pair.twin.per_second);
  }
  return stats::median_interval(ratios, kBandConfidence);
}

void check_twin_speed(const Run& run, std::vector<Check>& checks) {
  if (!run.twin_speed) return;
  const TwinSpeed& speed = *run.twin_speed;
  const auto measured = std::count_if(speed.pairs.begin(), speed.pairs.end(), has_speed);
  if (static_cast<size_t>(measured) < kMinPairs || !speed.obstacle.empty()) {
    const std::string obstacle =
        speed.obstacle.empty()
            ? fmt::format("{} pairs of short runs are needed, there are {}", kMinPairs, measured)
            : escape_line(speed.obstacle);
    checks.push_back({CheckState::kInconclusive,
                      fmt::format("throughput was not compared with that of its healthy twin {}: {}",
                                  escape_line(speed.twin), obstacle)});
  } else {
    checks.push_back(compare(speed));
  }
}

}  // namespace leakhunt::reports
