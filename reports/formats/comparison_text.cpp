// report.txt of several runs: the verdict of the whole, why, one row a run, and a sentence of conclusion.
#include <algorithm>
#include <cctype>
#include <ostream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"
#include "reports/formats/words.h"
#include "reports/ledger_comparison.h"

namespace leakhunt::reports {

namespace {

std::string runs_text(size_t count) {
  return fmt::format("{} {}", count, count == 1 ? "run" : "runs");
}

std::string title_of(const Comparison& comparison) {
  const std::string name = escape_line(comparison.name);
  return comparison.sums_up ? fmt::format("{}: {} in chunks", name, runs_text(comparison.planned))
                            : fmt::format("{}: {} over {}", name, runs_text(comparison.planned),
                                          escape_line(comparison.axis));
}

// What decided, for each run that did not pass; those that passed are one line together.
void write_reasons(const Comparison& comparison, std::ostream& out) {
  size_t passed = 0;
  for (const ComparedRun& run : comparison.runs) {
    if (run.verdict == Verdict::kPass) ++passed;
    if (run.verdict == Verdict::kPass || run.reasons.empty()) continue;
    const Check& reason = run.reasons.front();
    write_wrapped(out, mark_of(reason.state),
                  fmt::format("{} {}: {}", escape_line(comparison.axis), escape_line(run.variation.label),
                              reason.text));
  }
  for (const Check& check : comparison.checks) write_wrapped(out, mark_of(check.state), check.text);
  if (!comparison.stopped_for.empty()) {
    write_wrapped(out, mark_of(CheckState::kInconclusive),
                  fmt::format("{}; {} of {} were begun", escape_line(comparison.stopped_for),
                              comparison.runs.size(), runs_text(comparison.planned)));
  }
  if (passed > 0) {
    const bool all = passed == comparison.planned;
    write_wrapped(out, mark_of(CheckState::kPassed),
                  all ? fmt::format("all {} passed", runs_text(passed))
                      : fmt::format("{} of {} passed", passed, runs_text(comparison.planned)));
  }
}

std::vector<std::string> row_of(const ComparedRun& run) {
  std::string verdict = headline(run.verdict);
  std::transform(verdict.begin(), verdict.end(), verdict.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {escape_line(run.variation.label),
          run.iterations == 0 ? "-" : human_count(static_cast<int64_t>(run.iterations)),
          run.per_second ? human_rate(*run.per_second) : "-",
          human_bytes(static_cast<int64_t>(run.peak_rss_bytes)),
          run.growth ? human_slope(*run.growth) : "-",
          human_bytes(run.live_bytes_end),
          verdict};
}

void write_rows(const Comparison& comparison, std::ostream& out) {
  const auto is_number = [](const ComparedRun& run) {
    return !std::holds_alternative<std::string>(run.variation.value);
  };
  const bool numbers = std::all_of(comparison.runs.begin(), comparison.runs.end(), is_number);
  // Of a sweep over iterations the first column says how many there should be.
  const char* iterations = comparison.axis == "iterations" ? "completed" : "iterations";
  TextTable table({{escape_line(comparison.axis), numbers, Column::Fit::kMiddle},
                   {iterations, true},
                   {"it/s", true},
                   {"peak RSS", true},
                   {"growth/iteration", true},
                   {"live at end", true},
                   {"verdict"}});
  for (const ComparedRun& run : comparison.runs) table.add(row_of(run));
  if (comparison.sums_up && comparison.runs.size() > 1) table.add(row_of(total_of(comparison)));
  write_heading(out, "Runs");
  table.write(out, 2);
}

constexpr size_t kChangesShown = 3;

std::string place_of(const LedgerChange& change) {
  if (change.tag.empty()) return std::string(title_of(change.part));
  return (change.part == LedgerPart::kTaggedBlocks ? "tag " : "mapped, tag ") + escape_line(change.tag);
}

// What each defect reserves, what of that is resident, and what the run without it does with less.
void write_occupancy(const Comparison& comparison, std::ostream& out) {
  const ComparedRun* healthy = healthy_run(comparison);
  if (healthy == nullptr || !healthy->ledger.measured) return;
  TextTable table({{"defect", false, Column::Fit::kMiddle},
                   {"where", false, Column::Fit::kMiddle},
                   {"reserves", true},
                   {"healthy", true},
                   {"occupies", true},
                   {"healthy", true},
                   {"mending saves", true}});
  for (const ComparedRun& run : comparison.runs) {
    if (&run == healthy || !run.ledger.measured) continue;
    const std::vector<LedgerChange> changes = compare_ledgers(healthy->ledger, run.ledger);
    std::string label = escape_line(run.variation.label);
    for (size_t i = 0; i < std::min(changes.size(), kChangesShown); ++i) {
      const LedgerChange& change = changes[i];
      table.add({std::exchange(label, ""), place_of(change), human_bytes(change.reserved_bytes),
                 human_bytes(change.base_reserved_bytes), human_bytes(change.resident_bytes),
                 human_bytes(change.base_resident_bytes), human_bytes(change.resident_difference())});
    }
    table.add({std::exchange(label, ""), "= resident (RSS)", "", "", human_bytes(run.ledger.rss_bytes),
               human_bytes(healthy->ledger.rss_bytes),
               human_bytes(run.ledger.rss_bytes - healthy->ledger.rss_bytes)});
  }
  if (table.empty()) return;
  write_heading(out, "What each defect reserves and occupies, at the peak");
  table.write(out, 2);
}

}  // namespace

void write_comparison_text(const Comparison& comparison, std::ostream& out) {
  const std::string word = headline(verdict_of(comparison));
  out << word << "  " << shorten_middle(title_of(comparison), kTextWidth - word.size() - 2) << "\n\n";
  write_reasons(comparison, out);
  if (comparison.runs.empty()) return;
  write_rows(comparison, out);
  write_occupancy(comparison, out);
  out << '\n';
  write_wrapped(out, "  ", conclusion_of(comparison));
}

}  // namespace leakhunt::reports
