#include "scenarios/runner/line_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace leakhunt::runner {

struct LinePattern::Code {
  explicit Code(pcre2_code* compiled)
      : code(compiled), match(pcre2_match_data_create_from_pattern(compiled, nullptr)) {}
  ~Code() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  pcre2_code* code;
  pcre2_match_data* match;
};

LinePattern::LinePattern(std::unique_ptr<Code> code) : code_(std::move(code)) {}
LinePattern::LinePattern(LinePattern&&) noexcept = default;
LinePattern& LinePattern::operator=(LinePattern&&) noexcept = default;
LinePattern::~LinePattern() = default;

tl::expected<LinePattern, std::string> LinePattern::compile(const std::string& expression) {
  int error = 0;
  size_t where = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                   PCRE2_NEVER_UTF, &error, &where, nullptr);
  if (code == nullptr) {
    std::array<PCRE2_UCHAR, 256> why{};
    pcre2_get_error_message(error, why.data(), why.size());
    return tl::unexpected(fmt::format("the regular expression \"{}\" is wrong at character {}: {}",
                                      expression, where + 1, reinterpret_cast<const char*>(why.data())));
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it the same, slower
  return LinePattern(std::make_unique<Code>(code));
}

bool LinePattern::matches(std::string_view line) const {
  return pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(line.data()), line.size(), 0, 0, code_->match,
                     nullptr) >= 0;
}

uint64_t LineCounter::end_line() {
  const bool matched = pattern_.matches(line_);
  line_.clear();
  return matched ? 1 : 0;
}

uint64_t LineCounter::feed(std::string_view bytes) {
  uint64_t count = 0;
  while (!bytes.empty()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    line_.append(bytes.substr(0, std::min(end, kLongest - line_.size())));
    if (end == bytes.size()) break;
    count += end_line();
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
  }
  return count;
}

uint64_t LineCounter::finish() {
  return line_.empty() ? 0 : end_line();
}

}  // namespace leakhunt::runner
