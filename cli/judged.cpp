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
#include "scenarios/runner/child_recordings.h"
#include "scenarios/runner/symbolise.h"

namespace leakhunt::cli {

namespace {

using Refusal = tl::unexpected<std::string>;

// A row of one child; absent when it cannot be read, or has not begun to record.
std::optional<reports::ProcessRow> judge_child(const std::filesystem::path& recording,
                                               const recording::Run& root, runner::Symboliser& symboliser) {
  auto run = recording::read_recording(recording.string());
  if (!run || run->images == 0) return std::nullopt;
  // Per iteration: of a child that marks none, as most, it asks nothing.
  const auto marks = [](const recording::Snapshot& each) {
    return each.kind == recording::SnapshotKind::kIteration;
  };
  if (std::any_of(run->snapshots.begin(), run->snapshots.end(), marks))
    run->budget.growth_bytes_per_iteration = root.budget.growth_bytes_per_iteration;
  if (run->symbols.empty()) run->symbols = symboliser.symbolise(*run);
  reports::ProcessRow row = reports::describe_process(reports::analyse(*run));
  row.recording = recording.filename().string();
  const auto& left = root.left_running;
  row.left_running = std::find(left.begin(), left.end(), row.recording) != left.end();
  return row;
}

void judge_children(const std::filesystem::path& directory, Judged& judged) {
  const runner::ChildRecordings children = runner::list_child_recordings(directory);
  std::vector<reports::ProcessRow> rows = {reports::describe_process(judged.report)};
  size_t not_read = children.left_out;
  runner::Symboliser symboliser;
  for (const std::filesystem::path& file : children.files) {
    if (auto row = judge_child(file, *judged.run, symboliser)) {
      rows.push_back(std::move(*row));
    } else {
      ++not_read;
    }
  }
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
                                                  const PathStyle& paths, const recording::Budget* limits) {
  if (!reports::is_recording(recording.string())) return judge_import(recording, paths);
  auto run = recording::read_recording(recording.string());
  if (!run) return Refusal(run.error().message);
  if (run->images == 0 && !run->outcome) {
    return Refusal(
        fmt::format("{}: nothing was recorded, and how the program ended is not known; run it again",
                    recording.string()));
  }
  Judged judged{std::make_unique<recording::Run>(std::move(*run)), {}};
  // The runner died before it could do it; here the modules may still be.
  if (judged.run->symbols.empty()) judged.run->symbols = runner::symbolise(*judged.run);
  if (!paths.absolute) reports::make_paths_relative(*judged.run, paths.source_root);
  if (limits != nullptr) {
    judged.run->budget.limits = limits->limits;
    judged.run->budget.suppressions = limits->suppressions;
  }
  judged.report = reports::analyse(*judged.run);
  if (judged.run->budget.positive_control) reports::run_positive_control(*judged.run, nullptr, judged.report);
  if (recording.filename() == "recording.lhr") judge_children(recording.parent_path() / "processes", judged);
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
