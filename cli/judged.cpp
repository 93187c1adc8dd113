#include "cli/judged.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "lib/recording/reader.h"
#include "reports/analysis/source_paths.h"
#include "reports/gate/positive_control.h"
#include "reports/importers/importer.h"
#include "reports/process_limits.h"
#include "scenarios/runner/child_recordings.h"
#include "scenarios/runner/symbolise.h"

namespace leakhunt::cli {

namespace {

using Refusal = tl::unexpected<std::string>;

// What is asked of every child.
struct Tree {
  const recording::Run& root;
  reports::ProcessRow root_row;
  bool controlled = false;                     // a leak in a child has to be caught
  std::optional<reports::Check> control = {};  // of the first child in which one can be
};

// A row of one child; absent when it cannot be read, or has not begun to record.
std::optional<reports::ProcessRow> judge_child(const std::filesystem::path& recording, Tree& tree,
                                               runner::Symboliser& symboliser) {
  auto run = recording::read_recording(recording.string());
  if (!run || run->images == 0) return std::nullopt;
  // Per iteration: of a child that marks none, as most, it asks nothing.
  const auto marks = [](const recording::Snapshot& each) {
    return each.kind == recording::SnapshotKind::kIteration;
  };
  if (std::any_of(run->snapshots.begin(), run->snapshots.end(), marks))
    run->budget.growth_bytes_per_iteration = tree.root.budget.growth_bytes_per_iteration;
  if (run->symbols.empty()) run->symbols = symboliser.symbolise(*run);
  const reports::Report report = reports::analyse(*run);
  reports::ProcessRow row = reports::describe_process(report);
  row.recording = recording.filename().string();
  row.figures = reports::measure_process_limits(report, tree.root.budget);
  const auto& left = tree.root.left_running;
  row.left_running = std::find(left.begin(), left.end(), row.recording) != left.end();
  if (tree.controlled && !tree.control && reports::is_child_judged(report))
    tree.control = reports::control_in_child(*run, report, tree.root_row);
  return row;
}

reports::Check control_of(const Tree& tree) {
  if (tree.control) return *tree.control;
  return {reports::CheckState::kNotChecked,
          fmt::format("{}: not possible: no child ended enough iterations, so no leak of a child is a fail",
                      reports::kChildControl),
          std::string(reports::kChildControl)};
}

// The root alone, or with the children beside its recording.
void judge_processes(const std::filesystem::path& recording, bool controlled, Judged& judged) {
  runner::ChildRecordings children;
  if (recording.filename() == "recording.lhr")
    children = runner::list_child_recordings(recording.parent_path() / "processes");
  Tree tree{*judged.run, reports::describe_process(judged.report), controlled};
  tree.root_row.figures = reports::measure_process_limits(judged.report, judged.run->budget);
  std::vector<reports::ProcessRow> rows = {tree.root_row};
  size_t not_read = children.left_out;
  runner::Symboliser symboliser;
  for (const std::filesystem::path& file : children.files) {
    if (auto row = judge_child(file, tree, symboliser)) {
      rows.push_back(std::move(*row));
    } else {
      ++not_read;
    }
  }
  reports::check_process_limits(judged.report, rows, not_read);
  if (controlled && rows.size() > 1) judged.report.judgement.checks.push_back(control_of(tree));
  reports::take_in_processes(judged.report, reports::make_process_tree(std::move(rows), not_read));
}

// Names and lines are in the file; there is nothing else to be looked up.
tl::expected<Judged, std::string> judge_import(const std::filesystem::path& file, const PathStyle& paths) {
  auto import = reports::import_file(file.string());
  if (!import) return Refusal(import.error());
  Judged judged{std::make_unique<recording::Run>(std::move(import->run)), {}};
  if (!paths.absolute) reports::make_paths_relative(*judged.run, paths.source_root);
  judged.report = reports::analyse(*judged.run);
  reports::take_in_import(judged.report, *import);
  return judged;
}

}  // namespace

tl::expected<Judged, std::string> judge_recording(const std::filesystem::path& recording,
                                                  const PathStyle& paths, const recording::Budget* limits,
                                                  bool control_children) {
  if (!reports::is_recording(recording.string())) return judge_import(recording, paths);
  auto run = recording::read_recording(recording.string());
  if (!run) return Refusal(run.error().message);
  return judge_run(std::make_unique<recording::Run>(std::move(*run)), recording, paths, limits,
                   control_children);
}

tl::expected<Judged, std::string> judge_run(std::unique_ptr<recording::Run> run,
                                            const std::filesystem::path& recording, const PathStyle& paths,
                                            const recording::Budget* limits, bool control_children) {
  if (run->images == 0 && !run->outcome) {
    return Refusal(
        fmt::format("{}: nothing was recorded, and how the program ended is not known; run it again",
                    recording.string()));
  }
  Judged judged{std::move(run), {}};
  // The runner died before it could do it; here the modules may still be.
  if (judged.run->symbols.empty()) judged.run->symbols = runner::symbolise(*judged.run);
  if (!paths.absolute) reports::make_paths_relative(*judged.run, paths.source_root);
  if (limits != nullptr) {
    judged.run->budget.limits = limits->limits;
    judged.run->budget.suppressions = limits->suppressions;
  }
  judged.report = reports::analyse(*judged.run);
  const bool controlled = judged.run->budget.positive_control;
  if (controlled) reports::run_positive_control(*judged.run, nullptr, judged.report);
  judge_processes(recording, controlled || control_children, judged);
  return judged;
}

tl::expected<void, std::string> write_file(const std::filesystem::path& file,
                                           const std::function<void(std::ostream&)>& write) {
  std::error_code problem;
  const bool exists = std::filesystem::exists(file, problem);
  const bool in_place = exists && !std::filesystem::is_regular_file(file, problem);
  // Through a link to what it leads to; the link stays.
  const std::filesystem::path end = exists ? std::filesystem::canonical(file, problem) : file;
  std::filesystem::path unfinished = end;
  if (!in_place) unfinished += ".part";
  errno = 0;
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  if (out) write(out);
  out.close();
  if (out && !in_place) std::filesystem::rename(unfinished, end, problem);
  if (out && !problem) return {};
  const std::string why = problem ? problem.message() : std::strerror(errno);
  if (!in_place) std::filesystem::remove(unfinished, problem);
  return Refusal(fmt::format("{}: cannot be written: {}", file.string(), why));
}

tl::expected<void, std::string> write_file(const reports::Report& report, const reports::Format& format,
                                           const std::filesystem::path& file) {
  return write_file(file, [&](std::ostream& out) { format.write(report, out); });
}

tl::expected<void, std::string> write_reports(const reports::Report& report,
                                              const std::filesystem::path& directory) {
  for (const reports::Format& format : reports::all_formats()) {
    if (!format.of_every_run || !format.why_not().empty()) continue;
    auto written = write_file(report, format, directory / format.file_name);
    if (!written) return written;
  }
  return {};
}

}  // namespace leakhunt::cli
