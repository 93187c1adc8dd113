// A crosscheck for a person: who ran, one table of figures, and the call sites on which the tools differ.
#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "reports/crosscheck.h"
#include "reports/formats/escape.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kAgreeingShown = 8;
constexpr size_t kDisagreeingShown = 20;

std::string conclusion(const Crosscheck& check) {
  std::string ran;
  for (const Opinion& opinion : check.opinions) {
    if (opinion.ran()) ran += (ran.empty() ? "" : ", ") + opinion.tool;
  }
  if (!check.enough())
    return fmt::format("{}: too few tools ran to compare anything{}", escape_line(check.name),
                       ran.empty() ? "" : " (only " + ran + ")");
  const size_t wrong = check.disagreements();
  if (wrong == 0) return fmt::format("{}: {} agree on everything", escape_line(check.name), ran);
  return fmt::format("{}: {} disagree on {} {}", escape_line(check.name), ran, wrong,
                     wrong == 1 ? "figure" : "figures");
}

std::string value_text(const std::string& figure, int64_t value) {
  return figure == "allocations" ? human_count(value) : human_bytes(value);
}

std::vector<Column> tool_columns(const Crosscheck& check, const std::string& first) {
  std::vector<Column> columns = {{first, false, Column::Fit::kMiddle}};
  for (const Opinion& opinion : check.opinions) columns.push_back({opinion.tool, true});
  columns.push_back({""});
  return columns;
}

std::vector<std::string> cells_of(const Crosscheck& check, const Agreement& agreement) {
  std::vector<std::string> cells = {agreement.figure};
  for (const Opinion& opinion : check.opinions) {
    const auto found = std::find_if(agreement.opinions.begin(), agreement.opinions.end(),
                                    [&](const auto& each) { return each.first == opinion.tool; });
    cells.push_back(found == agreement.opinions.end() ? "-" : value_text(agreement.figure, found->second));
  }
  cells.emplace_back(agreement.opinions.size() < 2 ? "" : agreement.agrees ? "✓" : "✗ differ");
  return cells;
}

void write_figures(const Crosscheck& check, std::ostream& out) {
  write_heading(out, "Totals");
  TextTable table(tool_columns(check, ""));
  for (const Agreement& figure : check.figures) table.add(cells_of(check, figure));
  std::vector<std::string> times = {"time"};
  for (const Opinion& opinion : check.opinions)
    times.push_back(opinion.ran() ? human_duration(opinion.seconds) : "not run");
  times.emplace_back("");
  table.add(std::move(times));
  table.write(out, 2);
}

void write_places(const Crosscheck& check, const char* heading, const std::vector<Agreement>& places,
                  std::ostream& out) {
  if (places.empty()) return;
  const auto agreeing = static_cast<size_t>(
      std::count_if(places.begin(), places.end(), [](const Agreement& each) { return each.agrees; }));
  write_heading(out, fmt::format("{}: {} of {} functions agree", heading, agreeing, places.size()));
  TextTable table(tool_columns(check, "function"));
  size_t shown[2] = {0, 0};
  for (const Agreement& place : places) {
    if (shown[place.agrees ? 1 : 0]++ < (place.agrees ? kAgreeingShown : kDisagreeingShown))
      table.add(cells_of(check, place));
  }
  table.write(out, 2);
  if (agreeing > kAgreeingShown)
    out << fmt::format("  … and {} more that agree\n", agreeing - kAgreeingShown);
  const size_t differing = places.size() - agreeing;
  if (differing > kDisagreeingShown)
    out << fmt::format("  … and {} more that differ\n", differing - kDisagreeingShown);
}

}  // namespace

void write_crosscheck_text(const Crosscheck& check, std::ostream& out) {
  write_wrapped(out, "CROSSCHECK  ", conclusion(check));
  out << '\n';
  for (const Opinion& opinion : check.opinions) {
    if (!opinion.ran())
      write_wrapped(out, "  ? ",
                    fmt::format("{} was not run: {}", opinion.tool, escape_line(opinion.why_not)));
  }
  for (const std::string& note : check.notes) write_wrapped(out, "  · ", note);
  write_wrapped(
      out, "  · ",
      fmt::format("figures agree within {:g} % or {} calls, {:g} % or {}; functions within {:g} % or {}",
                  100 * kCallTolerance.share, kCallTolerance.fixed, 100 * kByteTolerance.share,
                  human_bytes(kByteTolerance.fixed), 100 * kPlaceTolerance.share,
                  human_bytes(kPlaceTolerance.fixed)));
  write_wrapped(
      out, "  · ",
      "not counted: the 72,704 B that libstdc++ sets aside for exceptions; functions without a name");
  write_figures(check, out);
  write_places(check, "Live at the peak", check.peak_places, out);
  write_places(check, "Live at exit", check.exit_places, out);
}

}  // namespace leakhunt::reports
