// labels: the names that reports in foreign formats show. All are one line of valid UTF-8 without control
// characters; what the format itself gives a meaning to, it escapes on top.
#pragma once

#include <string>
#include <string_view>

#include "reports/report.h"

namespace leakhunt::reports {

inline constexpr std::string_view kNoStack = "(no stack)";
inline constexpr std::string_view kCutStack = "(stack cut off here)";

std::string tag_label(const Report& report, recording::TagId tag);
// "block", "mapping", "nested".
std::string_view kind_label(recording::SiteKind kind);

// "ns::Type::member", or "module+0x1234".
std::string function_label(const StackFrame& frame);
std::string file_label(const StackFrame& frame);
// "arena.cpp:44", "in libc.so.6", or nothing.
std::string source_label(const StackFrame& frame);

// The scenario's name, with its defect, or the command line.
std::string title_label(const Report& report);
std::string command_label(const recording::Run& run);

// "iteration" or "tick".
std::string_view step_label(const Report& report);

// --- findings ------------------------------------------------------------------------------------

// Where a reviewer should look: of the frames from the one that answers outwards the first in a source file
// of the project (a relative path), otherwise the first with any file. Null: no file is known.
const StackFrame* shown_frame(const Report& report, const Finding& finding);

// "leak in tag arena.chunk: Arena::new_chunk". The same in every run of the same program: no figures.
std::string finding_name(const Report& report, const Finding& finding);
// "+16 B and 1 block per iteration since iteration 10, exactly".
std::string finding_figures(const Report& report, const Finding& finding);

// What the findings weigh in the verdict: kFailed, kInconclusive, or kNotChecked where the budget allows
// them.
CheckState weight_of_findings(const Report& report);
// The same of one: what is suppressed weighs nothing.
CheckState weight_of(const Report& report, const Finding& finding);

// 32 hexadecimal digits of kind, tag and the stack's functions and files: neither addresses nor lines nor
// byte counts, so that it is the same after a rebuild.
std::string fingerprint(const Report& report, const Finding& finding);
std::string fingerprint(std::string_view text);

}  // namespace leakhunt::reports
