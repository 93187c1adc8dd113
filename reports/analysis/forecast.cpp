#include "reports/analysis/forecast.h"

#include <algorithm>

namespace leakhunt::reports {

namespace {

constexpr double kForever = 1e15;  // steps

}  // namespace

std::optional<Forecast> make_forecast(const recording::Run& run, const Timeline& timeline,
                                      const GrowthMap& growth) {
  if (!run.budget.peak_rss_bytes || timeline.points.empty() || !growth.process.grows()) return std::nullopt;
  const Growth& rate = growth.rss.grows() ? growth.rss : growth.process;
  const double limit = static_cast<double>(*run.budget.peak_rss_bytes);
  const double now = static_cast<double>(run.snapshots[timeline.points.back()].rss_bytes);
  const double room = std::max(0.0, limit - now);
  const double left = room / rate.bytes_per_step;
  if (left >= kForever) return std::nullopt;

  Forecast forecast;
  forecast.steps_left = static_cast<uint64_t>(left);
  forecast.earliest = static_cast<uint64_t>(room / std::max(rate.bytes_per_step, rate.bytes_interval.high));
  if (rate.bytes_interval.low > 0 && room / rate.bytes_interval.low < kForever)
    forecast.latest = static_cast<uint64_t>(room / rate.bytes_interval.low);
  forecast.at = timeline.numbers.back() + forecast.steps_left;
  if (timeline.per_second) forecast.seconds_left = left / *timeline.per_second;
  return forecast;
}

}  // namespace leakhunt::reports
