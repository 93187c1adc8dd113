// GitLab code quality: an array of issues, shown in a merge request.
#include <algorithm>
#include <map>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/json_values.h"
#include "reports/formats/labels.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kDescriptionWidth = 300;

const char* severity_of(CheckState state) {
  switch (state) {
    case CheckState::kFailed:
    case CheckState::kTargetFailed:
      return "critical";
    case CheckState::kInconclusive:
      return "minor";
    case CheckState::kPassed:
    case CheckState::kNotChecked:
      return "info";
  }
  return "info";
}

// GitLab drops an issue without a place, so one without a source line stands at the program.
Json location_json(const Report& report, const StackFrame* frame) {
  std::string path = frame == nullptr ? report.run->process.executable : file_label(*frame);
  path.erase(0, path.find_first_not_of('/'));
  return {{"path", path.empty() ? "unknown" : escape_line(path)},
          {"lines", {{"begin", frame == nullptr ? 1 : std::max<uint32_t>(1, frame->line)}}}};
}

Json issue(const std::string& description, const char* check, const std::string& print, CheckState state,
           Json location) {
  return {{"description", shorten_middle(description, kDescriptionWidth)},
          {"check_name", check},
          {"fingerprint", print},
          {"severity", severity_of(state)},
          {"location", std::move(location)}};
}

}  // namespace

void write_gitlab(const Report& report, std::ostream& out) {
  Json issues = Json::array();
  std::map<std::string, size_t> seen;  // GitLab shows one issue of each fingerprint
  const auto unique = [&](const std::string& print) {
    const size_t number = ++seen[print];
    return number == 1 ? print : fingerprint(fmt::format("{} {}", print, number));
  };
  for (const Finding& finding : report.findings) {
    issues.push_back(issue(finding_name(report, finding) + ": " + finding_figures(report, finding),
                           finding.kind == FindingKind::kLeak ? "leakhunt/leak" : "leakhunt/growth",
                           unique(fingerprint(report, finding)), weight_of(report, finding),
                           location_json(report, shown_frame(report, finding))));
  }
  for (const Check& check : report.judgement.checks) {
    const bool passed = check.state == CheckState::kPassed || check.state == CheckState::kNotChecked;
    if (passed || check.subject == kFindingSubject) continue;
    issues.push_back(issue(check.text, "leakhunt/check",
                           unique(fingerprint(std::string(check.subject) + '\n' + title_label(report))),
                           check.state, location_json(report, nullptr)));
  }
  out << issues.dump(2, ' ', true, Json::error_handler_t::replace) << '\n';
}

}  // namespace leakhunt::reports
