// Limits on the processes of a tree, and the leak that is injected into a child.
#include "reports/process_limits.h"

#include <gtest/gtest.h>

#include "reports/gate/baseline.h"
#include "reports/gate/positive_control.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::Cost;
using recording::Limit;
using Recorded = recording::Run;

Recorded run_of(uint64_t pid, const std::string& program, int64_t blocks) {
  Recorded run = make_run({{"batch", "load", [=](size_t) { return blocks * 100; }, {}, 100}});
  run.process.pid = pid;
  run.process.executable = "/opt/bin/" + program;
  run.process.command_line = {program};
  return run;
}

Limit limit_of(const std::string& process, Cost cost, double most) {
  Limit limit;
  limit.scope.process = process;
  limit.cost = cost;
  limit.most = most;
  return limit;
}

// A shell of 5 blocks, workers of 10 and of 30.
class ProcessLimits : public testing::Test {
 protected:
  // The check of the only limit.
  Check check(Limit limit, size_t not_read = 0) {
    root_ = run_of(1, "sh", 5);
    root_.budget.limits = {std::move(limit)};
    recording::name_limits(root_.budget.limits);
    report_ = analyse(root_);
    std::vector<ProcessRow> rows;
    Recorded shell = root_;
    if (shell_marks_nothing_) shell.snapshots.clear();
    for (const Recorded& run : {shell, run_of(2, "worker", 10), run_of(3, "worker", 30)}) {
      const Report report = analyse(run);
      rows.push_back(describe_process(report));
      rows.back().figures = measure_process_limits(report, root_.budget);
    }
    check_process_limits(report_, rows, not_read);
    for (const Check& each : report_.judgement.checks) {
      if (each.subject == root_.budget.limits.front().name) return each;
    }
    return {CheckState::kTargetFailed, "there is no check of it"};
  }

  Recorded root_;
  Report report_;
  bool shell_marks_nothing_ = false;
};

TEST_F(ProcessLimits, HoldForEachProcessThatRunsTheProgram) {
  EXPECT_EQ(check(limit_of("worker", Cost::kEndBlocks, 30)).state, CheckState::kPassed);
  const Check broken = check(limit_of("w?rk*", Cost::kEndBlocks, 29));
  EXPECT_EQ(broken.state, CheckState::kFailed);
  EXPECT_EQ(broken.text,
            "each process w?rk*: blocks live at the end 30 in process 3 (worker), the worst of 2 processes, "
            "is over "
            "the limit of 29; the largest part, 30, in load (load.cpp:10)");
  EXPECT_EQ(report_.verdict(), Verdict::kFail);
  EXPECT_EQ(check(limit_of("sh", Cost::kEndBlocks, 5)).state, CheckState::kPassed) << "the root, too";
}

TEST_F(ProcessLimits, HoldForTheirSum) {
  Limit together = limit_of("*", Cost::kEndBlocks, 45);
  together.scope.together = true;
  EXPECT_EQ(check(together).state, CheckState::kPassed);
  together.most = 44;
  EXPECT_EQ(check(together).text,
            "all processes * together: blocks live at the end 45 of 3 processes is over the limit of 44; the "
            "most in "
            "process 3 (worker); the largest part, 30, in load (load.cpp:10)");
  together.scope.tag = "batch";
  together.cost = Cost::kPeakBytes;
  together.most = 4500;
  EXPECT_EQ(check(together).state, CheckState::kPassed);
}

TEST_F(ProcessLimits, SayWhichProcessesTheySayNothingOf) {
  shell_marks_nothing_ = true;
  Limit together = limit_of("*", Cost::kAllocations, 45);
  together.scope.together = true;
  const Check sum = check(together);
  EXPECT_EQ(sum.state, CheckState::kPassed) << sum.text;
  EXPECT_NE(sum.text.find(" of 2 processes is within"), std::string::npos) << sum.text;
  EXPECT_NE(sum.text.find("; 1 more is not checked: "), std::string::npos) << sum.text;
  const Check each = check(limit_of("*", Cost::kAllocations, 45));
  EXPECT_NE(each.text.find("the worst of 2 processes, is within"), std::string::npos) << each.text;
  EXPECT_NE(each.text.find("; 1 more is not checked: "), std::string::npos) << each.text;
}

TEST_F(ProcessLimits, WhatIsNotThereIsNoPass) {
  const Check nobody = check(limit_of("wroker", Cost::kEndBlocks, 99));
  EXPECT_EQ(nobody.state, CheckState::kInconclusive);
  EXPECT_NE(nobody.text.find("there are sh, worker"), std::string::npos) << nobody.text;
  Limit optional = limit_of("wroker", Cost::kEndBlocks, 99);
  optional.optional = true;
  EXPECT_EQ(check(optional).state, CheckState::kNotChecked);
  Limit no_tag = limit_of("worker", Cost::kEndBlocks, 99);
  no_tag.scope.tag = "bacth";
  EXPECT_EQ(check(no_tag).state, CheckState::kInconclusive);
  EXPECT_EQ(check(limit_of("worker", Cost::kEndBlocks, 99), 1).state, CheckState::kInconclusive)
      << "what was not read could be more";
  EXPECT_EQ(check(limit_of("worker", Cost::kEndBlocks, 9), 1).state, CheckState::kFailed);
}

TEST_F(ProcessLimits, BesideABaselineAreHeldAgainstWhatItKept) {
  Limit relative = limit_of("worker", Cost::kEndBlocks, 0);
  relative.percent = 10;
  EXPECT_EQ(check(relative).state, CheckState::kInconclusive) << "no baseline yet";
  const auto baseline = make_baseline({&report_});
  ASSERT_TRUE(baseline.has_value()) << baseline.error();
  const std::string text = to_text(*baseline);
  EXPECT_NE(text.find("\nlimit \"each process worker: blocks\" 30\nchecksum "), std::string::npos) << text;
  const auto read = parse_baseline(text);
  ASSERT_TRUE(read.has_value()) << read.error();
  std::vector<Limit> limits = {relative};
  look_up_limits(*read, limits);
  EXPECT_EQ(limits[0].baseline, 30);
  EXPECT_EQ(check(limits[0]).state, CheckState::kPassed);
  limits[0].baseline = 27;
  EXPECT_EQ(check(limits[0]).state, CheckState::kFailed);
}

// --- the control ---------------------------------------------------------------------------------

Check control(Recorded& child) {
  const Recorded root = run_of(1, "sh", 5);
  const ProcessRow row = describe_process(analyse(root));
  const Report own = analyse(child);
  EXPECT_TRUE(is_child_judged(own));
  return control_in_child(child, own, row);
}

TEST(ChildControl, ALeakInAChildFailsTheTree) {
  Recorded child = run_of(7, "worker", 10);
  const size_t sites = child.sites.size();
  const Check caught = control(child);
  EXPECT_EQ(caught.state, CheckState::kPassed) << caught.text;
  EXPECT_EQ(
      caught.text,
      "positive control in a child: an injected leak of one block of 16 B in 90 iterations in process 7 is "
      "caught");
  EXPECT_EQ(child.sites.size(), sites) << "the child is as it was";
  EXPECT_EQ(describe_process(analyse(child)).verdict, Verdict::kPass);
}

TEST(ChildControl, AGateThatForgivesEverythingIsFoundOut) {
  Recorded child = run_of(7, "worker", 10);
  child.process.start_unix_ns = 86'400'000'000'000;
  recording::Suppression all;
  all.scope.tag = "*";
  all.expires = 30'000;
  all.reason = "all is well";
  child.budget.suppressions = {all};
  EXPECT_EQ(control(child).state, CheckState::kInconclusive);
}

}  // namespace
}  // namespace leakhunt::reports
