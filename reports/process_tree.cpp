#include "reports/process_tree.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/report.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kAccusedShown = 5;  // children whose reasons stand in the verdict
constexpr size_t kCommandShown = 60;
constexpr char kSubject[] = "child process";

std::string command_of(const recording::Process& process) {
  std::string command;
  for (const std::string& word : process.command_line) command += (command.empty() ? "" : " ") + word;
  return command.empty() ? process.executable : command;
}

// The worse, the higher. A child whose program failed is nobody's verdict: its parent knows what to make of
// it.
int weight(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFail:
      return 2;
    case Verdict::kInconclusive:
      return 1;
    case Verdict::kTargetFailed:
    case Verdict::kPass:
      return 0;
  }
  return 0;
}

bool comes_before(const ProcessRow& a, const ProcessRow& b) {
  if (weight(a.verdict) != weight(b.verdict)) return weight(a.verdict) > weight(b.verdict);
  if (a.peak_live_bytes != b.peak_live_bytes) return a.peak_live_bytes > b.peak_live_bytes;
  return std::tie(a.start_unix_ns, a.pid, a.recording) < std::tie(b.start_unix_ns, b.pid, b.recording);
}

bool is_of_growth(const Check& check) {
  return check.state == CheckState::kInconclusive && check.subject == "growth";
}

// What was inconclusive of the root alone is a note, where another process ended the iterations.
void excuse_unmarked(const ProcessTree& tree, std::vector<Check>& checks) {
  const auto excused = [](const ProcessRow& row) { return row.unmarked && row.verdict == Verdict::kPass; };
  const auto count = std::count_if(tree.rows.begin(), tree.rows.end(), excused);
  if (count == 0) return;
  if (excused(tree.rows.front())) std::erase_if(checks, is_of_growth);
  checks.push_back({CheckState::kNotChecked,
                    fmt::format("{} {} ended no iteration: {} growth was not judged", count,
                                count == 1 ? "process" : "processes", count == 1 ? "its" : "their"),
                    kSubject});
}

// Lines of output are everybody's: a process that lived for a few of them, as most commands in a shell's
// loop, has no iterations of its own.
bool marks_iterations(const recording::Run& run, const Timeline& timeline) {
  if (timeline.clock != Clock::kIterations || timeline.points.empty()) return false;
  return run.marks.by != recording::MarkedBy::kLines ||
         timeline.numbers.back() - timeline.numbers.front() >= timeline.needed();
}

}  // namespace

ProcessRow describe_process(const Report& report) {
  const recording::Run& run = *report.run;
  ProcessRow row;
  row.pid = run.process.pid;
  row.parent_pid = run.process.parent_pid;
  row.command = command_of(run.process);
  row.program = run.process.executable.substr(run.process.executable.rfind('/') + 1);
  row.start_unix_ns = run.process.start_unix_ns;
  for (const recording::Snapshot& snapshot : run.snapshots)
    row.peak_live_bytes = std::max(row.peak_live_bytes, static_cast<int64_t>(snapshot.heap_peak_bytes));
  for (const recording::CallSite& site : run.sites) {
    if (site.kind != recording::SiteKind::kBlock) continue;
    row.live_bytes_end += site.live_bytes_end();
    row.allocations += site.total.allocations;
  }
  row.marked = marks_iterations(run, report.timeline);
  row.growth = report.growth.process.kind;
  row.growth_bytes_per_step = report.growth.process.bytes_per_step;
  row.verdict = report.verdict();
  row.complete = run.complete();
  // A child that was gone before its first snapshot has nothing to say, and nothing is held against it.
  if (run.snapshots.empty() && run.step_asides.empty()) row.verdict = Verdict::kPass;
  if (weight(row.verdict) == 0) return row;
  for (const Check& check : report.judgement.checks) {
    if (check.state == CheckState::kFailed || check.state == CheckState::kInconclusive)
      row.reasons.push_back(check);
  }
  const bool nothing_grows = report.findings.empty();
  row.unmarked = !row.marked && (!why_unmarked(run).empty() || nothing_grows) &&
                 std::all_of(row.reasons.begin(), row.reasons.end(), is_of_growth);
  return row;
}

ProcessTree make_process_tree(std::vector<ProcessRow> rows, size_t not_read) {
  ProcessTree tree;
  tree.not_read = not_read;
  if (rows.size() < 2 && not_read == 0) return tree;
  if (std::any_of(rows.begin(), rows.end(), [](const ProcessRow& row) { return row.marked; })) {
    for (ProcessRow& row : rows) {
      if (row.unmarked) row.verdict = Verdict::kPass;
    }
  }
  std::sort(rows.begin() + 1, rows.end(), comes_before);
  for (const ProcessRow& row : rows) {
    tree.peak_live_bytes += row.peak_live_bytes;
    tree.live_bytes_end += row.live_bytes_end;
    tree.allocations += row.allocations;
  }
  tree.rows = std::move(rows);
  return tree;
}

void take_in_processes(Report& report, ProcessTree tree) {
  std::vector<Check>& checks = report.judgement.checks;
  excuse_unmarked(tree, checks);
  size_t accused = 0;
  for (size_t i = 1; i < tree.rows.size(); ++i) {
    const ProcessRow& row = tree.rows[i];
    if (weight(row.verdict) == 0) break;
    if (accused++ >= kAccusedShown) continue;
    const std::string who =
        fmt::format("process {} ({})", row.pid, shorten_middle(escape_line(row.command), kCommandShown));
    for (const Check& reason : row.reasons)
      checks.push_back({reason.state, who + ": " + reason.text, kSubject});
  }
  if (accused > kAccusedShown) {
    const Verdict worst_left = tree.rows[kAccusedShown + 1].verdict;
    checks.push_back({worst_left == Verdict::kFail ? CheckState::kFailed : CheckState::kInconclusive,
                      fmt::format("{} more processes are no pass", accused - kAccusedShown), kSubject});
  }
  if (tree.not_read > 0) {
    checks.push_back(
        {CheckState::kNotChecked,
         fmt::format("{} more processes were not looked at: those with the smallest recordings of very many, "
                     "and those whose recordings cannot be read",
                     tree.not_read),
         kSubject});
  }
  conclude(report.judgement);
  report.processes = std::move(tree);
}

}  // namespace leakhunt::reports
