// A difference as pprof's profile.proto: one sample a call site, negative where it lost. Its stack is that of
// the later run; addresses of two runs mean nothing to each other, so there are none.
#include <map>
#include <ostream>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/diff_formats.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"
#include "reports/formats/pprof_message.h"

namespace leakhunt::reports {

namespace {

using Line = std::pair<uint64_t, uint32_t>;

class DifferenceMessage {
 public:
  void write(const Diff& diff, std::ostream& out) {
    message_.heap_value_types();
    for (const SiteDiff& row : diff.sites) sample(diff, row);
    for (const auto& [lines, id] : locations_) message_.location(id, 0, 0, lines);
    message_.finish(fmt::format("leakhunt: from {} to {}", side_label(diff.before), side_label(diff.after)),
                    out);
  }

 private:
  void sample(const Diff& diff, const SiteDiff& row) {
    const SiteIdentity& site = diff.identity(row);
    const Figures figures = row.difference();
    if (site.kind != recording::SiteKind::kBlock || row.change == Change::kNone) return;
    std::vector<uint64_t> stack;
    for (FrameSpan rest = site.frames; !rest.empty();) {
      std::vector<Line> lines = {line(rest[0])};
      while (rest[0].inlined && rest.size() > 1) {
        rest = rest.subspan(1);
        lines.push_back(line(rest[0]));
      }
      rest = rest.subspan(1);
      stack.push_back(location(std::move(lines)));
    }
    if (stack.empty()) {
      const std::string name(kNoStack);
      stack.push_back(location({{message_.function(name, name, ""), 0}}));
    }
    const int64_t values[] = {figures.allocations, figures.allocated_bytes, figures.live_blocks,
                              figures.live_bytes};
    message_.sample(stack, values, escape_line(site.tag));
  }

  Line line(const StackFrame& frame) {
    return {message_.function(function_label(frame), escape_line(frame_name(frame)), file_label(frame)),
            frame.line};
  }

  uint64_t location(std::vector<Line> lines) {
    return locations_.try_emplace(std::move(lines), locations_.size() + 1).first->second;
  }

  PprofMessage message_;
  std::map<std::vector<Line>, uint64_t> locations_;
};

}  // namespace

void write_diff_pprof(const Diff& diff, std::ostream& out) {
  DifferenceMessage().write(diff, out);
}

}  // namespace leakhunt::reports
