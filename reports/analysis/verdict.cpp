#include "reports/analysis/verdict.h"

#include <algorithm>

#include <fmt/format.h>

#include "reports/analysis/inner_heap.h"
#include "reports/analysis/limits.h"
#include "reports/analysis/sampling.h"
#include "reports/analysis/suppression.h"
#include "reports/analysis/twin_speed.h"
#include "reports/analysis/undecided.h"
#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Run;

// What every check sees.
struct Case {
  const Run& run;
  const Timeline& timeline;
  const GrowthMap& growth;
  const std::vector<Finding>& findings;

  bool marked() const { return timeline.clock == Clock::kIterations; }
  bool judged() const { return timeline.judges(); }
};

using Checks = std::vector<Check>;

std::string bytes_text(uint64_t bytes) {
  return human_bytes(static_cast<int64_t>(bytes));
}

std::string count_text(uint64_t count) {
  return human_count(static_cast<int64_t>(count));
}

// "tag arena.chunk, Arena::new_chunk (arena.cpp:44)"
std::string where(const Case& c, const Finding& finding) {
  std::string text = "the process as a whole";
  if (finding.tag) text = "tag " + escape_line(c.run.tags[static_cast<size_t>(*finding.tag)].name);
  if (finding.sites.empty()) return text;
  const std::string place = place_text(c.growth, finding.sites.front());
  return place.empty() ? text : text + ", " + place;
}

// --- the checks ----------------------------------------------------------------------------------

bool is_empty(const Run& run) {
  return run.images == 0 && run.snapshots.empty();
}

// A program that the tracker was never in looks like one that allocates nothing.
void check_recorded(const Case& c, Checks& checks) {
  const bool went_on = c.run.end == recording::EndKind::kExec;
  if (!is_empty(c.run) && !went_on) return;
  std::string text = "nothing was recorded: the tracker did not start in the program";
  if (went_on) {
    const std::string next = c.run.next_program.empty() ? "another program" : escape_line(c.run.next_program);
    text = fmt::format("the program went on as {} (exec), and the tracker did not start in it", next);
  }
  const std::string why = c.run.outcome ? escape_line(c.run.outcome->not_recorded) : "";
  if (!why.empty()) {
    text += ": " + why;
  } else if (!went_on) {
    text += "; one that clears LD_PRELOAD, or that the loader could not start, cannot be judged";
  }
  checks.push_back({CheckState::kInconclusive, std::move(text)});
}

void check_peak(const Case& c, Checks& checks) {
  const uint64_t peak = peak_rss_bytes(c.run);
  if (!c.run.budget.peak_rss_bytes) {
    checks.push_back({CheckState::kNotChecked,
                      fmt::format("peak RSS was {}: no budget was set for it", bytes_text(peak))});
    return;
  }
  const uint64_t limit = *c.run.budget.peak_rss_bytes;
  const bool over = peak > limit;
  checks.push_back({over ? CheckState::kFailed : CheckState::kPassed,
                    fmt::format("peak RSS {} is {} the budget of {}", bytes_text(peak),
                                over ? "over" : "within", bytes_text(limit))});
}

// The runner stops a target for its budget; a timeout or a person's Ctrl-C says nothing about its memory.
void check_stopped(const Case& c, Checks& checks) {
  if (!c.run.outcome || c.run.outcome->stopped_for.empty() || c.run.certainty) return;
  const std::string& why = c.run.outcome->stopped_for;
  const bool for_budget = why.find("budget") != std::string::npos;
  checks.push_back({for_budget ? CheckState::kFailed : CheckState::kInconclusive,
                    fmt::format("the runner stopped the target: {}", escape_line(why))});
}

std::string growth_figure(const Growth& growth) {
  if (!growth.grows()) return "0 bytes per iteration";
  std::string text = fmt::format("{} per iteration", human_slope(growth.bytes_per_step));
  if (!growth.exact && growth.bytes_interval.low != growth.bytes_interval.high) {
    text += fmt::format(" ({} to {})", human_slope(growth.bytes_interval.low),
                        human_slope(growth.bytes_interval.high));
  }
  return text;
}

// "; but what bytearray_resize takes rises by about 20.1 kB per iteration, too unevenly ..."
std::string undecided_text(const Case& c, const std::vector<const Place*>& places) {
  const std::string name = place_text(c.growth, places.front()->sites.front());
  std::string text =
      fmt::format("; but what {} takes rises by about {} per iteration",
                  name.empty() ? "one call site" : name, human_slope(places.front()->growth.undecided_bytes));
  if (places.size() > 1) {
    text += fmt::format(" (and {} more places, {} together)", places.size() - 1,
                        human_slope(undecided_bytes_per_step(places)));
  }
  return text +
         ", too unevenly or too few times to tell a leak from a cache that fills: a longer run decides, or "
         "marks by the program itself (leakhunt.h)";
}

std::string not_judged_text(const Case& c) {
  const Timeline& timeline = c.timeline;
  const uint64_t behind = timeline.completed - std::min(timeline.completed, timeline.warm_up);
  if (c.run.marks.by == recording::MarkedBy::kLines && behind >= timeline.needed()) {
    return fmt::format(
        "growth was not judged: {} iterations, but so fast, or so many in one write, that only {} of their "
        "lines after a warm-up of {} were seen apart, and at least {} are needed: let the program write "
        "line by line (stdbuf -oL, python3 -u), or mark them by --iteration-symbol or leakhunt.h",
        count_text(timeline.completed), count_text(timeline.judged()), count_text(timeline.warm_up),
        timeline.needed());
  }
  return fmt::format("growth was not judged: {} iterations after a warm-up of {}, at least {} are needed",
                     count_text(timeline.judged()), count_text(timeline.warm_up), timeline.needed());
}

// By a sample of the blocks only what is beyond its error is certain, either way: `counted` bytes per step,
// of `most` that are allowed. Otherwise the end of a sentence that says so.
std::string doubt_of_sample(const Case& c, double counted, double most) {
  if (!judged_by_sample(c.run, c.timeline)) return {};
  std::vector<recording::SiteId> sites;
  if (counted > most) {
    for (const Finding& finding : c.findings)
      sites.insert(sites.end(), finding.sites.begin(), finding.sites.end());
  }
  const double reach = kCertainErrors * error_of_growth(c.run, c.timeline, sites);
  const bool certain = counted > most ? counted - reach > most : counted + reach <= most;
  if (certain) return {};
  return fmt::format(
      "; but only a sample of the blocks was tracked, by which a growth of {} is not told from none: more "
      "memory for the tracker decides, or a longer run",
      human_slope(reach));
}

// Both return what the findings weigh.
CheckState check_growth_of_iterations(const Case& c, Checks& checks) {
  if (!c.judged()) {
    checks.push_back({CheckState::kInconclusive, not_judged_text(c)});
    return CheckState::kInconclusive;
  }
  const Growth& process = c.growth.process;
  const bool grows = process.grows();
  const auto budget = c.run.budget.growth_bytes_per_iteration;
  const double forgiven = suppressed_bytes_per_step(c.findings);
  // What shrinks elsewhere must not hide behind what is forgiven, so that then the findings are added up.
  const double counted = forgiven > 0 ? unsuppressed_bytes_per_step(c.findings) : process.bytes_per_step;
  const bool over = grows && counted > budget.value_or(0);
  std::string text = fmt::format("live memory grows by {} over {} iterations after warm-up",
                                 growth_figure(process), count_text(c.timeline.judged_steps()));
  if (budget) {
    text +=
        fmt::format("; the budget is {}", *budget == 0 ? "0" : human_bytes(static_cast<int64_t>(*budget)));
  } else {
    text += "; no growth budget was set, and without one a leak is a fail";
  }
  if (forgiven > 0) text += fmt::format("; {} of it are suppressed", human_slope(forgiven));
  const auto undecided = over ? std::vector<const Place*>{} : undecided_places(c.run, c.growth);
  const double possible = std::max(0.0, counted) + undecided_bytes_per_step(undecided);
  if (!undecided.empty() && possible > budget.value_or(0)) {
    checks.push_back({CheckState::kInconclusive, std::move(text) + undecided_text(c, undecided)});
    return CheckState::kInconclusive;
  }
  if (const std::string doubt = doubt_of_sample(c, grows ? counted : 0, budget.value_or(0)); !doubt.empty()) {
    checks.push_back({CheckState::kInconclusive, std::move(text) + doubt});
    return CheckState::kInconclusive;
  }
  checks.push_back({over ? CheckState::kFailed : CheckState::kPassed, std::move(text)});
  return over ? CheckState::kFailed : CheckState::kNotChecked;
}

// Asked for, and none came: the clock that was to be is named, with the reason.
CheckState check_growth_without_marks(const Case& c, Checks& checks) {
  checks.push_back({CheckState::kInconclusive,
                    fmt::format("growth was not judged: the iterations were to be {}, and {}",
                                escape_line(marked_by(c.run)), escape_line(why_unmarked(c.run)))});
  return CheckState::kInconclusive;
}

CheckState check_growth_of_ticks(const Case& c, Checks& checks) {
  const double seconds = c.timeline.judged_seconds(c.run);
  if (!c.judged()) {
    checks.push_back(
        {CheckState::kNotChecked,
         fmt::format("growth was not judged: the program marks no iterations and ran for {} clock ticks, "
                     "{} after warm-up are needed",
                     count_text(c.timeline.completed), c.timeline.needed())});
  } else if (unsuppressed_bytes_per_step(c.findings) == 0) {
    const bool by_sample = judged_by_sample(c.run, c.timeline);
    checks.push_back(
        {by_sample ? CheckState::kInconclusive : CheckState::kPassed,
         fmt::format("live memory does not grow steadily over {} clock ticks ({}){}{}; the program marks no "
                     "iterations, and no growth budget applies to ticks",
                     count_text(c.timeline.judged()), human_duration(seconds),
                     c.findings.empty() ? "" : " but for what is suppressed",
                     by_sample ? ", as far as a sample of the blocks tells" : "")});
  } else {
    const double slope = unsuppressed_bytes_per_step(c.findings);
    const double per_second = seconds > 0 ? slope * static_cast<double>(c.timeline.judged()) / seconds : 0;
    checks.push_back(
        {CheckState::kInconclusive,
         fmt::format("live memory grows steadily to the end, by {} per clock tick, {} per second; without "
                     "iterations, and without a growth budget for them, that is no verdict",
                     human_slope(slope), human_slope(per_second))});
  }
  if (c.run.budget.growth_bytes_per_iteration) {
    checks.push_back({CheckState::kInconclusive,
                      "the growth budget per iteration was not checked: the program marked no iterations"});
  }
  return CheckState::kInconclusive;
}

CheckState check_growth(const Case& c, Checks& checks) {
  if (c.marked()) return check_growth_of_iterations(c, checks);
  return why_unmarked(c.run).empty() ? check_growth_of_ticks(c, checks)
                                     : check_growth_without_marks(c, checks);
}

void check_findings(const Case& c, CheckState weight, Checks& checks) {
  const size_t shown = std::min<size_t>(c.findings.size(), 3);
  for (size_t i = 0; i < shown; ++i) {
    const Finding& finding = c.findings[i];
    const CheckState weight_of_it = finding.suppression ? CheckState::kNotChecked : weight;
    checks.push_back(
        {weight_of_it,
         fmt::format("{}{} in {}: {} per {}", finding.suppression ? "suppressed: " : "",
                     to_string(finding.kind), where(c, finding), human_slope(finding.growth.bytes_per_step),
                     c.marked() ? "iteration" : "clock tick")});
  }
  if (shown < c.findings.size()) {
    checks.push_back({weight, fmt::format("{} more findings", c.findings.size() - shown)});
  }
}

void check_speed(const Case& c, Checks& checks) {
  const auto floor = c.run.budget.min_iterations_per_second;
  const auto rate = c.marked() ? c.timeline.per_second : std::nullopt;
  if (!rate && floor) {
    checks.push_back(
        {CheckState::kInconclusive,
         fmt::format("the floor of {} it/s was not checked: too few iterations", human_rate(*floor))});
  } else if (rate && !floor) {
    checks.push_back({CheckState::kNotChecked, fmt::format("{} it/s: no floor was set", human_rate(*rate))});
  } else if (rate) {
    const bool slow = *rate < *floor;
    checks.push_back({slow ? CheckState::kFailed : CheckState::kPassed,
                      fmt::format("{} it/s (median after warm-up) is {} the floor of {}", human_rate(*rate),
                                  slow ? "below" : "above", human_rate(*floor))});
  }
}

// The last of all: it has to agree with what the others say of all that was recorded.
void check_certainty(const Case& c, Checks& checks) {
  if (!c.run.certainty) return;
  const recording::Certainty& certainty = *c.run.certainty;
  const bool agrees = !certainty.fails || c.growth.process.grows();
  std::string text =
      fmt::format("stopped at iteration {} of {}: certain at {:g} %: {}, since {}",
                  count_text(certainty.iteration), count_text(certainty.planned), 100 * certainty.confidence,
                  certainty.fails ? "fail" : "pass", escape_line(certainty.because));
  if (!agrees) text += "; but what was recorded until its end does not show that any more";
  const CheckState kept = certainty.fails ? CheckState::kFailed : CheckState::kPassed;
  checks.push_back({agrees ? kept : CheckState::kInconclusive, std::move(text)});
}

void check_iterations(const Case& c, Checks& checks) {
  if (c.run.certainty) return;
  if (!c.run.scenario || c.run.scenario->iterations == 0) return;
  const uint64_t expected = c.run.scenario->iterations;
  const uint64_t completed = c.marked() ? c.timeline.completed : 0;
  if (completed >= expected) {
    checks.push_back({CheckState::kPassed, fmt::format("all {} iterations completed", count_text(expected))});
  } else {
    checks.push_back({CheckState::kInconclusive,
                      completed == 0 ? fmt::format("the program marked no iterations where {} were expected",
                                                   count_text(expected))
                                     : fmt::format("only {} of {} iterations completed",
                                                   count_text(completed), count_text(expected))});
  }
}

// What was killed is judged as far as it came. But a program that ended by itself and not before the
// tracker's eyes may have become another one, with memory that nobody saw.
void check_cut_off(const Case& c, Checks& checks) {
  const auto& outcome = c.run.outcome;
  const bool by_itself = outcome && outcome->signal == 0 && outcome->stopped_for.empty();
  std::string text = "the recording does not end in order (the target was killed)";
  if (by_itself) {
    text =
        "the recording ends before the program did: it ended, or became another program, by a system call "
        "that "
        "the tracker does not see";
  }
  if (c.timeline.completed > 0) {
    text += fmt::format("; it is judged up to its last completed {} ({})",
                        c.marked() ? "iteration" : "clock tick", count_text(c.timeline.numbers.back()));
  }
  const bool unseen = by_itself && c.run.step_asides.empty();
  checks.push_back({unseen ? CheckState::kInconclusive : CheckState::kNotChecked, std::move(text)});
}

void check_target(const Case& c, Checks& checks) {
  if (c.run.outcome && c.run.outcome->stopped_for.empty()) {
    const recording::Outcome& outcome = *c.run.outcome;
    if (outcome.signal != 0) {
      checks.push_back(
          {CheckState::kTargetFailed, fmt::format("the target was killed by signal {}", outcome.signal)});
    } else if (outcome.exit_status != 0) {
      checks.push_back({CheckState::kTargetFailed,
                        fmt::format("the target failed with exit status {}", outcome.exit_status)});
    }
  }
  if (!c.run.complete() && !is_empty(c.run)) check_cut_off(c, checks);
  if (!c.run.outcome && c.run.attached) {
    const bool goes_on = c.run.end == recording::EndKind::kDetached;
    checks.push_back({CheckState::kNotChecked,
                      fmt::format("the program ran before it was recorded{}: what it did then, and how it "
                                  "ends, is not known",
                                  goes_on ? ", and goes on" : "")});
  } else if (!c.run.outcome) {
    checks.push_back({CheckState::kNotChecked, "how the target ended was not recorded"});
  }
  if (c.run.snapshots.empty() && !is_empty(c.run))
    checks.push_back({CheckState::kInconclusive, "the recording holds no snapshot"});
}

void check_recording(const Case& c, Checks& checks) {
  const recording::Damage& damage = c.run.damage;
  if (damage.lost_snapshots > 0) {
    checks.push_back(
        {CheckState::kInconclusive,
         fmt::format("the recording is damaged: {} snapshots are lost", count_text(damage.lost_snapshots))});
  }
  if (damage.damaged_bytes > 0 || damage.damaged_records > 0) {
    checks.push_back({CheckState::kNotChecked,
                      fmt::format("{} bytes in {} records of the recording were damaged and read around: {}",
                                  count_text(damage.damaged_bytes), count_text(damage.damaged_records),
                                  escape_line(damage.note))});
  }
  if (const std::string short_of_memory = sampling_sentence(c.run, c.timeline); !short_of_memory.empty())
    checks.push_back({CheckState::kNotChecked, short_of_memory});
  if (std::string inner = inner_heap_sentence(c.run, c.growth); !inner.empty())
    checks.push_back({CheckState::kNotChecked, std::move(inner)});
  for (const recording::StepAsideNote& note : c.run.step_asides) {
    if (note.kind != recording::StepAsideKind::kGaveUp) {
      checks.push_back({CheckState::kInconclusive, escape_line(note.reason)});
      continue;
    }
    checks.push_back(
        {CheckState::kInconclusive, fmt::format("the tracker stepped aside at iteration {}: {}",
                                                count_text(note.iteration), escape_line(note.reason))});
  }
}

// Checks are added in groups; those that have no subject yet are of this one.
void name_new(std::string_view subject, Checks& checks) {
  for (Check& check : checks) {
    if (check.subject.empty()) check.subject = subject;
  }
}

Verdict verdict_of(CheckState first) {
  switch (first) {
    case CheckState::kFailed:
      return Verdict::kFail;
    case CheckState::kTargetFailed:
      return Verdict::kTargetFailed;
    case CheckState::kInconclusive:
      return Verdict::kInconclusive;
    case CheckState::kPassed:
    case CheckState::kNotChecked:
      return Verdict::kPass;
  }
  return Verdict::kInconclusive;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kInconclusive:
    case Verdict::kTargetFailed:
      return "inconclusive";
  }
  return "inconclusive";
}

uint64_t peak_rss_bytes(const Run& run) {
  uint64_t peak = run.outcome ? run.outcome->peak_rss_bytes : 0;
  for (const recording::Snapshot& snapshot : run.snapshots) peak = std::max(peak, snapshot.rss_bytes);
  for (const recording::HostSample& sample : run.host_samples) peak = std::max(peak, sample.rss_bytes);
  return peak;
}

void conclude(Judgement& judgement) {
  std::stable_sort(judgement.checks.begin(), judgement.checks.end(),
                   [](const Check& a, const Check& b) { return a.state < b.state; });
  judgement.verdict = verdict_of(judgement.checks.front().state);
}

Judgement judge(const Run& run, const Timeline& timeline, const GrowthMap& growth,
                const std::vector<Finding>& findings) {
  const Case c{run, timeline, growth, findings};
  Judgement judgement;
  check_recorded(c, judgement.checks);
  check_peak(c, judgement.checks);
  name_new("peak RSS", judgement.checks);
  check_stopped(c, judgement.checks);
  name_new("stopped by the runner", judgement.checks);
  const CheckState weight = check_growth(c, judgement.checks);
  name_new("growth", judgement.checks);
  check_findings(c, weight, judgement.checks);
  name_new(kFindingSubject, judgement.checks);
  check_limits(run, timeline, growth, judgement.checks);
  check_suppressions(run, findings, judgement.checks);
  name_new("suppression", judgement.checks);
  check_speed(c, judgement.checks);
  name_new("speed", judgement.checks);
  check_twin_speed(run, judgement.checks);
  name_new("throughput", judgement.checks);
  check_target(c, judgement.checks);
  name_new("target", judgement.checks);
  check_recording(c, judgement.checks);
  name_new("recording", judgement.checks);
  check_iterations(c, judgement.checks);
  name_new("iterations", judgement.checks);
  check_certainty(c, judgement.checks);
  name_new("certainty", judgement.checks);
  conclude(judgement);
  return judgement;
}

}  // namespace leakhunt::reports
