#include "cli/expectation.h"

#include <vector>

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

}  // namespace

std::string compare_with_expectation(const reports::Report& report, const runner::ExpectedFinding& finding) {
  const std::string& expected = report.run->scenario ? report.run->scenario->expected_verdict : std::string();
  if (expected.empty()) return {};
  const std::string_view verdict = reports::to_string(report.verdict());
  if (verdict != expected) {
    return fmt::format("not as expected: the scenario expects {}, the verdict is {}\n", expected, verdict);
  }
  std::string wanted;
  if (!finding.tag.empty()) wanted += fmt::format(" in tag {}", finding.tag);
  if (!finding.function.empty()) wanted += fmt::format(" through {}", finding.function);
  if (wanted.empty()) return fmt::format("as expected: {}\n", expected);
  const bool found =
      !report.findings.empty() &&
      (finding.tag.empty() || tag_of(report, report.findings.front()) == finding.tag) &&
      (finding.function.empty() || passes_through(report, report.findings.front(), finding.function));
  return found ? fmt::format("as expected: {}, with the first finding{}\n", expected, wanted)
               : fmt::format("not as expected: the scenario expects a finding{}; {}\n", wanted,
                             first_finding(report));
}

}  // namespace leakhunt::cli
