// Markdown: what a person reads in a pull request, and what goes into $GITHUB_STEP_SUMMARY.
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
#include "reports/formats/words.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kFindings = 10;
constexpr size_t kFrames = 12;
constexpr size_t kTags = 20;
constexpr size_t kNameWidth = 160;

// Text in which nothing is markup. Entities, because a backslash is no escape inside of <summary>.
std::string plain(std::string_view text) {
  std::string result;
  for (const char c : shorten_middle(text, kNameWidth)) {
    const bool special = std::string_view("&<>\\`*_[]#|~@:").find(c) != std::string_view::npos;
    result += special ? fmt::format("&#{};", static_cast<int>(c)) : std::string(1, c);
  }
  return result;
}

// Not in backticks: a | or a backtick in a name would end the cell or the code.
std::string code(std::string_view text) {
  return "<code>" + plain(text) + "</code>";
}

const char* sign_of(CheckState state) {
  switch (state) {
    case CheckState::kFailed:
    case CheckState::kTargetFailed:
      return "❌";
    case CheckState::kInconclusive:
      return "❓";
    case CheckState::kPassed:
      return "✅";
    case CheckState::kNotChecked:
      return "➖";
  }
  return "";
}

void write_finding(const Report& report, const Finding& finding, std::ostream& out) {
  out << "\n<details><summary>" << plain(finding_name(report, finding)) << "</summary>\n\n"
      << plain(finding_figures(report, finding)) << ", "
      << fmt::format("{:.0f} % of the growth.\n", finding.share * 100);
  if (!finding.sites.empty()) {
    const FrameSpan frames = stack_of(report, finding.sites.front());
    out << "\n| frame | source |\n|---|---|\n";
    for (size_t i = 0; i < std::min(frames.size(), kFrames); ++i) {
      const std::string source = source_label(frames[i]);
      out << "| " << code(function_label(frames[i])) << " | " << (source.empty() ? "" : code(source))
          << " |\n";
    }
    if (frames.size() > kFrames) out << fmt::format("\n… {} more frames\n", frames.size() - kFrames);
  }
  out << "\n</details>\n";
}

void write_tags(const Report& report, std::ostream& out) {
  std::vector<size_t> order;
  for (size_t i = 0; i < report.growth.tags.size(); ++i) {
    if (report.growth.tags[i].peak_live_bytes > 0) order.push_back(i);
  }
  if (order.empty()) return;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return report.growth.tags[a].peak_live_bytes > report.growth.tags[b].peak_live_bytes;
  });
  out << fmt::format(
      "\n### Tags\n\n| tag | peak live | live at end | blocks | growth per {} | trend |\n"
      "|---|--:|--:|--:|--:|---|\n",
      step_label(report));
  for (size_t i = 0; i < std::min(order.size(), kTags); ++i) {
    const TagGrowth& tag = report.growth.tags[order[i]];
    out << fmt::format("| {}{} | {} | {} | {} | {} | {} |\n",
                       code(tag_label(report, static_cast<recording::TagId>(order[i]))),
                       tag.nested ? " (nested)" : "", human_bytes(tag.peak_live_bytes),
                       human_bytes(tag.end.bytes), human_count(tag.end.blocks),
                       human_slope(tag.growth.bytes_per_step), to_string(tag.growth.kind));
  }
  if (order.size() > kTags) out << fmt::format("\n… {} more tags\n", order.size() - kTags);
}

}  // namespace

void write_markdown(const Report& report, std::ostream& out) {
  out << "## " << headline(report.verdict()) << ": " << plain(title_label(report)) << "\n\n";
  for (const Check& check : report.judgement.checks)
    out << "- " << sign_of(check.state) << ' ' << plain(check.text) << '\n';
  const size_t shown = std::min(report.findings.size(), kFindings);
  if (shown > 0) out << "\n### Findings\n";
  for (size_t i = 0; i < shown; ++i) write_finding(report, report.findings[i], out);
  if (shown < report.findings.size())
    out << fmt::format("\n… {} more findings\n", report.findings.size() - shown);
  write_tags(report, out);
}

}  // namespace leakhunt::reports
