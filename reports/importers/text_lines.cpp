#include "reports/importers/text_lines.h"

#include <algorithm>
#include <charconv>

namespace leakhunt::reports {

std::optional<std::string_view> TextLines::next() {
  if (rest_.empty()) return std::nullopt;
  const size_t end = std::min(rest_.find('\n'), rest_.size());
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  ++number_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<uint64_t> take_number(std::string_view& text, int base, uint64_t largest) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc() || value > largest) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

std::optional<uint64_t> take_grouped_number(std::string_view& text) {
  std::string_view rest = text;
  uint64_t value = 0;
  bool any = false;
  for (;;) {
    const size_t before = rest.size();
    const auto group = take_number(rest, 10);
    if (!group) return std::nullopt;
    if (any && before - rest.size() != 3) return std::nullopt;
    value = any ? value * 1000 + *group : *group;
    any = true;
    if (value > kLargestFigure) return std::nullopt;
    const bool goes_on = rest.size() > 1 && rest[0] == ',' && rest[1] >= '0' && rest[1] <= '9';
    if (!goes_on) break;
    rest.remove_prefix(1);
  }
  text = rest;
  return value;
}

bool take(std::string_view& text, std::string_view words) {
  if (!text.starts_with(words)) return false;
  text.remove_prefix(words.size());
  return true;
}

std::optional<std::string_view> take_until(std::string_view& text, std::string_view mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + mark.size());
  return before;
}

}  // namespace leakhunt::reports
