// judged: a recording read and judged, and its report written in every format.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "lib/recording/run.h"
#include "reports/formats/formats.h"
#include "reports/report.h"

namespace leakhunt::cli {

// A run and what is said about it; the report refers to the run.
struct Judged {
  std::unique_ptr<recording::Run> run;
  reports::Report report;
};

// How paths are told: relative to the root of the sources, which is found in the recording unless it is
// given.
struct PathStyle {
  std::optional<std::string> source_root;
  bool absolute = false;  // as they were recorded
};

// The error is a line for the user: an unreadable file, or one in which no program recorded anything. Such a
// recording would look like a program without allocations, so it gets no report. Of the `recording.lhr` of a
// run the children beside it are part of the report. A file of another tool is imported.
//
// `limits`, if given, come in place of the recorded limits and suppressions. Where the recording asks for a
// positive control, or `control_children` does, a leak in one of the children has to be caught, too.
tl::expected<Judged, std::string> judge_recording(const std::filesystem::path& recording,
                                                  const PathStyle& paths = {},
                                                  const recording::Budget* limits = nullptr,
                                                  bool control_children = false);

// A run as it was read from the recording.
tl::expected<Judged, std::string> judge_run(std::unique_ptr<recording::Run> run,
                                            const std::filesystem::path& recording,
                                            const PathStyle& paths = {},
                                            const recording::Budget* limits = nullptr,
                                            bool control_children = false);

// Replaces the file at once: a reader sees the old one or the new one. What is no regular file (a pipe, a
// terminal) is written to.
tl::expected<void, std::string> write_file(const std::filesystem::path& file,
                                           const std::function<void(std::ostream&)>& write);
tl::expected<void, std::string> write_file(const reports::Report& report, const reports::Format& format,
                                           const std::filesystem::path& file);

// One file for each format that is written of every run.
tl::expected<void, std::string> write_reports(const reports::Report& report,
                                              const std::filesystem::path& directory);

}  // namespace leakhunt::cli
