// formats: the table of what a report can be written as. A format is one function; adding one is one file and
// one row.
#pragma once

#include <iosfwd>
#include <span>
#include <string_view>

#include "reports/comparison.h"
#include "reports/report.h"

namespace leakhunt::reports {

struct Format {
  std::string_view name;       // of --format
  std::string_view extension;  // without the dot
  std::string_view file_name;  // in the --out directory
  // Deterministic: the same recording gives the same bytes.
  void (*write)(const Report& report, std::ostream& out);
};

// In the order in which `--out` writes them.
std::span<const Format> all_formats();

// Null when there is none of that name.
const Format* find_format(std::string_view name);

// What a person reads first: at most 100 columns of UTF-8.
void write_text(const Report& report, std::ostream& out);
// Schema 1; see docs/verdicts.md.
void write_json(const Report& report, std::ostream& out);
// Valgrind's massif format, for ms_print and massif-visualizer.
void write_massif(const Report& report, std::ostream& out);

// Several runs side by side: report.txt and report.json of a sweep. docs/scenarios.md shows both.
void write_comparison_text(const Comparison& comparison, std::ostream& out);
void write_comparison_json(const Comparison& comparison, std::ostream& out);

}  // namespace leakhunt::reports
