// timeline: the run's clock. Which snapshots count, which of them are judged, and how fast they went by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

enum class Clock {
  kIterations,  // the program marked them
  kTicks,       // it marked none: time is the clock
};

inline constexpr size_t kMinJudgedIterations = 20;  // after warm-up, without which nothing is judged
inline constexpr size_t kMinJudgedTicks = 30;       // time is the poorer clock

// Judged are the points after `base`; the level at `base` is what they are compared with.
//
//   points   0 1 2 ... base | base+1 ... last
//            warm-up        | judged
//
// Of iterations that lines of output end the last is no point: see leave_out_last_line().
struct Timeline {
  Clock clock = Clock::kTicks;
  std::vector<size_t> points;     // indices into Run::snapshots, in order; one may stand for many iterations
  std::vector<uint64_t> numbers;  // the iteration's (or tick's) number at each point; strictly increasing
  size_t base = 0;
  uint64_t warm_up = 0;        // iterations or ticks that are not judged
  bool warm_up_given = false;  // by the scenario; otherwise chosen
  bool cut_by_step_aside = false;
  uint64_t completed = 0;            // iterations or ticks, up to the last point
  std::optional<double> per_second;  // iterations or ticks: from the median of the judged intervals

  size_t judged() const { return points.empty() ? 0 : points.size() - 1 - base; }
  size_t needed() const { return clock == Clock::kIterations ? kMinJudgedIterations : kMinJudgedTicks; }
  bool judges() const { return judged() >= needed(); }
  // The snapshot that "at the end" means: the last iteration's, before the program tears everything down;
  // where none are marked, the last of all. 0 in a run without snapshots.
  size_t end_snapshot(const recording::Run& run) const {
    if (clock == Clock::kIterations && !points.empty()) return points.back();
    return run.snapshots.empty() ? 0 : run.snapshots.size() - 1;
  }
  // Seconds from the base to the last point.
  double judged_seconds(const recording::Run& run) const;
  // Steps of the clock from the base to the last point: more than judged() if the program marks only some.
  uint64_t judged_steps() const { return points.empty() ? 0 : numbers.back() - numbers[base]; }
};

Timeline make_timeline(const recording::Run& run);

// What marks the iterations, where the program itself does not: "entries of sqlite3_step", "lines matching
// /^epoch/". Empty otherwise. For messages: the names are as they were given.
std::string marked_by(const recording::Run& run);
// Why there are no such marks, as a sentence's end: "it was never entered". Empty where there is nothing to
// say.
std::string why_unmarked(const recording::Run& run);

// Values of a per-snapshot series at the base and the judged points.
std::vector<int64_t> judged_values(const Timeline& timeline, const std::vector<int64_t>& by_snapshot);

}  // namespace leakhunt::reports
