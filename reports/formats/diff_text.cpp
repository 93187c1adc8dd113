// A difference for a person: what came of it in a sentence, the totals, then tags and call sites, those first
// that matter most, and the stacks of the first few.
#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/diff_formats.h"
#include "reports/formats/diff_places.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::SiteKind;

constexpr size_t kPlacesShown = 30;
constexpr size_t kStacksShown = 5;
constexpr size_t kFramesShown = 12;

std::string signed_bytes(int64_t bytes) {
  return human_slope(static_cast<double>(bytes));
}

std::string signed_count(int64_t count) {
  return (count > 0 ? "+" : "") + human_count(count);
}

// --- the first lines -----------------------------------------------------------------------------

void write_beginning(const Diff& diff, const std::vector<ChangedPlace>& places, std::ostream& out) {
  write_wrapped(out, "DIFFERENCE  ", conclusion(diff));
  if (const std::string why = cause(diff, places); !why.empty()) write_wrapped(out, "            ", why);
  out << '\n';
  const auto words = [](const DiffSide& side) {
    return fmt::format("{}; {}", side_label(side), to_string(side.report->verdict()));
  };
  write_wrapped(out, "  before  ", words(diff.before));
  write_wrapped(out, "  after   ", words(diff.after));
  for (const std::string& note : diff.notes) write_wrapped(out, "  · ", note);
}

// --- totals --------------------------------------------------------------------------------------

void write_totals(const Diff& diff, std::ostream& out) {
  write_heading(out, "Totals");
  TextTable table({{"heap"}, {"before", true}, {"after", true}, {"difference", true}});
  const auto bytes = [&](const std::string& name, int64_t was, int64_t is) {
    table.add({name, human_bytes(was), human_bytes(is), signed_bytes(is - was)});
  };
  const auto count = [&](const std::string& name, int64_t was, int64_t is) {
    table.add({name, human_count(was), human_count(is), signed_count(is - was)});
  };
  const TagDiff& heap = heap_of(diff);
  bytes("live", heap.was.live_bytes, heap.is.live_bytes);
  count("live blocks", heap.was.live_blocks, heap.is.live_blocks);
  bytes("live at the peak", heap.was.peak_bytes, heap.is.peak_bytes);
  count("allocations", heap.was.allocations, heap.is.allocations);
  bytes("allocated", heap.was.allocated_bytes, heap.is.allocated_bytes);
  if (!diff.growth_unit.empty()) {
    table.add({fmt::format("growth per {}", diff.growth_unit), human_slope(heap.was.growth),
               human_slope(heap.is.growth), human_slope(heap.difference().growth)});
  }
  const TagDiff& mappings = mappings_of(diff);
  if (!(mappings.was == Figures{} && mappings.is == Figures{}))
    bytes("mapped", mappings.was.live_bytes, mappings.is.live_bytes);
  const Report& before = *diff.before.report;
  const Report& after = *diff.after.report;
  if (!diff.one_run && before.peak_rss_bytes > 0 && after.peak_rss_bytes > 0) {
    bytes("peak RSS", static_cast<int64_t>(before.peak_rss_bytes),
          static_cast<int64_t>(after.peak_rss_bytes));
  }
  table.write(out, 2);
}

// --- tags and call sites -------------------------------------------------------------------------

// The columns that rows of tags and of call sites have in common.
std::vector<Column> figure_columns(const Diff& diff) {
  std::vector<Column> columns = {{"change"}, {"live", true}, {"at peak", true}};
  if (!diff.growth_unit.empty())
    columns.push_back({diff.growth_unit == "iteration" ? "per it" : "per tick", true});
  columns.push_back({"allocations", true});
  return columns;
}

std::vector<std::string> figure_cells(const Diff& diff, Change change, const Figures& difference) {
  std::vector<std::string> cells = {std::string(to_string(change)), signed_bytes(difference.live_bytes),
                                    signed_bytes(difference.peak_bytes)};
  if (!diff.growth_unit.empty()) cells.push_back(human_slope(difference.growth));
  cells.push_back(signed_count(difference.allocations));
  return cells;
}

// What is inside of counted memory, or address space, is part of no total of the heap.
std::string marked_name(const std::string& tag, SiteKind kind) {
  return escape_line(tag) + (kind == SiteKind::kNested    ? " *"
                             : kind == SiteKind::kMapping ? " (mapped)"
                                                          : "");
}

void write_tags(const Diff& diff, std::ostream& out) {
  std::vector<Column> columns = {{"tag", false, Column::Fit::kMiddle}, {"before", true}, {"after", true}};
  const std::vector<Column> figures = figure_columns(diff);
  columns.insert(columns.end(), figures.begin(), figures.end());
  TextTable table(columns);
  bool nested = false;
  for (const TagDiff& tag : diff.tags) {
    if (tag.change == Change::kNone) continue;
    std::vector<std::string> row = {marked_name(tag.tag, tag.kind), human_bytes(tag.was.live_bytes),
                                    human_bytes(tag.is.live_bytes)};
    for (std::string& cell : figure_cells(diff, tag.change, tag.difference())) row.push_back(std::move(cell));
    table.add(std::move(row));
    nested = nested || tag.kind == SiteKind::kNested;
  }
  if (table.empty()) return;
  write_heading(out, "Tags that differ");
  table.write(out, 2);
  if (nested) out << "  * inside memory that is counted above: part of no total\n";
}

void write_places(const Diff& diff, const std::vector<ChangedPlace>& places, std::ostream& out) {
  std::vector<Column> columns = figure_columns(diff);
  columns.push_back({"stacks", true});
  columns.push_back({"tag", false, Column::Fit::kMiddle});
  columns.push_back({"function", false, Column::Fit::kFront});
  columns.push_back({"source", false, Column::Fit::kFront});
  TextTable table(columns);
  for (size_t i = 0; i < std::min(places.size(), kPlacesShown); ++i) {
    const ChangedPlace& place = places[i];
    const SiteIdentity& site = diff.identity(place.first());
    std::vector<std::string> cells = figure_cells(diff, place.first().change, place.difference());
    cells.push_back(human_count(static_cast<int64_t>(place.rows.size())));
    cells.push_back(marked_name(site.tag, site.kind));
    cells.push_back((place.alike ? "alike: " : "") + place.function);
    cells.push_back(place.source);
    table.add(std::move(cells));
  }
  write_heading(out, "Call sites that differ");
  table.write(out, 2);
  if (places.size() > kPlacesShown)
    out << fmt::format("  … and {} places with smaller differences: --format json lists them\n",
                       human_count(static_cast<int64_t>(places.size() - kPlacesShown)));
}

std::string change_sentence(const Diff& diff, const ChangedPlace& place) {
  const Figures difference = place.difference();
  const Change change = place.first().change;
  std::string text = fmt::format("{} by {} ({} blocks), from {} to {}", to_string(change),
                                 signed_bytes(difference.live_bytes), signed_count(difference.live_blocks),
                                 human_bytes(place.was.live_bytes), human_bytes(place.is.live_bytes));
  if (change == Change::kElse) {
    text = fmt::format("{} live before and after; allocations {}, live at the peak {}",
                       human_bytes(place.is.live_bytes), signed_count(difference.allocations),
                       signed_bytes(difference.peak_bytes));
  } else if (change == Change::kAppeared || change == Change::kVanished) {
    const Figures& only = change == Change::kAppeared ? place.is : place.was;
    text = fmt::format("{} with {} live in {} blocks, {} allocations", to_string(change),
                       human_bytes(only.live_bytes), human_count(only.live_blocks),
                       human_count(only.allocations));
  }
  if (!diff.growth_unit.empty() && difference.growth != 0) {
    text += fmt::format("; growth per {} was {} and is {}", diff.growth_unit, human_slope(place.was.growth),
                        human_slope(place.is.growth));
  }
  if (place.rows.size() > 1)
    text += fmt::format("; through {} stacks, the one that matters most", place.rows.size());
  return text + ":";
}

void write_stack(const Diff& diff, size_t number, const ChangedPlace& place, std::ostream& out) {
  const SiteIdentity& site = diff.identity(place.first());
  write_wrapped(
      out, fmt::format("  {}. ", number),
      fmt::format("{} in tag {} {}", place.function, escape_line(site.tag), change_sentence(diff, place)));
  TextTable frames({{"", false, Column::Fit::kFront}, {"", false, Column::Fit::kFront}});
  const size_t shown = std::min(site.frames.size(), kFramesShown);
  for (const StackFrame& frame : site.frames.first(shown)) {
    frames.add({shorten_templates(function_label(frame), 60) + (frame.inlined ? " (inlined)" : ""),
                source_label(frame)});
  }
  if (shown < site.frames.size())
    frames.add({fmt::format("… {} more frames", site.frames.size() - shown), ""});
  if (!frames.empty()) frames.write(out, 5);
}

}  // namespace

void write_diff_text(const Diff& diff, std::ostream& out) {
  const std::vector<ChangedPlace> places = places_that_differ(diff);
  write_beginning(diff, places, out);
  write_totals(diff, out);
  write_tags(diff, out);
  if (places.empty()) return;
  write_places(diff, places, out);
  write_heading(out, "The stacks of the first");
  for (size_t i = 0; i < std::min(places.size(), kStacksShown); ++i) {
    if (i > 0) out << '\n';
    write_stack(diff, i + 1, places[i], out);
  }
}

}  // namespace leakhunt::reports
