// The log of Valgrind's memcheck, as text:
//
//   ==77== Command: ./program args
//   ==77== HEAP SUMMARY:
//   ==77==     in use at exit: 31,625 bytes in 76 blocks
//   ==77==   total heap usage: 102 allocs, 26 frees, 60,721 bytes allocated
//   ==77== 1,024 (1,000 direct, 24 indirect) bytes in 1 blocks are definitely lost in loss record 2 of 3
//   ==77==    at 0x48417B4: malloc (vg_replace_malloc.c:381)
//   ==77==    by 0x1091F5: main (p.c:7)
//   ==77== LEAK SUMMARY:
//   ==77==    definitely lost: 6,225 bytes in 50 blocks
//
// The bytes of a definite loss are its direct ones: the indirect ones are a kind of their own. What the
// program printed among these lines is passed over.
#include <array>
#include <optional>

#include <fmt/format.h>

#include "reports/importers/importer.h"
#include "reports/importers/leaks.h"
#include "reports/importers/text_lines.h"

namespace leakhunt::reports {

namespace {

using Wrong = tl::unexpected<ImportError>;

constexpr std::array<std::string_view, 5> kKinds = {kDefinitelyLost, kIndirectlyLost, kPossiblyLost,
                                                    kStillReachable, "suppressed"};

class MemcheckReader {
 public:
  explicit MemcheckReader(std::string_view text) : lines_(text) {}

  Imported read() {
    while (const auto line = lines_.next()) {
      std::string_view text = *line;
      if (!take_process(text)) continue;
      if (two_processes_) {
        return wrong(
            "another process begins here: give each its own log (valgrind --log-file=memcheck.%p) and name "
            "one");
      }
      if (auto read = read_line(text); !read) return Wrong(read.error());
    }
    if (auto closed = close_leak(); !closed) return Wrong(closed.error());
    if (!in_use_)
      return wrong("the log ends before its HEAP SUMMARY: it was cut off, or the program was killed");
    if (!usage_) return wrong("the log ends before its total heap usage: it was cut off");
    if (in_use_->blocks > 0 && !summed_up_)
      return wrong("the log ends before the end of its LEAK SUMMARY: it was cut off");
    if (usage_->bytes < in_use_->bytes || usage_->blocks < in_use_->blocks)
      return wrong("more is in use at exit than was ever allocated");
    leaks_.add_freed({usage_->bytes - in_use_->bytes, usage_->blocks - in_use_->blocks});
    Import import = std::move(leaks_).take(Foreign::kMemcheck);
    if (unlisted_)
      import.limits.emplace_back(
          "some leaks have no call sites: valgrind --leak-check=full --show-leak-kinds=all lists them");
    return import;
  }

 private:
  tl::unexpected<ImportError> wrong(std::string what) {
    return Wrong(ImportError{lines_.number(), std::move(what)});
  }

  // "==77== " in front of every line of Valgrind's.
  bool take_process(std::string_view& text) {
    if (!take(text, "==")) return false;
    const auto pid = take_number(text);
    if (!pid || !take(text, "==")) return false;
    take(text, " ");
    if (!pid_) pid_ = pid;
    two_processes_ = pid_ != pid;
    return true;
  }

  tl::expected<void, ImportError> read_line(std::string_view text) {
    if (take(text, "Command: ")) leaks_.set_command(text);
    const std::string_view whole = text;
    while (take(text, " ")) continue;
    if (text.starts_with("at 0x") || text.starts_with("by 0x")) {
      text.remove_prefix(5);
      const auto address = take_number(text, 16, UINT64_MAX);
      if (!address || !take(text, ": ")) return wrong("a frame says its address, then its function");
      if (leak_) stack_.push_back(frame_of_words(text, *address));
      return {};
    }
    if (auto closed = close_leak(); !closed) return closed;
    if (take(text, "in use at exit: ")) return read_sum(text, in_use_);
    if (take(text, "total heap usage: ")) return read_usage(text);
    if (text.starts_with("All heap blocks were freed")) summed_up_ = true;
    in_summary_ = in_summary_ || text.starts_with("LEAK SUMMARY:");
    if (in_summary_) return read_summary(text);
    return read_leak(whole);
  }

  // "31,625 bytes in 76 blocks"
  tl::expected<void, ImportError> read_sum(std::string_view text, std::optional<LeakSum>& sum) {
    const auto bytes = take_grouped_number(text);
    const bool in = bytes && take(text, " bytes in ");
    const auto blocks = in ? take_grouped_number(text) : std::nullopt;
    if (!blocks) return wrong("\"N bytes in M blocks\" should stand here");
    sum = LeakSum{*bytes, *blocks};
    return {};
  }

  // "102 allocs, 26 frees, 60,721 bytes allocated"
  tl::expected<void, ImportError> read_usage(std::string_view text) {
    const auto allocations = take_grouped_number(text);
    const bool frees = allocations && take(text, " allocs, ") && take_grouped_number(text);
    const bool comma = frees && take(text, " frees, ");
    const auto bytes = comma ? take_grouped_number(text) : std::nullopt;
    if (!bytes) return wrong("\"N allocs, M frees, K bytes allocated\" should stand here");
    usage_ = LeakSum{*bytes, *allocations};
    return {};
  }

  tl::expected<void, ImportError> read_summary(std::string_view text) {
    for (const std::string_view kind : kKinds) {
      std::string_view rest = text;
      if (!take(rest, kind) || !take(rest, ": ")) continue;
      std::optional<LeakSum> sum;
      if (auto read = read_sum(rest, sum); !read) return read;
      const LeakSum listed = leaks_.listed(kind);
      unlisted_ = unlisted_ || listed.bytes < sum->bytes;
      if (!leaks_.complete(kind, *sum))
        return wrong(fmt::format("more was listed above as {} than the summary has", kind));
      if (kind != kKinds.back()) continue;
      in_summary_ = false;
      summed_up_ = true;
    }
    return {};
  }

  // "1,024 (1,000 direct, 24 indirect) bytes in 1 blocks are definitely lost in loss record 2 of 3"
  tl::expected<void, ImportError> read_leak(std::string_view text) {
    auto bytes = take_grouped_number(text);
    if (!bytes) return {};
    if (take(text, " (")) {
      bytes = take_grouped_number(text);
      if (!bytes || !take_until(text, " indirect)")) return {};
    }
    if (!take(text, " bytes in ")) return {};
    const auto blocks = take_grouped_number(text);
    if (!blocks || !take(text, " blocks are ")) return {};
    for (const std::string_view kind : kKinds) {
      if (!text.starts_with(kind)) continue;
      kind_ = kind;
      leak_ = LeakSum{*bytes, *blocks};
    }
    return {};
  }

  tl::expected<void, ImportError> close_leak() {
    if (leak_) leaks_.add(kind_, stack_, *leak_);
    leak_.reset();
    stack_.clear();
    return {};
  }

  TextLines lines_;
  LeakList leaks_;
  std::optional<uint64_t> pid_;
  bool two_processes_ = false;
  std::optional<LeakSum> in_use_;
  std::optional<LeakSum> usage_;
  bool summed_up_ = false;
  bool in_summary_ = false;
  bool unlisted_ = false;
  std::string_view kind_;        // of the leak that is read
  std::optional<LeakSum> leak_;  // whose frames may follow
  std::vector<ImportedFrame> stack_;
};

}  // namespace

Imported import_memcheck(std::string_view text) {
  return MemcheckReader(text).read();
}

}  // namespace leakhunt::reports
