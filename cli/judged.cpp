#include "cli/judged.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "lib/recording/reader.h"
#include "reports/analysis/source_paths.h"
#include "scenarios/runner/symbolise.h"

namespace leakhunt::cli {

namespace {

using Refusal = tl::unexpected<std::string>;

}  // namespace

tl::expected<Judged, std::string> judge_recording(const std::filesystem::path& recording,
                                                  const PathStyle& paths) {
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
  judged.report = reports::analyse(*judged.run);
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
    if (!format.of_every_run) continue;
    auto written = write_file(report, format, directory / format.file_name);
    if (!written) return written;
  }
  return {};
}

}  // namespace leakhunt::cli
