#include "reports/formats/ledger.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kBarWidth = 20;
constexpr size_t kItemsInReport = 4;
constexpr size_t kItemsInLedger = 25;
constexpr double kItemShown = 0.003;     // of what is resident, in the report
constexpr double kPeakIsAnother = 1.02;  // times the end's

double share_of(int64_t part, int64_t whole) {
  return whole <= 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent(double share) {
  if (share == 0) return "0 %";
  return fmt::format("{:.{}f} %", 100 * share, std::abs(share) < 0.0995 ? 1 : 0);
}

// Eighths of a column are told apart.
std::string bar(double share) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths =
      static_cast<size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(8 * kBarWidth)));
  std::string text;
  for (size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + kEighths[eighths % 8];
}

std::string count_text(uint64_t count) {
  return count == 0 ? "" : human_count(static_cast<int64_t>(count));
}

// Of a path the file's name: what lies where is in the format `ledger`.
std::string short_name(const std::string& name, bool whole) {
  const size_t slash = name.rfind('/');
  return escape_line(whole || slash == std::string::npos ? name : name.substr(slash + 1));
}

std::string item_name(const Report& report, const LedgerItem& item, bool whole) {
  if (item.site) {
    const auto index = static_cast<size_t>(*item.site);
    const StackFrame* frame =
        index < report.growth.sites.size() ? report.growth.sites[index].attribution.frame() : nullptr;
    const std::string tag = item.tag ? tag_label(report, *item.tag) + ": " : "";
    if (frame == nullptr) return tag + std::string(kNoStack);
    const std::string source = source_label(*frame);
    return tag + function_label(*frame) + (source.empty() ? "" : " " + source);
  }
  if (item.thread) {
    const std::string name = item.name.empty() ? "" : " " + escape_line(item.name);
    return fmt::format("thread {}{}", *item.thread, name);
  }
  return short_name(item.name, whole);
}

bool is_at_tick(const Report& report) {
  return report.timeline.clock != Clock::kIterations;
}

std::string moment_text(const Report& report, const Ledger& ledger) {
  const recording::Run& run = *report.run;
  const bool is_last = ledger.snapshot + 1 == run.snapshots.size() && run.complete();
  if (is_last && run.snapshots[ledger.snapshot].kind == recording::SnapshotKind::kFinal)
    return run.end == recording::EndKind::kDetached ? "at the end of the recording" : "at exit";
  return fmt::format("after {} {}s", human_count(static_cast<int64_t>(ledger.iteration)),
                     is_at_tick(report) ? "tick" : "iteration");
}

class LedgerTable {
 public:
  LedgerTable(const Report& report, const Ledger& ledger, const Ledger* peak, bool whole)
      : report_(report), ledger_(ledger), peak_(peak), whole_(whole), table_(columns()) {}

  void write(std::ostream& out) {
    for (size_t i = 0; i <= static_cast<size_t>(LedgerPart::kUnexplained); ++i) {
      const auto part = static_cast<LedgerPart>(i);
      const LedgerLine* line = ledger_.line(part);
      const LedgerLine* at_peak = peak_ == nullptr ? nullptr : peak_->line(part);
      if (line == nullptr && at_peak == nullptr) continue;
      static const LedgerLine kNothing;
      add_line(part, line == nullptr ? kNothing : *line, at_peak);
    }
    std::vector<std::string> sum = {"= resident (RSS)", "", "", human_bytes(ledger_.rss_bytes), "100 %", ""};
    if (peak_ != nullptr) sum.insert(sum.begin() + 4, human_bytes(peak_->rss_bytes));
    table_.add(std::move(sum));
    table_.write(out, 2);
  }

 private:
  std::vector<Column> columns() const {
    std::vector<Column> columns = {{"", false, Column::Fit::kMiddle},
                                   {"number", true},
                                   {"reserved", true},
                                   {"resident", true},
                                   {"share", true},
                                   {""}};
    if (peak_ != nullptr) columns.insert(columns.begin() + 4, Column{"at the peak", true});
    return columns;
  }

  void add_row(std::vector<std::string> row, std::string at_peak) {
    if (peak_ != nullptr) row.insert(row.begin() + 4, std::move(at_peak));
    table_.add(std::move(row));
  }

  void add_line(LedgerPart part, const LedgerLine& line, const LedgerLine* at_peak) {
    const double share = share_of(line.resident_bytes, ledger_.rss_bytes);
    std::string title(title_of(part));
    if (part == LedgerPart::kFreePages && ledger_.older_heap) title += ", or older";
    if (part == LedgerPart::kFreePages && heap_is_not_seen())
      title = "heap, not seen: the program's own malloc";
    if (part == LedgerPart::kFreePages && !ledger_.heap_examined) title = "heap that is not known to be live";
    add_row({std::move(title), count_text(line.count), human_bytes(line.reserved_bytes),
             human_bytes(line.resident_bytes), percent(share), bar(share)},
            at_peak == nullptr ? "" : human_bytes(at_peak->resident_bytes));
    const bool says_the_same = line.items.size() == 1 && line.items.front().name.empty();
    if (!says_the_same) add_items(line.items);
    if (whole_) add_items(line.sites);
    if (!whole_ && part == LedgerPart::kMappings && line.items.size() <= 1) add_items(line.sites);
  }

  bool heap_is_not_seen() const {
    const auto& notes = report_.run->step_asides;
    return std::any_of(notes.begin(), notes.end(), [](const recording::StepAsideNote& note) {
      return note.kind == recording::StepAsideKind::kMappingsOnly;
    });
  }

  void add_items(const std::vector<LedgerItem>& items) {
    const size_t most = whole_ ? kItemsInLedger : kItemsInReport;
    size_t shown = 0;
    for (; shown < items.size() && shown < most; ++shown) {
      const LedgerItem& item = items[shown];
      const double share = share_of(item.resident_bytes, ledger_.rss_bytes);
      if (!whole_ && share < kItemShown && share_of(item.reserved_bytes, ledger_.rss_bytes) < kItemShown)
        break;
      add_row({"  " + item_name(report_, item, whole_), count_text(item.count),
               human_bytes(item.reserved_bytes), human_bytes(item.resident_bytes), percent(share), ""},
              "");
    }
    if (shown == 0 || shown == items.size()) return;
    LedgerItem rest;
    for (size_t i = shown; i < items.size(); ++i) {
      rest.count += items[i].count;
      rest.reserved_bytes += items[i].reserved_bytes;
      rest.resident_bytes += items[i].resident_bytes;
    }
    add_row({fmt::format("  … and {} more", items.size() - shown), count_text(rest.count),
             human_bytes(rest.reserved_bytes), human_bytes(rest.resident_bytes),
             percent(share_of(rest.resident_bytes, ledger_.rss_bytes)), ""},
            "");
  }

  const Report& report_;
  const Ledger& ledger_;
  const Ledger* peak_;
  bool whole_;
  TextTable table_;
};

void write_regions(const Ledger& ledger, std::ostream& out) {
  if (ledger.heap_regions.empty()) return;
  std::string text;
  for (const LedgerItem& region : ledger.heap_regions) {
    text += fmt::format("{}{} {} of {} resident", text.empty() ? "" : "; ", region.name,
                        human_bytes(region.resident_bytes), human_bytes(region.reserved_bytes));
  }
  write_wrapped(out, "  the heap lies in: ", text);
}

}  // namespace

std::string ledger_figure(const Report& report) {
  const Ledger& ledger = report.ledger;
  if (ledger.measured) {
    return fmt::format("{} {}, of which {} ({}) are unexplained; the ledger is below",
                       human_bytes(ledger.rss_bytes), moment_text(report, ledger),
                       human_bytes(ledger.unexplained_bytes),
                       percent(share_of(ledger.unexplained_bytes, ledger.rss_bytes)));
  }
  std::string text = fmt::format("{} RSS at the end: heap {}, mappings {}, files {}, tracker {}",
                                 human_bytes(ledger.rss_bytes), human_bytes(ledger.heap_bytes),
                                 human_bytes(ledger.mapping_bytes), human_bytes(ledger.shared_bytes),
                                 human_bytes(ledger.tracker_bytes));
  text +=
      ledger.unexplained_bytes >= 0
          ? fmt::format(", unexplained {}", human_bytes(ledger.unexplained_bytes))
          : fmt::format("; at least {} of them were never touched", human_bytes(-ledger.unexplained_bytes));
  return ledger.obstacle.empty() ? text : text + "; no ledger: " + escape_line(ledger.obstacle);
}

void write_ledger_section(const Report& report, std::ostream& out) {
  const Ledger& end = report.ledger;
  if (!end.measured) return;
  const Ledger& peak = report.peak_ledger;
  const bool shows_peak = peak.measured && static_cast<double>(peak.rss_bytes) >
                                               kPeakIsAnother * static_cast<double>(end.rss_bytes);
  write_heading(out, shows_peak ? fmt::format("Resident memory {}, and at the peak {}",
                                              moment_text(report, end), moment_text(report, peak))
                                : "Resident memory " + moment_text(report, end));
  LedgerTable(report, end, shows_peak ? &peak : nullptr, false).write(out);
}

void write_ledger(const Report& report, const Moment& moment, std::ostream& out) {
  const bool is_peak = moment.words == "at the peak";
  const Ledger ledger = is_peak ? report.peak_ledger : ledger_at(*report.run, report.growth, moment.snapshot);
  if (!ledger.measured) {
    out << "no ledger was measured" << (ledger.obstacle.empty() ? "" : ": " + escape_line(ledger.obstacle))
        << "\n";
    return;
  }
  out << fmt::format("Resident memory of {} {}\n\n", title_label(report), moment_text(report, ledger));
  LedgerTable(report, ledger, nullptr, true).write(out);
  out << '\n';
  write_regions(ledger, out);
  const LedgerCost all = cost_of_ledgers(*report.run);
  write_wrapped(
      out, "  ",
      fmt::format("the kernel's own count then: {}; this ledger took {:.2f} ms, the {} of the run {:.1f} ms "
                  "of processor time together, {:.2g} % of it",
                  human_bytes(ledger.counter_rss_bytes), static_cast<double>(ledger.cost_ns) * 1e-6,
                  all.taken, static_cast<double>(all.cost_ns) * 1e-6, all.share_of_run * 100));
}

}  // namespace leakhunt::reports
