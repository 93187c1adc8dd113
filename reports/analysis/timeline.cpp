#include "reports/analysis/timeline.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/stats/trend.h"

namespace leakhunt::reports {

namespace {

using recording::Run;
using recording::SnapshotKind;

void choose_points(const Run& run, Timeline& timeline) {
  const auto is_iteration = [](const recording::Snapshot& s) { return s.kind == SnapshotKind::kIteration; };
  const bool marked = std::any_of(run.snapshots.begin(), run.snapshots.end(), is_iteration);
  timeline.clock = marked ? Clock::kIterations : Clock::kTicks;
  const SnapshotKind wanted = marked ? SnapshotKind::kIteration : SnapshotKind::kTick;
  for (size_t i = 0; i < run.snapshots.size(); ++i) {
    if (run.snapshots[i].kind == wanted) timeline.points.push_back(i);
  }
}

// After the tracker stepped aside its counters stand still: a flat line that means nothing.
void cut_after_step_aside(const Run& run, Timeline& timeline) {
  const auto gave_up = std::find_if(
      run.step_asides.begin(), run.step_asides.end(),
      [](const recording::StepAsideNote& note) { return note.kind == recording::StepAsideKind::kGaveUp; });
  if (gave_up == run.step_asides.end()) return;
  timeline.cut_by_step_aside = true;
  const uint64_t last = gave_up->iteration;
  while (!timeline.points.empty() && run.snapshots[timeline.points.back()].iteration > last) {
    timeline.points.pop_back();
  }
}

// The numbers the program gave, if they grow; otherwise (two loops in one program, ticks) the order.
void number_points(const Run& run, Timeline& timeline) {
  for (const size_t point : timeline.points) timeline.numbers.push_back(run.snapshots[point].iteration);
  const auto falls =
      std::adjacent_find(timeline.numbers.begin(), timeline.numbers.end(), std::greater_equal<>());
  if (timeline.clock == Clock::kTicks || falls != timeline.numbers.end()) {
    for (size_t i = 0; i < timeline.numbers.size(); ++i) timeline.numbers[i] = i;
  }
  if (timeline.numbers.empty()) return;
  // Lines are counted from 0, the first of them perhaps several at once; a child, of which no outcome is
  // known, begins somewhere among them.
  const bool from_zero = run.marks.by == recording::MarkedBy::kLines && run.outcome &&
                         timeline.clock == Clock::kIterations && falls == timeline.numbers.end();
  timeline.completed = timeline.numbers.back() - (from_zero ? 0 : timeline.numbers.front()) + 1;
}

double median_gap_ns(const Run& run, const std::vector<size_t>& points) {
  std::vector<double> gaps;
  for (size_t i = 1; i < points.size(); ++i)
    gaps.push_back(
        static_cast<double>(run.snapshots[points[i]].time_ns - run.snapshots[points[i - 1]].time_ns));
  return stats::median(gaps);
}

// Somebody else reads the lines, a moment later, and the next event notices: where the program ends behind
// its last one, both lie in the middle of its clearing up, and what is freed there would hide any leak. So
// the last two are left out, and what was read within the time of one iteration before the last.
void leave_out_last_lines(const Run& run, Timeline& timeline) {
  constexpr size_t kFewestLeft = 2;
  constexpr size_t kAlways = 2;
  if (run.marks.by != recording::MarkedBy::kLines || timeline.points.size() <= kFewestLeft + kAlways) return;
  const double end = static_cast<double>(run.snapshots[timeline.points.back()].time_ns);
  const double cleared_from = end - median_gap_ns(run, timeline.points);
  for (size_t left_out = 0; timeline.points.size() > kFewestLeft; ++left_out) {
    const auto when = static_cast<double>(run.snapshots[timeline.points.back()].time_ns);
    if (left_out >= kAlways && when <= cleared_from) break;
    timeline.points.pop_back();
    timeline.numbers.pop_back();
  }
}

void choose_base(const Run& run, Timeline& timeline) {
  timeline.warm_up_given =
      run.scenario && !run.scenario->name.empty() && timeline.clock == Clock::kIterations;
  // Unasked, a tenth of the iterations; a fifth of the ticks, since loading a program and its data takes
  // time, too.
  timeline.warm_up = timeline.warm_up_given
                         ? run.scenario->warm_up
                         : timeline.completed / (timeline.clock == Clock::kIterations ? 10 : 5);
  if (timeline.points.empty()) return;
  while (timeline.base + 1 < timeline.points.size() &&
         timeline.numbers[timeline.base + 1] - timeline.numbers.front() < timeline.warm_up) {
    ++timeline.base;
  }
}

// Lines that came in one piece are one mark: where the program was between them nobody saw. What rose there
// seems to have risen at once, and all that follows slowly, as where a cache fills. So it is warm-up, too, if
// more is seen behind it.
void begin_after_gap(const Run& run, Timeline& timeline) {
  constexpr uint64_t kWidest = 8;  // part of the judged steps
  constexpr uint64_t kLeast = 4;   // part of all steps: a short end is no evidence
  if (run.marks.by != recording::MarkedBy::kLines || !timeline.judges()) return;
  const size_t last = timeline.points.size() - 1;
  const uint64_t widest = std::max<uint64_t>(2, timeline.judged_steps() / kWidest);
  for (size_t i = timeline.base + 1; i + timeline.needed() <= last; ++i) {
    const uint64_t before = timeline.numbers[i - 1] - timeline.numbers[timeline.base];
    const uint64_t behind = timeline.numbers[last] - timeline.numbers[i];
    if (timeline.numbers[i] - timeline.numbers[i - 1] < widest || behind < before ||
        kLeast * behind < timeline.completed)
      continue;
    timeline.base = i;
    timeline.warm_up = timeline.numbers[i] + 1;
  }
}

void measure_speed(const Run& run, Timeline& timeline) {
  std::vector<double> seconds;
  const auto base = timeline.points.begin() + static_cast<std::ptrdiff_t>(timeline.base);
  // Where one look stands for many iterations, their times are not known one by one.
  if (!timeline.points.empty() && std::adjacent_find(base, timeline.points.end()) != timeline.points.end()) {
    const double all = timeline.judged_seconds(run);
    if (all > 0) timeline.per_second = static_cast<double>(timeline.judged_steps()) / all;
    return;
  }
  for (size_t i = timeline.base + 1; i < timeline.points.size(); ++i) {
    const uint64_t then = run.snapshots[timeline.points[i - 1]].time_ns;
    const uint64_t now = run.snapshots[timeline.points[i]].time_ns;
    const uint64_t steps = timeline.numbers[i] - timeline.numbers[i - 1];
    seconds.push_back(static_cast<double>(now - std::min(then, now)) * 1e-9 / static_cast<double>(steps));
  }
  const double middle = stats::median(seconds);
  if (middle > 0) timeline.per_second = 1 / middle;
}

// Snapshots before which nothing has happened since the one before.
std::vector<bool> quiet_snapshots(const Run& run) {
  std::vector<int64_t> busy(run.snapshots.size() + 1, 0);  // differences: +1 where a stretch begins
  for (const recording::CallSite& site : run.sites) {
    for (const recording::Stretch& stretch : site.series) {
      const size_t first = std::min<size_t>(stretch.first, run.snapshots.size());
      ++busy[first];
      --busy[std::min<size_t>(first + stretch.snapshots, run.snapshots.size())];
    }
  }
  std::vector<bool> quiet(run.snapshots.size());
  int64_t sum = 0;
  for (size_t i = 0; i < quiet.size(); ++i) {
    sum += busy[i];
    quiet[i] = sum == 0;
  }
  return quiet;
}

// A program that allocates rarely is rarely looked at. Where nothing at all was counted from one look to the
// next, all iterations between them ended at the same level: each is a point like those that were looked at.
void fill_quiet_gaps(const Run& run, Timeline& timeline) {
  constexpr uint64_t kMostPoints = 100'000;
  if (run.marks.by != recording::MarkedBy::kLines || timeline.points.size() < 2) return;
  const std::vector<bool> quiet = quiet_snapshots(run);
  const auto is_quiet = [&](size_t i) {  // from point i - 1 to point i
    for (size_t j = timeline.points[i - 1] + 1; j <= timeline.points[i]; ++j) {
      if (!quiet[j]) return false;
    }
    return true;
  };
  // All of a gap or, of one too long, points at even distances.
  const uint64_t steps = timeline.numbers.back() - timeline.numbers.front();
  const uint64_t distance = 1 + steps / kMostPoints;
  std::vector<size_t> points{timeline.points.front()};
  std::vector<uint64_t> numbers{timeline.numbers.front()};
  for (size_t i = 1; i < timeline.points.size(); ++i) {
    if (is_quiet(i)) {
      for (uint64_t number = numbers.back() + distance; number < timeline.numbers[i]; number += distance) {
        points.push_back(timeline.points[i - 1]);
        numbers.push_back(number);
      }
    }
    points.push_back(timeline.points[i]);
    numbers.push_back(timeline.numbers[i]);
  }
  timeline.points = std::move(points);
  timeline.numbers = std::move(numbers);
}

}  // namespace

std::string marked_by(const Run& run) {
  switch (run.marks.by) {
    case recording::MarkedBy::kEntries:
      return fmt::format("entries of {}", run.marks.what);
    case recording::MarkedBy::kLines:
      return fmt::format("lines matching /{}/", run.marks.what);
    case recording::MarkedBy::kProgram:
      return {};
  }
  return {};
}

std::string why_unmarked(const Run& run) {
  const recording::Marks& marks = run.marks;
  if (marks.by == recording::MarkedBy::kProgram) return {};
  if (!marks.obstacle.empty()) return marks.obstacle;
  if (marks.by == recording::MarkedBy::kLines) return "no line of its output did";
  if (!marks.in_effect) return "the module of that function was never loaded";
  return "it was entered at most once, and an iteration is from one entry to the next";
}

Timeline make_timeline(const Run& run) {
  Timeline timeline;
  choose_points(run, timeline);
  cut_after_step_aside(run, timeline);
  number_points(run, timeline);
  leave_out_last_lines(run, timeline);
  fill_quiet_gaps(run, timeline);
  choose_base(run, timeline);
  begin_after_gap(run, timeline);
  measure_speed(run, timeline);
  return timeline;
}

double Timeline::judged_seconds(const Run& run) const {
  if (points.empty()) return 0;
  const uint64_t from = run.snapshots[points[base]].time_ns;
  const uint64_t to = run.snapshots[points.back()].time_ns;
  return static_cast<double>(to - std::min(from, to)) * 1e-9;
}

std::vector<int64_t> judged_values(const Timeline& timeline, const std::vector<int64_t>& by_snapshot) {
  std::vector<int64_t> values;
  values.reserve(timeline.judged() + 1);
  for (size_t i = timeline.base; i < timeline.points.size(); ++i)
    values.push_back(by_snapshot[timeline.points[i]]);
  return values;
}

}  // namespace leakhunt::reports
