// massif.out, as Valgrind's massif and our own export write it: snapshots of key=value lines, some of them
// with a tree of who holds what. A snapshot without a tree has a total and no call sites.
//
//   desc: --pages-as-heap=no        cmd: ./program args       time_unit: i
//   #-----------
//   snapshot=3
//   #-----------
//   time=1360
//   mem_heap_B=3000
//   mem_heap_extra_B=24
//   mem_stacks_B=0
//   heap_tree=detailed              or empty, or peak
//   n2: 3000 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
//    n0: 2000 0x1091C9: main (p.c:7)
//    n0: 1000 in 3 places, all below massif's threshold (1.00%)
//
// Definition: Valgrind, massif/ms_main.c, write_snapshots_to_file().
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "reports/importers/importer.h"
#include "reports/importers/leaks.h"
#include "reports/importers/run_maker.h"
#include "reports/importers/text_lines.h"

namespace leakhunt::reports {

namespace {

using recording::SiteId;
using recording::TagId;
using Wrong = tl::unexpected<ImportError>;

constexpr size_t kDeepest = 512;  // massif stops at 200, our own files at 130; one level is one call
constexpr std::string_view kNoDetail = "(not detailed)";

struct Totals {
  uint64_t time = 0;
  uint64_t heap = 0;
};

class MassifReader {
 public:
  explicit MassifReader(std::string_view text) : lines_(text) {}

  Imported read() {
    auto line = lines_.next();
    for (; line && !line->starts_with('#'); line = lines_.next()) take_heading(*line);
    while (line) {
      if (*line == "#-----------") {
        line = lines_.next();
        continue;
      }
      if (!line->starts_with("snapshot=")) return wrong("a snapshot should begin here");
      if (auto read = read_snapshot(); !read) return Wrong(read.error());
      line = lines_.next();
    }
    if (snapshots_ == 0) return wrong("the file ends before its first snapshot");
    Import import;
    import.foreign = Foreign::kMassif;
    import.run = std::move(maker_).take();
    import.limits.emplace_back(
        "massif counts neither blocks nor allocations: a call site that holds memory counts as one block, "
        "and what it gained between two detailed snapshots as allocated");
    if (without_detail_ > 0) {
      import.limits.push_back(fmt::format("{} of {} snapshots have no call sites: their heap is \"{}\"",
                                          without_detail_, snapshots_, kNoDetail));
    }
    if (stacks_) import.limits.emplace_back("the stacks that massif measured are left out");
    return import;
  }

 private:
  tl::unexpected<ImportError> wrong(std::string what) {
    return Wrong(ImportError{lines_.number(), std::move(what)});
  }

  void take_heading(std::string_view line) {
    if (take(line, "cmd: ")) maker_.set_command(line);
    if (take(line, "time_unit: ")) unit_ns_ = line == "ms" ? 1'000'000 : 1;
  }

  tl::expected<uint64_t, ImportError> figure(std::string_view key) {
    auto line = lines_.next();
    if (!line) return wrong(fmt::format("the file ends where {} should stand: it was cut off", key));
    std::string_view text = *line;
    if (!take(text, key)) return wrong(fmt::format("{} should stand here", key));
    const auto value = take_number(text);
    if (!value || !text.empty()) return wrong(fmt::format("{} has no number, or one that cannot be", key));
    return *value;
  }

  tl::expected<void, ImportError> read_snapshot() {
    auto separator = lines_.next();
    if (!separator || *separator != "#-----------") return wrong("the snapshot is cut off");
    Totals totals;
    uint64_t ignored = 0;
    uint64_t stacks = 0;
    const std::array<std::pair<std::string_view, uint64_t*>, 4> figures = {{{"time=", &totals.time},
                                                                            {"mem_heap_B=", &totals.heap},
                                                                            {"mem_heap_extra_B=", &ignored},
                                                                            {"mem_stacks_B=", &stacks}}};
    for (const auto& [key, value] : figures) {
      const auto read = figure(key);
      if (!read) return Wrong(read.error());
      *value = *read;
    }
    stacks_ = stacks_ || stacks > 0;
    auto tree = lines_.next();
    if (!tree || !tree->starts_with("heap_tree=")) return wrong("heap_tree= should stand here");
    next_.clear();
    const bool detailed = *tree != "heap_tree=empty";
    uint64_t in_tree = 0;
    if (detailed) {
      auto bytes = read_node(maker_.tag("heap"), 0);
      if (!bytes) return Wrong(bytes.error());
      in_tree = *bytes;
      if (in_tree > totals.heap) return wrong("the tree above holds more than mem_heap_B says");
    }
    without_detail_ += detailed ? 0 : 1;
    if (totals.heap > in_tree)
      next_[maker_.site(maker_.tag(std::string(kNoDetail)), {})] += totals.heap - in_tree;
    close_snapshot(totals);
    return {};
  }

  // Those that are not in this snapshot hold nothing.
  void close_snapshot(const Totals& totals) {
    for (const SiteId site : holders_) {
      if (!next_.contains(site)) maker_.hold(site, 0, 0);
    }
    holders_.clear();
    for (const auto& [site, bytes] : next_) {
      maker_.hold(site, bytes, bytes > 0 ? 1 : 0);
      holders_.push_back(site);
    }
    last_ns_ = std::max(last_ns_, totals.time * unit_ns_);
    maker_.snapshot(recording::SnapshotKind::kPeak, last_ns_);
    ++snapshots_;
  }

  // One node and all below it; the bytes of its leaves. `stack_` is the way to it, innermost first.
  tl::expected<uint64_t, ImportError> read_node(TagId tag, size_t depth) {
    const auto line = lines_.next();
    if (!line) return wrong("the tree is cut off: the file ends here");
    std::string_view text = *line;
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (!take(text, "n")) return wrong("a node of the tree should stand here");
    const auto children = take_number(text);
    if (!children || !take(text, ": ")) return wrong("a node of the tree says how many it has below");
    const auto bytes = take_number(text);
    if (!bytes || !take(text, " ")) return wrong("a node of the tree says how many bytes it holds");
    if (depth > kDeepest) return wrong("the tree is deeper than any stack");
    const bool summed_up = !text.starts_with("0x");
    std::string_view rest = text;
    if (depth == 1 && take(rest, "0x0: tag ") && rest.ends_with(" (tags)")) {
      rest.remove_suffix(std::string_view(" (tags)").size());
      tag = maker_.tag(std::string(rest));
    } else if (depth > 0 && !summed_up) {
      stack_.push_back(maker_.address(frame_of(text)));
    }
    const size_t mark = stack_.size();
    uint64_t below = 0;
    for (uint64_t i = 0; i < *children; ++i) {
      auto child = read_node(tag, depth + 1);
      if (!child) return child;
      below += *child;
      stack_.resize(mark);
    }
    if (below > *bytes) return wrong("what is below this node holds more than the node itself");
    if (*bytes > below) {
      const bool cut = summed_up && depth > 0;
      next_[maker_.site(tag, stack_, cut)] += *bytes - below;
    }
    return *bytes;
  }

  // "0x1091C9: main (p.c:7)", "0x48: ??? (in /usr/lib/libc.so.6)"
  static ImportedFrame frame_of(std::string_view text) {
    take(text, "0x");
    const uint64_t address = take_number(text, 16, UINT64_MAX).value_or(0);
    take(text, ": ");
    ImportedFrame frame = frame_of_words(text, address);
    if (!frame.sources.empty()) frame.offset = 0;  // the same line is the same place
    return frame;
  }

  TextLines lines_;
  RunMaker maker_;
  std::vector<uint64_t> stack_;
  std::map<SiteId, uint64_t> next_;  // what each site holds in the snapshot that is read
  std::vector<SiteId> holders_;      // in the one before
  uint64_t unit_ns_ = 1;
  uint64_t last_ns_ = 0;
  size_t snapshots_ = 0;
  size_t without_detail_ = 0;
  bool stacks_ = false;
};

}  // namespace

Imported import_massif(std::string_view text) {
  return MassifReader(text).read();
}

}  // namespace leakhunt::reports
