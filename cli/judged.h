// judged: a recording read and judged, and its report written in every format.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
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

// The error is a line for the user: an unreadable file, or one in which no program recorded anything. Such a
// recording would look like a program without allocations, so it gets no report.
tl::expected<Judged, std::string> judge_recording(const std::filesystem::path& recording);

// Replaces the file at once: a reader sees the old one or the new one.
tl::expected<void, std::string> write_file(const std::filesystem::path& file,
                                           const std::function<void(std::ostream&)>& write);
tl::expected<void, std::string> write_file(const reports::Report& report, const reports::Format& format,
                                           const std::filesystem::path& file);

// One file a format.
tl::expected<void, std::string> write_reports(const reports::Report& report,
                                              const std::filesystem::path& directory);

}  // namespace leakhunt::cli
