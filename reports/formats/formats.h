// formats: the table of what a report can be written as. A format is one function; adding one is one file and
// one row.
#pragma once

#include <iosfwd>
#include <span>
#include <string_view>

#include "reports/comparison.h"
#include "reports/formats/profile.h"
#include "reports/report.h"

namespace leakhunt::reports {

struct Format {
  std::string_view name;       // of --format
  std::string_view extension;  // without the dot
  std::string_view file_name;  // in the --out directory, and of -o DIRECTORY
  std::string_view opened_by;  // what to do with it
  bool of_every_run = false;   // `--out` writes it
  bool binary = false;         // nothing for a terminal
  // Deterministic: the same recording gives the same bytes. One of the two is null.
  void (*of_run)(const Report& report, std::ostream& out) = nullptr;
  void (*of_moment)(const Report& report, const Moment& moment, std::ostream& out) = nullptr;
  std::string_view (*obstacle)() = nullptr;  // null: there is none

  // Why this program cannot write it, as a sentence with the mend; empty when it can.
  std::string_view why_not() const { return obstacle == nullptr ? std::string_view() : obstacle(); }

  // Of the run; where the format is of one moment, at the end.
  void write(const Report& report, std::ostream& out) const;
  // Of that moment, which must be the default where the format is of the run.
  void write(const Report& report, const Moment& moment, std::ostream& out) const;
};

// In the order in which `--out` writes them, and --help lists them.
std::span<const Format> all_formats();

// Null when there is none of that name.
const Format* find_format(std::string_view name);

// What a person reads first: at most 100 columns of UTF-8.
void write_text(const Report& report, std::ostream& out);
// Schema 1; see docs/verdicts.md.
void write_json(const Report& report, std::ostream& out);
// A page that needs nothing else: verdict, curve, findings, flame graph, tables. Writes nothing where
// why_no_html() says why.
void write_html(const Report& report, std::ostream& out);
std::string_view why_no_html();
// Valgrind's massif format, for ms_print and massif-visualizer.
void write_massif(const Report& report, std::ostream& out);

// --- for tables and CI ---------------------------------------------------------------------------

void write_csv(const Report& report, const Moment& moment, std::ostream& out);
void write_markdown(const Report& report, std::ostream& out);
void write_junit(const Report& report, std::ostream& out);
void write_sarif(const Report& report, std::ostream& out);
void write_gitlab(const Report& report, std::ostream& out);
void write_github(const Report& report, std::ostream& out);

// --- profiles and curves, for viewers ------------------------------------------------------------

void write_folded(const Report& report, const Moment& moment, std::ostream& out);
void write_svg(const Report& report, const Moment& moment, std::ostream& out);
void write_pprof(const Report& report, const Moment& moment, std::ostream& out);
void write_pprof_text(const Report& report, const Moment& moment, std::ostream& out);
void write_speedscope(const Report& report, const Moment& moment, std::ostream& out);
void write_heaptrack(const Report& report, std::ostream& out);
void write_dhat(const Report& report, std::ostream& out);
void write_trace(const Report& report, std::ostream& out);
void write_openmetrics(const Report& report, std::ostream& out);

// Several runs side by side: report.txt and report.json of a sweep. docs/scenarios.md shows both.
void write_comparison_text(const Comparison& comparison, std::ostream& out);
void write_comparison_json(const Comparison& comparison, std::ostream& out);

}  // namespace leakhunt::reports
