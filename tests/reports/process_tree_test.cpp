// What the children of a run add to its report.
#include "reports/process_tree.h"

#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

#include "reports/formats/formats.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using Recorded = recording::Run;

Recorded run_of(uint64_t pid, uint64_t parent, int64_t leak, const std::string& command) {
  Recorded run =
      make_run({{"heap", "worker", [=](size_t i) { return 4096 + leak * static_cast<int64_t>(i); }}});
  run.process.pid = pid;
  run.process.parent_pid = parent;
  run.process.command_line = {command, "word"};
  return run;
}

ProcessRow row_of(uint64_t pid, int64_t leak, const std::string& command = "child") {
  const Recorded run = run_of(pid, 1, leak, command);
  ProcessRow row = describe_process(analyse(run));
  row.recording = std::to_string(pid) + ".lhr";
  return row;
}

struct Tree {
  explicit Tree(std::vector<ProcessRow> children, size_t not_read = 0) : run(run_of(1, 0, 0, "root")) {
    report = analyse(run);
    children.insert(children.begin(), describe_process(report));
    take_in_processes(report, make_process_tree(std::move(children), not_read));
  }
  std::string text() const {
    std::ostringstream out;
    write_text(report, out);
    return out.str();
  }
  nlohmann::json json() const {
    std::ostringstream out;
    write_json(report, out);
    return nlohmann::json::parse(out.str());
  }
  Recorded run;
  Report report;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The rows of a shell and its helpers, around the program whose output marks the iterations.
ProcessRow unmarked_row(uint64_t pid) {
  Recorded run = run_of(pid, 1, 0, "basename");
  run.marks = {recording::MarkedBy::kLines, "^epoch", true, ""};
  for (recording::Snapshot& snapshot : run.snapshots) snapshot.kind = recording::SnapshotKind::kTick;
  return describe_process(analyse(run));
}

TEST(ProcessTree, HoldsNoMissingIterationsAgainstTheHelpersOfAProgramThatHasThem) {
  EXPECT_EQ(unmarked_row(7).verdict, Verdict::kInconclusive);
  const Tree tree({unmarked_row(7), unmarked_row(8)});
  EXPECT_EQ(tree.report.verdict(), Verdict::kPass) << tree.text();
  EXPECT_TRUE(contains(tree.text(), "2 processes ended no iteration: their growth was not judged"))
      << tree.text();
}

// Each command of a shell's loop sees that lines were printed before it began.
TEST(ProcessTree, LinesOfOthersAreNoIterationsOfAProcessThatLivedForFewOfThem) {
  Recorded run = run_of(7, 1, 0, "expr");
  run.marks = {recording::MarkedBy::kLines, "^epoch", true, ""};
  run.outcome.reset();
  for (recording::Snapshot& snapshot : run.snapshots) {
    if (snapshot.kind == recording::SnapshotKind::kIteration && snapshot.iteration != 500)
      snapshot.kind = recording::SnapshotKind::kPeak;
  }
  const Report report = analyse(run);
  EXPECT_EQ(report.timeline.completed, 1u);
  const Tree tree({describe_process(report)});
  EXPECT_EQ(tree.report.verdict(), Verdict::kPass) << tree.text();
}

TEST(ProcessTree, IsNoPassWhereNobodyEndedAnIteration) {
  Recorded run = run_of(1, 0, 0, "root");
  run.marks = {recording::MarkedBy::kLines, "^epoch", true, ""};
  for (recording::Snapshot& snapshot : run.snapshots) snapshot.kind = recording::SnapshotKind::kTick;
  Report report = analyse(run);
  take_in_processes(report, make_process_tree({describe_process(report), unmarked_row(7)}, 0));
  EXPECT_EQ(report.verdict(), Verdict::kInconclusive);
}

TEST(ProcessTree, OfOneProcessIsNothing) {
  const Tree tree({});
  EXPECT_TRUE(tree.report.processes.empty());
  EXPECT_FALSE(contains(tree.text(), "Processes"));
  EXPECT_FALSE(tree.json().contains("processes"));
  const Recorded alone = run_of(1, 0, 0, "root");
  std::ostringstream without;
  write_text(analyse(alone), without);
  EXPECT_EQ(tree.text(), without.str());
}

TEST(ProcessTree, TheWorstOfAllIsTheVerdict) {
  EXPECT_EQ(Tree({row_of(2, 0)}).report.verdict(), Verdict::kPass);
  const Tree tree({row_of(2, 0), row_of(3, 16), row_of(4, 0)});
  EXPECT_EQ(tree.report.verdict(), Verdict::kFail);
  EXPECT_EQ(exit_status(tree.report), 1);
  EXPECT_EQ(tree.report.processes.rows[1].pid, 3u);
  const std::string first = tree.report.judgement.checks.front().text;
  EXPECT_TRUE(contains(first, "process 3 (child word): live memory grows by +16 B per iteration")) << first;
}

TEST(ProcessTree, SumsAreThoseOfAllProcesses) {
  const ProcessRow child = row_of(2, 16);
  const Tree tree({child, row_of(3, 0)});
  const ProcessRow& root = tree.report.processes.rows[0];
  EXPECT_EQ(tree.report.processes.live_bytes_end, 2 * root.live_bytes_end + child.live_bytes_end);
  EXPECT_EQ(tree.report.processes.peak_live_bytes, 2 * root.peak_live_bytes + child.peak_live_bytes);
  EXPECT_EQ(tree.report.processes.allocations, 2 * root.allocations + child.allocations);
  EXPECT_EQ(child.live_bytes_end, 4096 + 16 * 999);
}

TEST(ProcessTree, OfManyTheWorstAreShownAndTheOthersCounted) {
  std::vector<ProcessRow> rows;
  for (uint64_t pid = 2; pid < 102; ++pid) rows.push_back(row_of(pid, pid >= 90 ? 16 : 0));
  const Tree tree(std::move(rows), 7);
  const std::string text = tree.text();
  EXPECT_TRUE(contains(text, "… and 88 more")) << text;
  EXPECT_TRUE(contains(text, "7 more processes were not looked at")) << text;
  EXPECT_TRUE(contains(text, "7 more processes are no pass")) << text;  // 12, of which 5 are named
  EXPECT_TRUE(contains(text, "108 processes: ")) << text;
  const nlohmann::json json = tree.json();
  EXPECT_EQ(json["processes"].size(), 101u);
  EXPECT_EQ(json["processes_total"]["processes"], 108);
  EXPECT_EQ(json["processes_total"]["left_out"], 7);
  EXPECT_EQ(json["processes"][0]["parent_pid"], nullptr);
  EXPECT_EQ(json["processes"][1]["recording"], "90.lhr");
}

TEST(ProcessTree, AChildThatWasGoneBeforeItsFirstSnapshotIsNoReasonForDoubt) {
  Recorded run;
  run.process.pid = 9;
  run.images = 1;
  const ProcessRow row = describe_process(analyse(run));
  EXPECT_EQ(row.verdict, Verdict::kPass);
  EXPECT_FALSE(row.complete);
  EXPECT_EQ(Tree({row}).report.verdict(), Verdict::kPass);
}

TEST(ProcessTree, NamesOfCommandsCannotBreakTheTable) {
  const Tree tree({row_of(2, 16, "a\nb\x1b[31m" + std::string(500, 'x'))});
  EXPECT_FALSE(contains(tree.text(), "\x1b"));
  std::istringstream lines(tree.text());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 300u) << line;
}

}  // namespace
}  // namespace leakhunt::reports
