// text_lines: a text line by line, and the numbers in its lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace leakhunt::reports {

class TextLines {
 public:
  explicit TextLines(std::string_view text) : rest_(text) {}

  // The next line without its end, "\r" included; none behind the last one.
  std::optional<std::string_view> next();
  uint64_t number() const { return number_; }  // of the line that next() gave, from 1
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  uint64_t number_ = 0;
};

// No tool's figure is larger: sums of them stay far from what 64 bits hold.
inline constexpr uint64_t kLargestFigure = uint64_t{1} << 48;

// Takes a number off the front of `text`. None: there is none, or it is too large; `text` stays as it was.
std::optional<uint64_t> take_number(std::string_view& text, int base = 10, uint64_t largest = kLargestFigure);
// The same with commas between thousands: "1,234".
std::optional<uint64_t> take_grouped_number(std::string_view& text);
// Takes `words` off the front; false, and nothing is taken, if it begins otherwise.
bool take(std::string_view& text, std::string_view words);
// What comes before `mark`, which is taken, too; none if it is nowhere.
std::optional<std::string_view> take_until(std::string_view& text, std::string_view mark);

}  // namespace leakhunt::reports
