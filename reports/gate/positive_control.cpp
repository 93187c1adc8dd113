#include "reports/gate/positive_control.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/units.h"
#include "reports/gate/comparison_with_baseline.h"

namespace leakhunt::reports {

namespace {

using recording::Run;

constexpr uint64_t kRarest = 100;      // iterations between two lost blocks
constexpr uint64_t kRisesNeeded = 10;  // for growth to be convicted, with one to spare on each side
constexpr uint64_t kSmallestBlock = 16;
constexpr std::string_view kFunction = "leakhunt_positive_control";

struct Leak {
  uint64_t every = kRarest;  // iterations
  uint64_t block_bytes = kSmallestBlock;
};

// An address that nobody has.
uint64_t free_address(const Run& run) {
  uint64_t address = UINT64_MAX - 1;
  while (run.symbols.contains(address)) --address;
  return address;
}

// A run with a leak in it, until this goes.
class InjectedLeak {
 public:
  InjectedLeak(Run& run, const Timeline& timeline, const Leak& leak)
      : run_(run), address_(free_address(run)), was_without_tags_(run.tags.empty()) {
    if (was_without_tags_) run_.tags.push_back({"heap"});
    recording::Symbol symbol;
    symbol.address = address_;
    symbol.module = kFunction;
    symbol.source_frames = {{std::string(kFunction), "", 0, false}};
    run_.symbols[address_] = symbol;
    recording::CallSite site;
    site.tag = recording::kHeapTag;
    site.frames = {address_};
    const recording::Counters block{1, leak.block_bytes, 0, 0, 0, 0};
    for (size_t i = 0; i < timeline.points.size(); ++i) {
      if (timeline.numbers[i] % leak.every != leak.every - 1) continue;
      if (i > 0 && timeline.points[i] == timeline.points[i - 1]) continue;
      site.series.push_back({static_cast<uint32_t>(timeline.points[i]), 1, block});
      site.total.allocations += 1;
      site.total.allocated_bytes += leak.block_bytes;
    }
    run_.sites.push_back(std::move(site));
  }
  ~InjectedLeak() {
    run_.sites.pop_back();
    run_.symbols.erase(address_);
    if (was_without_tags_) run_.tags.pop_back();
  }
  InjectedLeak(const InjectedLeak&) = delete;
  InjectedLeak& operator=(const InjectedLeak&) = delete;

  recording::SiteId site() const { return recording::SiteId{static_cast<uint32_t>(run_.sites.size() - 1)}; }

 private:
  Run& run_;
  uint64_t address_;
  bool was_without_tags_;
};

// From the rarest that can be convicted to one in every iteration.
std::vector<uint64_t> distances(const Report& report, const Baseline* baseline) {
  // A baseline sees every block, growth needs several.
  const uint64_t needed = baseline != nullptr ? 1 : kRisesNeeded;
  std::vector<uint64_t> all;
  for (uint64_t every = std::clamp<uint64_t>(report.timeline.judged_steps() / needed, 1, kRarest);;
       every /= 10) {
    all.push_back(std::max<uint64_t>(1, every));
    if (every <= 1) return all;
  }
}

Leak leak_of(const Run& run, uint64_t every, const Baseline* baseline) {
  Leak leak;
  leak.every = every;
  const double allowed = baseline != nullptr ? 0 : run.budget.growth_bytes_per_iteration.value_or(0);
  if (allowed > 0) {  // more than that
    const double needed = std::min(std::ceil((allowed + 1) * static_cast<double>(every)), 1e15);
    leak.block_bytes = std::max<uint64_t>(kSmallestBlock, static_cast<uint64_t>(needed));
  }
  return leak;
}

bool is_failed(const Check& check, std::string_view subject) {
  return check.state == CheckState::kFailed && check.subject.starts_with(subject);
}

bool is_caught_by_growth(const Report& report, recording::SiteId site) {
  const auto& checks = report.judgement.checks;
  const bool found = std::any_of(report.findings.begin(), report.findings.end(), [&](const Finding& finding) {
    return !finding.suppression &&
           std::find(finding.sites.begin(), finding.sites.end(), site) != finding.sites.end();
  });
  return found && std::any_of(checks.begin(), checks.end(),
                              [](const Check& check) { return is_failed(check, "growth"); });
}

bool is_caught_by_baseline(Report& leaking, const Baseline& allowed) {
  compare_with_baseline(leaking, allowed);
  const auto& checks = leaking.judgement.checks;
  return std::any_of(checks.begin(), checks.end(), [](const Check& check) {
    return is_failed(check, "baseline") && check.text.find(kFunction) != std::string::npos;
  });
}

bool catches(Run& run, const Baseline* allowed, const Timeline& timeline, const Leak& leak) {
  const InjectedLeak injected(run, timeline, leak);
  Report leaking = analyse(run);
  return allowed == nullptr ? is_caught_by_growth(leaking, injected.site())
                            : is_caught_by_baseline(leaking, *allowed);
}

// By the growth of the child, and by the verdict over the tree, in which it stands beside a root that passes.
bool is_caught_in_tree(Run& child, const Timeline& timeline, const Leak& leak, ProcessRow root) {
  const InjectedLeak injected(child, timeline, leak);
  const Report leaking = analyse(child);
  if (!is_caught_by_growth(leaking, injected.site())) return false;
  root.verdict = Verdict::kPass;
  root.reasons.clear();
  Report tree;
  take_in_processes(tree, make_process_tree({root, describe_process(leaking)}, 0));
  const auto& checks = tree.judgement.checks;
  return tree.verdict() == Verdict::kFail &&
         std::any_of(checks.begin(), checks.end(),
                     [](const Check& check) { return is_failed(check, "child process"); });
}

std::string leak_text(const Leak& leak) {
  const std::string rate = leak.every == 1 ? "every iteration" : fmt::format("{} iterations", leak.every);
  return fmt::format("an injected leak of one block of {} in {}",
                     human_bytes(static_cast<int64_t>(leak.block_bytes)), rate);
}

Check control(Run& run, const Baseline* baseline, const Report& report) {
  const std::string name = baseline == nullptr ? "positive control" : "positive control of the baseline";
  const auto check = [&](CheckState state, const std::string& text) {
    return Check{state, name + ": " + text, name};
  };
  if (report.timeline.clock != Clock::kIterations)
    return check(CheckState::kNotChecked, "not possible: without iterations no leak is a fail");
  if (baseline == nullptr && !report.timeline.judges())
    return check(CheckState::kNotChecked, "not possible: too few iterations to judge any growth");
  if (report.timeline.judged_steps() == 0)
    return check(CheckState::kNotChecked, "not possible: nothing was recorded after the warm-up");
  // What the run itself has more than the baseline is forgiven for once: the leak is to be seen, not that.
  std::optional<Baseline> allowed;
  if (baseline != nullptr) {
    const auto own = make_baseline({&report});
    if (!own)
      return check(CheckState::kNotChecked, "not possible: the run is not compared with the baseline");
    allowed = allowing(*baseline, *own);
  }
  std::string missed;
  for (const uint64_t every : distances(report, baseline)) {
    const Leak leak = leak_of(run, every, baseline);
    if (catches(run, allowed ? &*allowed : nullptr, report.timeline, leak))
      return check(CheckState::kPassed,
                   leak_text(leak) + " is caught" + (missed.empty() ? "" : "; not caught: " + missed));
    missed = leak_text(leak);
  }
  return check(CheckState::kInconclusive, missed + " is not caught: a pass would mean nothing");
}

}  // namespace

bool is_child_judged(const Report& own) {
  return own.timeline.clock == Clock::kIterations && own.timeline.judges() && own.timeline.judged_steps() > 0;
}

Check control_in_child(Run& child, const Report& own, const ProcessRow& root) {
  std::string missed;
  for (const uint64_t every : distances(own, nullptr)) {
    const Leak leak = leak_of(child, every, nullptr);
    const std::string text =
        fmt::format("{}: {} in process {}", kChildControl, leak_text(leak), child.process.pid);
    if (is_caught_in_tree(child, own.timeline, leak, root))
      return {CheckState::kPassed, text + " is caught", std::string(kChildControl)};
    missed = text;
  }
  return {CheckState::kInconclusive, missed + " is not caught: a pass would mean nothing",
          std::string(kChildControl)};
}

void run_positive_control(Run& run, const Baseline* baseline, Report& report) {
  report.judgement.checks.push_back(control(run, baseline, report));
  conclude(report.judgement);
}

}  // namespace leakhunt::reports
