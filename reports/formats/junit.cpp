// junit.xml: a testcase a check of the verdict and a testcase a finding. Names hold no figures, so that a CI
// recognises a test from run to run.
//
//   fail -> failure, target failed or inconclusive -> error, not checked -> skipped
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/profile.h"

namespace leakhunt::reports {

namespace {

struct TestCase {
  std::string name;
  CheckState state = CheckState::kNotChecked;
  std::string message;
  std::string details;
};

std::string details_of(const Report& report, const Finding& finding) {
  if (finding.sites.empty()) return {};
  std::string text;
  for (const StackFrame& frame : stack_of(report, finding.sites.front()))
    text += fmt::format("\n  {}  {}", function_label(frame), source_label(frame));
  return text;
}

std::vector<TestCase> test_cases(const Report& report) {
  std::vector<TestCase> cases;
  for (const Check& check : report.judgement.checks) {
    if (check.subject != kFindingSubject)
      cases.push_back({std::string(check.subject), check.state, check.text, {}});
  }
  for (const Finding& finding : report.findings) {
    cases.push_back({shorten_middle(finding_name(report, finding), 200), weight_of(report, finding),
                     finding_figures(report, finding), details_of(report, finding)});
  }
  std::map<std::string, size_t> seen;  // names are unique within a suite
  for (TestCase& test : cases) {
    const size_t number = ++seen[test.name];
    if (number > 1) test.name += fmt::format(" ({})", number);
  }
  return cases;
}

void write_case(const TestCase& test, const std::string& suite, std::ostream& out) {
  const std::string message = escape_xml(test.message);
  const std::string text = message + escape_xml(test.details);
  out << fmt::format("    <testcase classname=\"leakhunt.{}\" name=\"{}\" time=\"0\">\n", suite,
                     escape_xml(test.name));
  switch (test.state) {
    case CheckState::kFailed:
      out << fmt::format("      <failure message=\"{}\" type=\"fail\">{}</failure>\n", message, text);
      break;
    case CheckState::kTargetFailed:
      out << fmt::format("      <error message=\"{}\" type=\"target failed\">{}</error>\n", message, text);
      break;
    case CheckState::kInconclusive:
      out << fmt::format("      <error message=\"{}\" type=\"inconclusive\">{}</error>\n", message, text);
      break;
    case CheckState::kNotChecked:
      out << fmt::format("      <skipped message=\"{}\"/>\n", message);
      break;
    case CheckState::kPassed:
      out << fmt::format("      <system-out>{}</system-out>\n", text);
      break;
  }
  out << "    </testcase>\n";
}

}  // namespace

void write_junit(const Report& report, std::ostream& out) {
  const std::vector<TestCase> cases = test_cases(report);
  size_t failures = 0;
  size_t errors = 0;
  size_t skipped = 0;
  for (const TestCase& test : cases) {
    failures += test.state == CheckState::kFailed ? 1 : 0;
    errors += test.state == CheckState::kTargetFailed || test.state == CheckState::kInconclusive ? 1 : 0;
    skipped += test.state == CheckState::kNotChecked ? 1 : 0;
  }
  const std::string suite = escape_xml(title_label(report));
  const double seconds = report.run->outcome ? static_cast<double>(report.run->outcome->wall_ns) * 1e-9 : 0;
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\"", cases.size(), failures, errors);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out << fmt::format("<testsuites name=\"leakhunt\" {} time=\"{:.3f}\">\n", counts, seconds);
  out << fmt::format("  <testsuite name=\"{}\" {} skipped=\"{}\" time=\"{:.3f}\">\n", suite, counts, skipped,
                     seconds);
  for (const TestCase& test : cases) write_case(test, suite, out);
  out << "  </testsuite>\n</testsuites>\n";
}

}  // namespace leakhunt::reports
