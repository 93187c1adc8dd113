#include "cli/diagnosis.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/retention.h"
#include "reports/formats/units.h"

namespace leakhunt::cli {

namespace {

using reports::Finding;
using reports::Report;
using runner::ExpectedDiagnosis;

constexpr double kTolerance = 0.01;

bool is_near(double value, double expected) {
  return std::abs(value - expected) <= kTolerance * std::abs(expected);
}

const reports::StackFrame* frame_of(const Report& report, const Finding& finding) {
  if (finding.sites.empty()) return nullptr;
  return report.growth.sites[static_cast<size_t>(finding.sites.front())].attribution.frame();
}

std::string file_name(const reports::StackFrame& frame) {
  return frame.file.substr(frame.file.rfind('/') + 1);  // npos + 1 == 0
}

std::string holders(const Report& report, const Finding& finding) {
  if (!finding.retention) return "";
  const reports::Retention& retention = *finding.retention;
  std::string words;
  if (retention.last_holder) words = reports::holder_words(report, retention.last_holder->holder);
  const std::string way = reports::way_words(report, retention);
  if (!way.empty()) words += (words.empty() ? "" : "; ") + way;
  return words;
}

// Notes one part of an expectation.
class Parts {
 public:
  explicit Parts(DiagnosisRow& row) : row_(row) {}

  void text(const char* what, const std::string& expected, const std::string& found, bool part_will_do) {
    if (expected.empty()) return;
    const bool met = part_will_do ? found.find(expected) != std::string::npos : found == expected;
    note(what, expected, found.empty() ? "none" : reports::escape_line(found), met);
  }
  void number(const char* what, std::optional<double> expected, double found) {
    if (!expected) return;
    note(what, fmt::format("{}", *expected), fmt::format("{}", found), is_near(found, *expected));
  }

 private:
  void note(const char* what, const std::string& expected, const std::string& found, bool met) {
    if (met) {
      row_.right.push_back(fmt::format("{} {}", what, expected));
    } else {
      row_.wrong.push_back(fmt::format("{} {} instead of {}", what, found, expected));
    }
  }

  DiagnosisRow& row_;
};

void compare_finding(const Report& report, const ExpectedDiagnosis& expected, const Finding& finding,
                     DiagnosisRow& row) {
  Parts parts(row);
  const reports::StackFrame* frame = frame_of(report, finding);
  parts.text("function", expected.function, frame == nullptr ? "" : frame->function, true);
  parts.text("file", expected.file, frame == nullptr ? "" : file_name(*frame), false);
  parts.text("class", expected.growth_class, std::string(reports::to_string(finding.growth.kind)), false);
  if (expected.period)
    parts.number("period", static_cast<double>(*expected.period), static_cast<double>(finding.growth.period));
  parts.number("bytes per iteration", expected.bytes_per_iteration, finding.growth.bytes_per_step);
  parts.number("blocks per iteration", expected.blocks_per_iteration, finding.growth.blocks_per_step);
  parts.text("held", expected.held, finding.retention ? reports::to_string(finding.retention->mostly) : "",
             false);
  parts.text("holder", expected.holder, holders(report, finding), true);
}

std::optional<size_t> tag_index(const Report& report, const std::string& name) {
  const auto& tags = report.run->tags;
  for (size_t i = 0; i < tags.size() && i < report.growth.tags.size(); ++i) {
    if (tags[i].name == name) return i;
  }
  return std::nullopt;
}

// Of the findings in the tag the one that has the fewest parts wrong.
void compare_findings(const Report& report, const ExpectedDiagnosis& expected, size_t tag,
                      DiagnosisRow& row) {
  std::optional<DiagnosisRow> best;
  for (const Finding& finding : report.findings) {
    if (!finding.tag || static_cast<size_t>(*finding.tag) != tag) continue;
    DiagnosisRow candidate = row;
    compare_finding(report, expected, finding, candidate);
    if (!best || candidate.wrong.size() < best->wrong.size()) best = std::move(candidate);
  }
  if (best) {
    row = std::move(*best);
  } else {
    row.wrong.emplace_back("no finding");
  }
}

void compare_tag(const Report& report, const ExpectedDiagnosis& expected, size_t tag, DiagnosisRow& row) {
  Parts parts(row);
  const reports::TagGrowth& growth = report.growth.tags[tag];
  parts.text("class", expected.growth_class, std::string(reports::to_string(growth.growth.kind)), false);
  if (expected.period)
    parts.number("period", static_cast<double>(*expected.period), static_cast<double>(growth.growth.period));
}

double resident_bytes(const Report& report, size_t tag) {
  int64_t bytes = 0;
  for (const reports::LedgerLine& line : report.ledger.lines) {
    for (const reports::LedgerItem& item : line.items) {
      if (item.tag && static_cast<size_t>(*item.tag) == tag) bytes += item.resident_bytes;
    }
  }
  return static_cast<double>(bytes);
}

std::string largest_tag(const Report& report) {
  const auto& tags = report.growth.tags;
  const auto lower = [](const auto& a, const auto& b) { return a.peak_live_bytes < b.peak_live_bytes; };
  const auto largest = std::max_element(tags.begin(), tags.end(), lower);
  return report.run->tags[static_cast<size_t>(largest - tags.begin())].name;
}

DiagnosisRow compare_one(const Report& report, const ExpectedDiagnosis& expected) {
  DiagnosisRow row{expected.tag, {}, {}};
  const auto tag = tag_index(report, expected.tag);
  if (!tag) {
    row.wrong.emplace_back("no such tag in the run");
    return row;
  }
  if (expected.peak_bytes) {
    Parts(row).number("peak bytes", static_cast<double>(*expected.peak_bytes),
                      static_cast<double>(report.growth.tags[*tag].peak_live_bytes));
  }
  if (expected.resident_bytes)
    Parts(row).number("resident bytes", static_cast<double>(*expected.resident_bytes),
                      resident_bytes(report, *tag));
  if (expected.largest) Parts(row).text("largest tag", expected.tag, largest_tag(report), false);
  if (expected.of_finding()) {
    compare_findings(report, expected, *tag, row);
  } else {
    compare_tag(report, expected, *tag, row);
  }
  return row;
}

}  // namespace

std::vector<DiagnosisRow> compare_diagnoses(const Report& report,
                                            const std::vector<ExpectedDiagnosis>& expected) {
  std::vector<DiagnosisRow> rows;
  for (const ExpectedDiagnosis& each : expected) rows.push_back(compare_one(report, each));
  return rows;
}

std::string wrong_diagnosis(const std::vector<DiagnosisRow>& rows) {
  std::string text;
  for (const DiagnosisRow& row : rows) {
    for (const std::string& wrong : row.wrong)
      text += fmt::format("{}tag {}: {}", text.empty() ? "" : "; ", row.tag, wrong);
  }
  return text;
}

}  // namespace leakhunt::cli
