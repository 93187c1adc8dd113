// importer: files of other tools as Runs. docs/formats.md says what each of them tells and what it does not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/run.h"
#include "reports/report.h"

namespace leakhunt::reports {

enum class Foreign { kNone, kMassif, kHeaptrack, kMemcheck, kMemcheckXml, kLeakSanitizer };

// How its maker is called: "massif", "heaptrack", "memcheck", "LeakSanitizer".
std::string_view to_string(Foreign foreign);

// By its content, which may be compressed no more.
Foreign recognise(std::string_view content);

// A Run without iterations: its only snapshots are those of the file. Of a leak checker the tags are the
// kinds of its leaks, and what it did not list by call site is one site without a stack, so that sums are
// its sums.
struct Import {
  Foreign foreign = Foreign::kNone;
  recording::Run run;
  std::vector<std::string> limits;  // sentences: what the file does not say
};

inline constexpr std::string_view kDefinitelyLost = "definitely lost";
inline constexpr std::string_view kIndirectlyLost = "indirectly lost";
inline constexpr std::string_view kPossiblyLost = "possibly lost";
inline constexpr std::string_view kStillReachable = "still reachable";

// Where a text is wrong, without the file's name.
struct ImportError {
  uint64_t line = 0;  // from 1; 0: no line is to blame
  std::string what;
};
using Imported = tl::expected<Import, ImportError>;

Imported import_massif(std::string_view text);
Imported import_heaptrack(std::string_view text);
Imported import_memcheck(std::string_view text);
Imported import_memcheck_xml(std::string_view text);
Imported import_leak_sanitizer(std::string_view text);

// Is it a file of ours, or one that cannot be opened? Then the reader of recordings has the word.
bool is_recording(const std::string& path);

// Any of them, gzipped or zstd-compressed as may be. The error is one line with file, line and what to do.
tl::expected<Import, std::string> import_file(const std::string& path);

// Says in the report's checks what it was made from, that growth was not judged, and what is lost: what a
// leak checker calls definitely lost is a fail.
void take_in_import(Report& report, const Import& import);
// Was that done?
bool is_imported(const Report& report);

}  // namespace leakhunt::reports
