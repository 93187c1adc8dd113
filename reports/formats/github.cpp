// GitHub annotations: workflow commands on stdout of a step, "::error file=a.cpp,line=3,title=t::text".
#include <algorithm>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/labels.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kWidth = 300;
constexpr size_t kMostFindings = 10;  // GitHub shows ten of a kind and step

const char* command_of(CheckState state) {
  switch (state) {
    case CheckState::kFailed:
    case CheckState::kTargetFailed:
      return "error";
    case CheckState::kInconclusive:
      return "warning";
    case CheckState::kPassed:
    case CheckState::kNotChecked:
      return "notice";
  }
  return "notice";
}

std::string encoded(std::string_view text, std::string_view specials) {
  std::string result;
  for (const char c : shorten_middle(text, kWidth)) {
    const bool special = specials.find(c) != std::string_view::npos;
    result += special ? fmt::format("%{:02X}", static_cast<uint8_t>(c)) : std::string(1, c);
  }
  return result;
}

std::string property(std::string_view text) {
  return encoded(text, "%\r\n:,");
}

std::string annotation(std::string_view text) {
  return encoded(text, "%\r\n");
}

}  // namespace

void write_github(const Report& report, std::ostream& out) {
  const std::string title = "leakhunt " + title_label(report);
  for (size_t i = 0; i < std::min(report.findings.size(), kMostFindings); ++i) {
    const Finding& finding = report.findings[i];
    const StackFrame* frame = shown_frame(report, finding);
    const std::string place =
        frame == nullptr ? "" : fmt::format("file={},line={},", property(file_label(*frame)), frame->line);
    out << fmt::format(
        "::{} {}title={}::{}\n", command_of(weight_of(report, finding)), place, property(title),
        annotation(finding_name(report, finding)) + ": " + annotation(finding_figures(report, finding)));
  }
  for (const Check& check : report.judgement.checks) {
    const bool passed = check.state == CheckState::kPassed || check.state == CheckState::kNotChecked;
    if (passed || check.subject == kFindingSubject) continue;
    out << fmt::format("::{} title={}::{}\n", command_of(check.state), property(title),
                       annotation(check.text));
  }
}

}  // namespace leakhunt::reports
