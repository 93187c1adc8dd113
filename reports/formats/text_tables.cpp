#include "reports/formats/text_tables.h"

#include <algorithm>
#include <cctype>
#include <ostream>

#include "reports/formats/escape.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kGap = 2;        // between columns
constexpr size_t kNarrowest = 8;  // a column gives way no further

std::string spaces(size_t count) {
  return std::string(count, ' ');
}

// The widest cell of each column; then, as long as a line is too long, one less of the widest column that
// gives way.
std::vector<size_t> fitted_widths(const std::vector<Column>& table,
                                  const std::vector<std::vector<std::string>>& lines, size_t indent) {
  std::vector<size_t> widths(table.size(), 0);
  for (const std::vector<std::string>& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], columns(line[i]));
  }
  size_t total = indent + kGap * (table.size() - 1);
  for (const size_t width : widths) total += width;
  for (; total > kTextWidth; --total) {
    size_t* widest = nullptr;
    for (size_t i = 0; i < widths.size(); ++i) {
      const bool gives_way = table[i].fit != Column::Fit::kWhole && widths[i] > kNarrowest;
      if (gives_way && (widest == nullptr || widths[i] > *widest)) widest = &widths[i];
    }
    if (widest == nullptr) break;
    --*widest;
  }
  return widths;
}

// The end of the first word of `text`; a number and its unit are one word.
size_t first_word(std::string_view text) {
  size_t end = std::min(text.find(' '), text.size());
  for (const std::string_view unit : {" B", " kB", " MB", " GB", " TB", " it/s", " %", " s"}) {
    const std::string_view rest = text.substr(end);
    const bool whole = rest.size() == unit.size() ||
                       (rest.size() > unit.size() && std::ispunct(rest[unit.size()])) ||
                       (rest.size() > unit.size() && rest[unit.size()] == ' ');
    if (end > 0 && std::isdigit(text[end - 1]) && rest.starts_with(unit) && whole) {
      end = std::min(text.find(' ', end + unit.size()), text.size());
    }
  }
  return end;
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
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  const std::vector<size_t> widths = fitted_widths(columns_, lines, indent);
  for (const std::vector<std::string>& line : lines) {
    std::string text = spaces(indent);
    for (size_t i = 0; i < line.size(); ++i) {
      const bool path = columns_[i].fit == Column::Fit::kFront;
      const std::string cell = path ? shorten_front(line[i], widths[i]) : shorten_middle(line[i], widths[i]);
      const std::string padding = spaces(widths[i] - columns(cell));
      text += (i > 0 ? spaces(kGap) : "") + (columns_[i].right ? padding + cell : cell + padding);
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
    const size_t space = first_word(text);
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
