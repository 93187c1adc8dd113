// line_pattern: the regular expression of --iteration-regex, and the lines that it is held against.
//
// PCRE2 rather than std::regex, whose recursion overflows the stack on long lines, and which does not say
// where an expression is wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace leakhunt::runner {

class LinePattern {
 public:
  // The error is a sentence that points at the place.
  static tl::expected<LinePattern, std::string> compile(const std::string& expression);
  LinePattern(LinePattern&&) noexcept;
  LinePattern& operator=(LinePattern&&) noexcept;
  ~LinePattern();

  // Anywhere in the line; bytes, not characters. One thread at a time.
  bool matches(std::string_view line) const;

 private:
  struct Code;
  explicit LinePattern(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

// Cuts output into lines as it comes, and counts those that match. A line ends with \n, \r (a progress bar
// that redraws itself) or \r\n; of a longer one than kLongest only the beginning is looked at.
class LineCounter {
 public:
  static constexpr size_t kLongest = 64 << 10;

  explicit LineCounter(LinePattern pattern) : pattern_(std::move(pattern)) {}

  // How many lines ended in these bytes and match.
  uint64_t feed(std::string_view bytes);
  // The output has ended: what is left is a line, if anything is.
  uint64_t finish();

 private:
  uint64_t end_line();

  LinePattern pattern_;
  std::string line_;
  bool after_return_ = false;
};

}  // namespace leakhunt::runner
