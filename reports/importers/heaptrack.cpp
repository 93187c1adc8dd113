// A file of heaptrack, as heaptrack and our own export write it: single allocations, one line each. The
// lines are described in reports/formats/heaptrack.cpp; versions 1 and 2 have strings without a length.
// Definition: KDE heaptrack, src/analyze/accumulatedtracedata.cpp.
//
// It is read twice: first for when the heap was highest, so that this becomes a snapshot of its own.
#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "reports/importers/importer.h"
#include "reports/importers/run_maker.h"
#include "reports/importers/text_lines.h"

namespace leakhunt::reports {

namespace {

using recording::SiteId;
using recording::SnapshotKind;
using Wrong = tl::unexpected<ImportError>;

constexpr size_t kMostSnapshots = 1000;
constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kLengthOfStrings = 3;  // since that version
constexpr size_t kDeepest = 4096;

struct Trace {
  uint64_t pointer = 0;  // from 1
  uint64_t parent = 0;   // from 1; 0: none
};
struct AllocationInfo {
  uint64_t size = 0;
  uint64_t trace = 0;
  std::optional<SiteId> site;
};

// Where the peak is, and how often time goes on.
struct Outline {
  uint64_t highest_at = 0;  // number of the event (from 1) behind which the heap is highest
  uint64_t times = 0;
};

class HeaptrackReader {
 public:
  explicit HeaptrackReader(std::string_view text) : text_(text), lines_(text) {}

  Imported read() {
    outline_ = outline();
    every_ = outline_.times / kMostSnapshots + 1;
    while (const auto line = lines_.next()) {
      if (line->empty() || line->front() == '#') continue;
      if (auto read = read_line(*line); !read) return Wrong(read.error());
    }
    if (!has_version_) return wrong("it does not begin with a version: v 10400 3");
    Import import;
    import.foreign = Foreign::kHeaptrack;
    maker_.snapshot(SnapshotKind::kFinal, time_ns_, rss_);
    import.run = std::move(maker_).take();
    import.run.process.page_size = page_size_;
    return import;
  }

 private:
  tl::unexpected<ImportError> wrong(std::string what) {
    return Wrong(ImportError{lines_.number(), std::move(what)});
  }

  // What is wrong with the lines is said in the second reading.
  Outline outline() const {
    Outline result;
    std::vector<uint64_t> sizes;
    uint64_t live = 0;
    uint64_t highest = 0;
    uint64_t event = 0;
    TextLines lines(text_);
    while (const auto line = lines.next()) {
      std::string_view text = *line;
      if (text.size() < 2 || text[1] != ' ') continue;
      const char kind = text[0];
      text.remove_prefix(2);
      if (kind == 'c') ++result.times;
      if (kind == 'a') sizes.push_back(take_number(text, 16).value_or(0));
      if (kind != '+' && kind != '-') continue;
      const uint64_t index = take_number(text, 16).value_or(kNone);
      if (index >= sizes.size()) continue;
      ++event;
      live = kind == '+' ? live + sizes[index] : live - std::min(live, sizes[index]);
      if (live <= highest) continue;
      highest = live;
      result.highest_at = event;
    }
    return result;
  }

  tl::expected<void, ImportError> read_line(std::string_view line) {
    if (line.size() < 2 || line[1] != ' ') return wrong("a line is a letter, a space and what it says");
    const char kind = line[0];
    const std::string_view rest = line.substr(2);
    if (kind == 'v') return read_version(rest);
    if (!has_version_) return wrong("it does not begin with a version: v 10400 3");
    switch (kind) {
      case 'X':
        maker_.set_command(rest);
        return {};
      case 's':
        return read_string(rest);
      case 'x':
      case 'm':
        return wrong(
            "this is heaptrack's raw data, without symbols; heaptrack_interpret makes a file of it that can "
            "be "
            "read: heaptrack without --raw calls it");
      case 'I':
      case 'i':
      case 't':
      case 'a':
      case '+':
      case '-':
      case 'c':
      case 'R':
        return read_numbers(kind, rest);
      default:
        return {};  // S: suppressions, A: attached; later versions may have more
    }
  }

  tl::expected<void, ImportError> read_version(std::string_view text) {
    const auto heaptrack = take_number(text, 16);
    const bool more = take(text, " ");
    const auto file = more ? take_number(text, 16) : std::optional<uint64_t>(0);
    if (!heaptrack || !file) return wrong("the version cannot be read");
    if (*file < 1 || *file > 3) {
      return wrong(fmt::format(
          "files of version {} are not known, only 1 to 3: this leakhunt is too old or heaptrack is", *file));
    }
    version_ = *file;
    has_version_ = true;
    return {};
  }

  tl::expected<void, ImportError> read_string(std::string_view text) {
    if (version_ >= kLengthOfStrings) {
      const auto length = take_number(text, 16);
      if (!length || !take(text, " ")) return wrong("a string has no length");
      if (*length != text.size())
        return wrong(fmt::format("a string of {} bytes should stand here, and has {}", *length, text.size()));
    }
    strings_.emplace_back(text);
    return {};
  }

  tl::expected<void, ImportError> read_numbers(char kind, std::string_view text) {
    std::vector<uint64_t>& numbers = numbers_;
    numbers.clear();
    while (!text.empty()) {
      const auto number = take_number(text, 16, kind == 'i' ? UINT64_MAX : kLargestFigure);
      if (!number || (!text.empty() && !take(text, " ")))
        return wrong("hexadecimal numbers with spaces between them should stand here");
      numbers.push_back(*number);
    }
    const size_t least = kind == 't' || kind == 'a' || kind == 'i' ? 2 : 1;
    if (numbers.size() < least) return wrong("there are too few numbers in the line: it was cut off");
    switch (kind) {
      case 'I':
        page_size_ = std::clamp<uint64_t>(numbers[0], 1, 1 << 30);
        return {};
      case 'i':
        return read_pointer();
      case 't':
        return read_trace();
      case 'a':
        return read_allocation_info();
      case 'c':
        return read_time();
      case 'R':
        rss_ = numbers[0] > kLargestFigure / page_size_ ? 0 : numbers[0] * page_size_;
        return {};
      default:
        return read_event(kind == '+');
    }
  }

  tl::expected<std::string, ImportError> string(uint64_t index) {
    if (index == 0) return std::string();
    if (index > strings_.size()) return wrong(fmt::format("there is no string {:x} so far", index));
    return strings_[index - 1];
  }

  // address, module, and for each frame function, file and line; the last may have its function alone.
  tl::expected<void, ImportError> read_pointer() {
    ImportedFrame frame;
    frame.offset = numbers_[0];
    const auto module = string(numbers_[1]);
    if (!module) return Wrong(module.error());
    frame.module = *module;
    for (size_t at = 2; at < numbers_.size(); at += 3) {
      const auto function = string(numbers_[at]);
      const auto file = string(at + 1 < numbers_.size() ? numbers_[at + 1] : 0);
      if (!function || !file) return Wrong(function ? file.error() : function.error());
      const uint64_t line = at + 2 < numbers_.size() ? numbers_[at + 2] : 0;
      if (!function->empty() || !file->empty())
        frame.sources.push_back(
            {*function, *file, static_cast<uint32_t>(std::min<uint64_t>(line, UINT32_MAX)), false});
    }
    // Our own export names the tag at the outer end of a stack, where there is no address.
    const bool named = frame.offset == 0 && frame.sources.size() == 1;
    const std::string name = named ? frame.sources[0].function : "";
    tags_.push_back(name.starts_with("tag ") ? name.substr(4) : "");
    cut_.push_back(name == "(stack cut off here)");
    pointers_.push_back(name == "(no stack)" || cut_.back() || !tags_.back().empty() ? 0
                                                                                     : maker_.address(frame));
    return {};
  }

  tl::expected<void, ImportError> read_trace() {
    if (numbers_[0] == 0 || numbers_[0] > pointers_.size())
      return wrong(fmt::format("there is no instruction {:x} so far", numbers_[0]));
    if (numbers_[1] > traces_.size()) return wrong(fmt::format("there is no trace {:x} so far", numbers_[1]));
    traces_.push_back({numbers_[0], numbers_[1]});
    return {};
  }

  tl::expected<void, ImportError> read_allocation_info() {
    if (numbers_[1] > traces_.size()) return wrong(fmt::format("there is no trace {:x} so far", numbers_[1]));
    infos_.push_back({numbers_[0], numbers_[1], std::nullopt});
    return {};
  }

  tl::expected<void, ImportError> read_time() {
    time_ns_ = std::max(time_ns_, std::min<uint64_t>(numbers_[0], uint64_t{1} << 40) * 1'000'000);
    if (times_++ % every_ == 0) maker_.snapshot(SnapshotKind::kPeak, time_ns_, rss_);
    return {};
  }

  SiteId site_of(AllocationInfo& info) {
    if (info.site) return *info.site;
    std::vector<uint64_t> frames;
    std::string tag = "heap";
    bool truncated = false;
    for (uint64_t at = info.trace; at != 0; at = traces_[at - 1].parent) {
      const uint64_t pointer = traces_[at - 1].pointer - 1;
      if (!tags_[pointer].empty()) tag = tags_[pointer];
      truncated = truncated || cut_[pointer] || frames.size() == kDeepest;
      if (pointers_[pointer] != 0 && frames.size() < kDeepest) frames.push_back(pointers_[pointer]);
    }
    info.site = maker_.site(maker_.tag(tag), frames, truncated);
    return *info.site;
  }

  tl::expected<void, ImportError> read_event(bool allocates) {
    if (numbers_[0] >= infos_.size())
      return wrong(fmt::format("there is no allocation {:x} so far", numbers_[0]));
    AllocationInfo& info = infos_[numbers_[0]];
    recording::Counters counters{};
    (allocates ? counters.allocations : counters.frees) = 1;
    (allocates ? counters.allocated_bytes : counters.freed_bytes) = info.size;
    if (!allocates && last_allocated_ == numbers_[0]) {  // as heaptrack defines temporary
      counters.temporary_blocks = 1;
      counters.temporary_bytes = info.size;
    }
    last_allocated_ = allocates ? numbers_[0] : kNone;
    maker_.add(site_of(info), counters);
    if (++events_ == outline_.highest_at) maker_.snapshot(SnapshotKind::kPeak, time_ns_, rss_);
    return {};
  }

  std::string_view text_;
  TextLines lines_;
  RunMaker maker_;
  Outline outline_;
  uint64_t every_ = 1;
  uint64_t version_ = 0;
  bool has_version_ = false;
  uint64_t page_size_ = 4096;
  uint64_t rss_ = 0;
  uint64_t time_ns_ = 0;
  uint64_t times_ = 0;
  uint64_t events_ = 0;
  uint64_t last_allocated_ = kNone;
  std::vector<uint64_t> numbers_;  // of the line that is read
  std::vector<std::string> strings_;
  std::vector<uint64_t> pointers_;  // addresses for the Run; 0: stands for no code
  std::vector<std::string> tags_;   // by pointer
  std::vector<bool> cut_;           // by pointer
  std::vector<Trace> traces_;
  std::vector<AllocationInfo> infos_;
};

}  // namespace

Imported import_heaptrack(std::string_view text) {
  return HeaptrackReader(text).read();
}

}  // namespace leakhunt::reports
