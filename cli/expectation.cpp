#include "cli/expectation.h"

#include <fmt/format.h>

#include "reports/formats/escape.h"

namespace leakhunt::cli {

namespace {

std::string tag_of(const reports::Report& report, const reports::Finding& finding) {
  return finding.tag ? report.run->tags[static_cast<size_t>(*finding.tag)].name : std::string();
}

// The functions of the finding's stacks, from which a scenario names one.
bool passes_through(const reports::Report& report, const reports::Finding& finding,
                    const std::string& function) {
  for (const recording::SiteId site : finding.sites) {
    for (const auto& frame : report.growth.sites[static_cast<size_t>(site)].attribution.frames) {
      if (frame.function.find(function) != std::string::npos) return true;
    }
  }
  return false;
}

std::string first_finding(const reports::Report& report) {
  if (report.findings.empty()) return "there is no finding";
  const std::string tag = tag_of(report, report.findings.front());
  return tag.empty() ? "the first finding has no tag"
                     : fmt::format("the first finding is in tag {}", reports::escape_line(tag));
}

bool gives_reason(const std::vector<reports::Check>& checks, const std::string& wanted) {
  for (const reports::Check& check : checks) {
    if (check.state == reports::CheckState::kFailed && check.text.find(wanted) != std::string::npos)
      return true;
  }
  return false;
}

// " in tag tape.node through Tape::record"; empty: any will do.
std::string wanted_text(const runner::ExpectedFinding& finding) {
  std::string wanted;
  if (!finding.tag.empty()) wanted += fmt::format(" in tag {}", finding.tag);
  if (!finding.function.empty()) wanted += fmt::format(" through {}", finding.function);
  return wanted;
}

}  // namespace

std::string missed_diagnosis(const std::vector<DiagnosisRow>& rows) {
  const std::string wrong = wrong_diagnosis(rows);
  return wrong.empty() ? wrong : "the diagnosis is wrong: " + wrong;
}

std::string missed_reason(const std::vector<reports::Check>& checks, const runner::Schedule& schedule,
                          const std::string& where) {
  if (schedule.expected_reason.empty() || gives_reason(checks, schedule.expected_reason)) return {};
  return fmt::format("the scenario expects the reason \"{}\"; {}no reason of the failure says so",
                     schedule.expected_reason, where);
}

std::string missed_finding(const reports::Report& report, const runner::Schedule& schedule,
                           const std::string& where) {
  const runner::ExpectedFinding& expected = schedule.expected_finding;
  if (std::string missed = missed_reason(report.judgement.checks, schedule, where); !missed.empty())
    return missed;
  const std::string wanted = wanted_text(expected);
  const bool found =
      wanted.empty() ||
      (!report.findings.empty() &&
       (expected.tag.empty() || tag_of(report, report.findings.front()) == expected.tag) &&
       (expected.function.empty() || passes_through(report, report.findings.front(), expected.function)));
  if (!found)
    return fmt::format("the scenario expects a finding{}; {}{}", wanted, where, first_finding(report));
  if (schedule.kind != runner::ScenarioKind::kSingle) return {};  // the last of several is diagnosed
  return missed_diagnosis(compare_diagnoses(report, schedule.diagnoses));
}

std::string unmet_expectation(reports::Verdict verdict, const runner::Schedule& schedule,
                              const std::string& missed) {
  const std::string& expected = schedule.expected_verdict;
  const std::string_view is = reports::to_string(verdict);
  if (expected.empty()) return {};
  return is == expected ? missed : fmt::format("the scenario expects {}, the verdict is {}", expected, is);
}

std::string compare_with_expectation(reports::Verdict verdict, const runner::Schedule& schedule,
                                     const std::string& missed) {
  const std::string& expected = schedule.expected_verdict;
  if (expected.empty()) return {};
  const std::string unmet = unmet_expectation(verdict, schedule, missed);
  if (!unmet.empty()) return fmt::format("not as expected: {}\n", unmet);
  if (!schedule.expected_reason.empty())
    return fmt::format("as expected: {}, for \"{}\"\n", expected, schedule.expected_reason);
  const std::string wanted = wanted_text(schedule.expected_finding);
  return wanted.empty() ? fmt::format("as expected: {}\n", expected)
                        : fmt::format("as expected: {}, with the first finding{}\n", expected, wanted);
}

}  // namespace leakhunt::cli
