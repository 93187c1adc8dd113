#include "reports/formats/text_tables.h"

#include <algorithm>
#include <ostream>

#include "reports/formats/escape.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kGap = 2;  // between columns

std::string spaces(size_t count) {
  return std::string(count, ' ');
}

void write_line(std::ostream& out, std::string line) {
  while (line.ends_with(' ')) line.pop_back();
  out << line << '\n';
}

}  // namespace

void TextTable::write(std::ostream& out, size_t indent) const {
  std::vector<std::vector<std::string>> lines;
  const auto is_headed = [](const Column& column) { return !column.heading.empty(); };
  if (std::any_of(columns_.begin(), columns_.end(), is_headed)) {
    std::vector<std::string>& headings = lines.emplace_back();
    for (const Column& column : columns_) headings.push_back(column.heading);
  }
  for (const std::vector<std::string>& row : rows_) {
    std::vector<std::string>& line = lines.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t limit = columns_[i].max_width;
      line.push_back(limit == 0 ? row[i] : shorten_middle(row[i], limit));
    }
  }
  std::vector<size_t> widths(columns_.size(), 0);
  for (const std::vector<std::string>& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], columns(line[i]));
  }
  for (const std::vector<std::string>& line : lines) {
    std::string text = spaces(indent);
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string padding = spaces(widths[i] - columns(line[i]));
      text += (i > 0 ? spaces(kGap) : "") + (columns_[i].right ? padding + line[i] : line[i] + padding);
    }
    write_line(out, std::move(text));
  }
}

void write_heading(std::ostream& out, std::string_view heading) {
  std::string rule;
  for (size_t i = columns(heading) + 1; i < kTextWidth; ++i) rule += "─";
  out << '\n' << heading << ' ' << rule << '\n';
}

void write_wrapped(std::ostream& out, std::string_view lead, std::string_view text) {
  const size_t indent = columns(lead);
  std::string line(lead);
  size_t used = indent;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    std::string word(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
    if (columns(word) > kTextWidth - indent) word = shorten_middle(word, kTextWidth - indent);
    if (used > indent && used + 1 + columns(word) > kTextWidth) {
      write_line(out, std::move(line));
      line = spaces(indent);
      used = indent;
    }
    if (used > indent) {
      line += ' ';
      ++used;
    }
    line += word;
    used += columns(word);
  }
  write_line(out, std::move(line));
}

}  // namespace leakhunt::reports
