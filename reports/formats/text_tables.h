// text_tables: columns, wrapped sentences and headings of report.txt. Knows no report.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace leakhunt::reports {

inline constexpr size_t kTextWidth = 100;

struct Column {
  std::string heading;
  enum class Fit {
    kWhole,   // as wide as needed
    kMiddle,  // gives way when the line is too long, losing the middle: names
    kFront,   // gives way, losing the beginning: paths
  };
  bool right = false;  // aligned to the right: numbers
  Fit fit = Fit::kWhole;
};

// A table with a line of headings, if there is any. Every row has one cell a column.
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  void write(std::ostream& out, size_t indent) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// A blank line, then "Heading" and a rule to the right margin.
void write_heading(std::ostream& out, std::string_view heading);

// `text` after `lead`, broken at spaces so that no line is longer than kTextWidth; continued below its
// beginning.
void write_wrapped(std::ostream& out, std::string_view lead, std::string_view text);

}  // namespace leakhunt::reports
