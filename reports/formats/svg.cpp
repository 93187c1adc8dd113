// A flame graph as one SVG: self-contained, without a script. Width is bytes, the tag is the lowest row below
// all, callers are below callees; the title of a box is its tooltip. Light or dark as the viewer prefers.
#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/profile.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

constexpr double kWidth = 1200;
constexpr double kMargin = 10;
constexpr size_t kRow = 18;
constexpr size_t kHead = 60;
constexpr double kLetter = 7.3;      // width of one at 12 px, monospaced
constexpr double kNarrowest = 0.4;   // boxes below are left out: no one sees them
constexpr size_t kLeastLetters = 3;  // of a label
constexpr size_t kTooltip = 500;
constexpr size_t kColours = 8;

constexpr const char* kStyle = R"(  <style>
    text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1b1b1b; }
    .head { font-size: 16px; font-weight: bold; }
    .page { fill: #ffffff; }
    rect { stroke: #ffffff; stroke-width: 0.5; }
    .root { fill: #d9d9d9; } .c0 { fill: #f4a582; } .c1 { fill: #f7b894; } .c2 { fill: #fbc99d; }
    .c3 { fill: #fddbae; } .c4 { fill: #f9cf8f; } .c5 { fill: #f3b37a; } .c6 { fill: #ef9f78; }
    .c7 { fill: #f6c5a6; }
    g:hover rect { stroke: #1b1b1b; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f2f2f2; }
      .page { fill: #16181c; }
      rect { stroke: #16181c; }
      .root { fill: #44484f; } .c0 { fill: #8c3b1f; } .c1 { fill: #95471f; } .c2 { fill: #9a5420; }
      .c3 { fill: #8a5a1c; } .c4 { fill: #7c5218; } .c5 { fill: #85431a; } .c6 { fill: #7d331d; }
      .c7 { fill: #8f4d2c; }
      g:hover rect { stroke: #f2f2f2; }
    }
  </style>
)";

class FlameGraph {
 public:
  FlameGraph(std::vector<Stack> stacks, std::ostream& out) : stacks_(std::move(stacks)), out_(out) {
    for (const Stack& stack : stacks_) {
      total_ += stack.bytes;
      depth_ = std::max(depth_, stack.names.size());
    }
  }

  int64_t total() const { return total_; }
  size_t height() const { return kHead + (depth_ + 1) * kRow + static_cast<size_t>(kMargin); }

  void write_boxes() {
    if (total_ == 0) return;
    write_box("everything", "root", 0, total_, 0);
    write_level(0, stacks_.size(), 0, 0);
  }

 private:
  // The stacks first..last share their first `depth` names; they begin `before` bytes from the left.
  void write_level(size_t first, size_t last, size_t depth, int64_t before) {
    while (first < last) {
      if (stacks_[first].names.size() <= depth) {  // ends here: space to its right
        before += stacks_[first++].bytes;
        continue;
      }
      const std::string& name = stacks_[first].names[depth];
      size_t end = first;
      int64_t bytes = 0;
      for (; end < last && stacks_[end].names.size() > depth && stacks_[end].names[depth] == name; ++end)
        bytes += stacks_[end].bytes;
      if (width_of(bytes) >= kNarrowest) {
        write_box(name, colour_of(name), before, bytes, depth + 1);
        write_level(first, end, depth + 1, before);
      }
      before += bytes;
      first = end;
    }
  }

  double width_of(int64_t bytes) const {
    return static_cast<double>(bytes) / static_cast<double>(total_) * (kWidth - 2 * kMargin);
  }

  static std::string colour_of(std::string_view name) {
    uint32_t hash = 2166136261;
    for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619;
    return fmt::format("c{}", hash % kColours);
  }

  void write_box(std::string_view name, std::string_view colour, int64_t before, int64_t bytes, size_t row) {
    const double x = kMargin + width_of(before);
    const double width = width_of(bytes);
    const size_t y = kHead + (depth_ - row) * kRow;
    const double percent = 100 * static_cast<double>(bytes) / static_cast<double>(total_);
    out_ << fmt::format("  <g><title>{}: {} ({:.2f} %)</title>", escape_xml(shorten_middle(name, kTooltip)),
                        human_bytes(bytes), percent);
    out_ << fmt::format("<rect class=\"{}\" x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\" rx=\"2\"/>",
                        colour, x, y, width, kRow - 1);
    const auto letters = static_cast<size_t>(std::max(0.0, (width - 6) / kLetter));
    if (letters >= kLeastLetters) {
      out_ << fmt::format("<text x=\"{:.2f}\" y=\"{}\">{}</text>", x + 3, y + kRow - 5,
                          escape_xml(shorten_front(name, letters)));
    }
    out_ << "</g>\n";
  }

  std::vector<Stack> stacks_;  // sorted by names
  std::ostream& out_;
  int64_t total_ = 0;
  size_t depth_ = 0;
};

}  // namespace

void write_svg(const Report& report, const Moment& moment, std::ostream& out) {
  FlameGraph graph(merged_stacks(report, make_profile(report, moment)), out);
  const auto width = static_cast<size_t>(kWidth);
  const std::string title = shorten_middle(title_label(report), 100);
  out << fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
      "height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n  <title>{2}</title>\n",
      width, graph.height(), escape_xml(title));
  out << kStyle << "  <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
  out << fmt::format("  <text class=\"head\" x=\"{}\" y=\"24\">{}</text>\n", kMargin, escape_xml(title));
  out << fmt::format("  <text x=\"{}\" y=\"46\">{} {}: {}</text>\n", kMargin,
                     moment.from ? "growth of the heap" : "live heap", escape_xml(moment.words),
                     human_bytes(graph.total()));
  graph.write_boxes();
  out << "</svg>\n";
}

}  // namespace leakhunt::reports
