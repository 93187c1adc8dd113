#include "reports/formats/diff_formats.h"

#include <fmt/format.h>

#include "reports/formats/built_page.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"

namespace leakhunt::reports {

namespace {

constexpr DiffFormat kFormats[] = {
    {"text", "txt", "a person", false, write_diff_text},
    {"json", "json", "scripts; docs/diff.schema.json", false, write_diff_json},
    {"pprof", "pb.gz", "pprof, speedscope: gains, and losses below 0", true, write_diff_pprof},
    {"html", "html", "any browser: the difference to look at", false, write_diff_html, why_no_page},
};

}  // namespace

std::span<const DiffFormat> all_diff_formats() {
  return kFormats;
}

std::string side_label(const DiffSide& side) {
  const std::string name = escape_line(side.name);
  const std::string title = title_label(*side.report);
  return fmt::format("{}, {}", name.empty() || name == title ? title : name + ": " + title, side.moment);
}

const StackFrame* answering_frame(const SiteIdentity& site) {
  return site.frames.empty() ? nullptr : &site.frames.front();
}

std::string place_label(const Diff& diff, const SiteDiff& row) {
  const StackFrame* now = answering_frame(diff.identity(row));
  if (now == nullptr) return {};
  const StackFrame* was = row.before ? answering_frame(diff.before_sites[*row.before]) : nullptr;
  std::string label = source_label(*now);
  const bool moved = was != nullptr && !now->file.empty() && was->line != now->line && was->line != 0;
  return moved ? label + fmt::format(" (was :{})", was->line) : label;
}

}  // namespace leakhunt::reports
