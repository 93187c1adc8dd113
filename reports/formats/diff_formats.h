// diff_formats: the table of formats that a difference is written in. docs/formats.md says what opens them.
#pragma once

#include <iosfwd>
#include <span>
#include <string_view>

#include "reports/diff.h"

namespace leakhunt::reports {

struct DiffFormat {
  std::string_view name;       // as in --format
  std::string_view extension;  // of a file's name; tells the format
  std::string_view opened_by;  // for --help
  bool binary = false;         // not for a terminal
  void (*write)(const Diff&, std::ostream&) = nullptr;
  std::string_view (*obstacle)() = nullptr;  // null: there is none

  // Why this program cannot write it, as a sentence with the mend; empty when it can.
  std::string_view why_not() const { return obstacle == nullptr ? std::string_view() : obstacle(); }
};

std::span<const DiffFormat> all_diff_formats();

// What a person reads: at most 100 columns of UTF-8.
void write_diff_text(const Diff& diff, std::ostream& out);
// Schema 1: docs/diff.schema.json.
void write_diff_json(const Diff& diff, std::ostream& out);
// A profile of the heap with what was gained, and below 0 what was lost.
void write_diff_pprof(const Diff& diff, std::ostream& out);
// A page that needs nothing else: the difference in a sentence, curves, call sites, flame graph, tags.
void write_diff_html(const Diff& diff, std::ostream& out);

// --- what several of them show -------------------------------------------------------------------

// "tape_retained with the defect x, at the end".
std::string side_label(const DiffSide& side);
// "lib/arena.cpp:63", of a moved line "lib/arena.cpp:63 (was :60)", "in libc.so.6", or nothing.
std::string place_label(const Diff& diff, const SiteDiff& row);
// The frame that answers; null: the site has no stack.
const StackFrame* answering_frame(const SiteIdentity& site);

}  // namespace leakhunt::reports
