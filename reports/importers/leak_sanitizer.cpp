// What LeakSanitizer says at a program's end, alone or as part of AddressSanitizer, among the program's own
// output:
//
//   ==77==ERROR: LeakSanitizer: detected memory leaks
//   Direct leak of 6225 byte(s) in 50 object(s) allocated from:
//       #0 0x7f27 in __interceptor_malloc ../asan/asan_malloc_linux.cpp:69
//       #1 0x561a in lose /src/p.c:5:3
//       #2 0x561b  (/lib/libfoo.so+0x2c) (BuildId: 79)
//
//   SUMMARY: AddressSanitizer: 6225 byte(s) leaked in 50 allocation(s).
#include <optional>

#include <fmt/format.h>

#include "reports/importers/importer.h"
#include "reports/importers/leaks.h"
#include "reports/importers/text_lines.h"

namespace leakhunt::reports {

namespace {

using Wrong = tl::unexpected<ImportError>;

// "file:line:column", "file:line", or the file alone.
void split_place(std::string_view place, recording::SourceFrame& source) {
  uint32_t numbers[2] = {0, 0};
  int found = 0;
  while (found < 2) {
    const size_t colon = place.rfind(':');
    if (colon == std::string_view::npos) break;
    std::string_view text = place.substr(colon + 1);
    const auto number = take_number(text, 10, UINT32_MAX);
    if (!number || !text.empty()) break;
    numbers[found++] = static_cast<uint32_t>(*number);
    place = place.substr(0, colon);
  }
  source.file = std::string(place);
  source.line = found == 0 ? 0 : numbers[found - 1];
}

// Behind the address: "in function file:line", "in function (module+0x2c) (BuildId: 79)", "(module+0x2c)".
ImportedFrame frame_of(std::string_view text, uint64_t address) {
  ImportedFrame frame;
  frame.offset = address;
  while (take(text, " ")) continue;
  text = text.substr(0, text.find(" (BuildId: "));
  const bool named = take(text, "in ");
  const size_t bracket = text.ends_with(')') ? text.rfind('(') : std::string_view::npos;
  const size_t plus = text.rfind("+0x");
  recording::SourceFrame source;
  if (bracket != std::string_view::npos && plus != std::string_view::npos && plus > bracket) {
    frame.module = std::string(text.substr(bracket + 1, plus - bracket - 1));
    std::string_view offset = text.substr(plus + 3);
    frame.offset = take_number(offset, 16, UINT64_MAX).value_or(address);
    text = text.substr(0, bracket);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (named) source.function = std::string(text);
  } else if (named) {
    const size_t space = text.rfind(' ');  // files with spaces in their names lose what is before it
    const bool placed =
        space != std::string_view::npos && text.substr(space).find_first_of("/:.") != std::string_view::npos;
    source.function = std::string(text.substr(0, placed ? space : std::string_view::npos));
    if (placed) split_place(text.substr(space + 1), source);
  }
  for (const std::string_view prefix : {"__interceptor_", "___interceptor_"}) {
    if (source.function.starts_with(prefix)) source.function.erase(0, prefix.size());
  }
  if (!source.function.empty() || !source.file.empty()) frame.sources.push_back(std::move(source));
  return frame;
}

class LeakSanitizerReader {
 public:
  explicit LeakSanitizerReader(std::string_view text) : lines_(text) {}

  Imported read() {
    while (const auto line = lines_.next()) {
      if (auto read = read_line(*line); !read) return Wrong(read.error());
      if (summary_) break;
    }
    if (!summary_) return wrong("the log ends before its SUMMARY: it was cut off");
    const LeakSum direct = leaks_.listed(kDefinitelyLost);
    const LeakSum indirect = leaks_.listed(kIndirectlyLost);
    if (direct.bytes + indirect.bytes != summary_->bytes ||
        direct.blocks + indirect.blocks != summary_->blocks) {
      return wrong(fmt::format("the summary has {} bytes in {} allocations, and the leaks above {} in {}",
                               summary_->bytes, summary_->blocks, direct.bytes + indirect.bytes,
                               direct.blocks + indirect.blocks));
    }
    leaks_.set_command("(unknown)");  // the log does not say
    return std::move(leaks_).take(Foreign::kLeakSanitizer);
  }

 private:
  tl::unexpected<ImportError> wrong(std::string what) {
    return Wrong(ImportError{lines_.number(), std::move(what)});
  }

  tl::expected<void, ImportError> read_line(std::string_view text) {
    while (take(text, " ")) continue;
    if (leak_ && take(text, "#")) return read_frame(text);
    close_leak();
    const bool direct = take(text, "Direct leak of ");
    if (direct || take(text, "Indirect leak of ")) {
      kind_ = direct ? kDefinitelyLost : kIndirectlyLost;
      leak_.emplace();
      return read_sum(text, " byte(s) in ", " object(s)", *leak_);
    }
    const bool ours = take(text, "SUMMARY: AddressSanitizer: ") || take(text, "SUMMARY: LeakSanitizer: ");
    if (!ours || text.find("leaked in") == std::string_view::npos) return {};
    summary_.emplace();
    return read_sum(text, " byte(s) leaked in ", " allocation(s)", *summary_);
  }

  tl::expected<void, ImportError> read_sum(std::string_view text, std::string_view between,
                                           std::string_view behind, LeakSum& sum) {
    const auto bytes = take_number(text);
    const bool goes_on = bytes && take(text, between);
    const auto blocks = goes_on ? take_number(text) : std::nullopt;
    if (!blocks || !take(text, behind))
      return wrong(fmt::format("\"N{}M{}\" should stand here", between, behind));
    sum = {*bytes, *blocks};
    return {};
  }

  tl::expected<void, ImportError> read_frame(std::string_view text) {
    const bool numbered = take_number(text) && take(text, " 0x");
    const auto address = numbered ? take_number(text, 16, UINT64_MAX) : std::nullopt;
    if (!address) return wrong("a frame has its number, then its address");
    stack_.push_back(frame_of(text, *address));
    return {};
  }

  void close_leak() {
    if (leak_) leaks_.add(kind_, stack_, *leak_);
    leak_.reset();
    stack_.clear();
  }

  TextLines lines_;
  LeakList leaks_;
  std::string_view kind_;
  std::optional<LeakSum> leak_;
  std::vector<ImportedFrame> stack_;
  std::optional<LeakSum> summary_;
};

}  // namespace

Imported import_leak_sanitizer(std::string_view text) {
  return LeakSanitizerReader(text).read();
}

}  // namespace leakhunt::reports
