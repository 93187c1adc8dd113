// SARIF 2.1.0 for code-scanning views. Rules and fingerprints are stable: neither addresses nor figures.
// Places are relative to the root of the sources, %SRCROOT%.
#include <algorithm>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/json_values.h"
#include "reports/formats/labels.h"
#include "reports/formats/profile.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kMessageWidth = 400;

struct Rule {
  const char* id;
  const char* name;
  const char* text;
};
constexpr Rule kRules[] = {
    {"leakhunt/leak", "Leak", "A place in the program keeps more memory with every iteration."},
    {"leakhunt/growth", "Growth",
     "Live memory grows steadily, without one place or iterations to prove a leak."},
    {"leakhunt/check", "Check", "A run did not keep a budget, or could not be judged."},
};

const char* level_of(CheckState state) {
  switch (state) {
    case CheckState::kFailed:
    case CheckState::kTargetFailed:
      return "error";
    case CheckState::kInconclusive:
      return "warning";
    case CheckState::kPassed:
    case CheckState::kNotChecked:
      return "note";
  }
  return "note";
}

Json message(const std::string& text) {
  return {{"text", shorten_middle(text, kMessageWidth)}};
}

// RFC 3986: what may stand in a path, and the rest as %XX.
std::string uri_of(std::string_view path) {
  std::string uri;
  for (const char c : path) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool plain = letter || std::string_view("-._~/+").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return uri;
}

Json place_of(const StackFrame& frame) {
  Json place = Json::object();
  if (frame.file.starts_with('/')) {
    place["artifactLocation"] = {{"uri", "file://" + uri_of(frame.file)}};
  } else {
    place["artifactLocation"] = {{"uri", uri_of(frame.file)}, {"uriBaseId", "%SRCROOT%"}};
  }
  place["region"] = {{"startLine", std::max<uint32_t>(1, frame.line)}};
  return place;
}

Json stack_json(const Report& report, const Finding& finding) {
  Json frames = Json::array();
  for (const StackFrame& frame : stack_of(report, finding.sites.front())) {
    Json location = {{"message", message(function_label(frame))}};
    if (!frame.file.empty()) location["physicalLocation"] = place_of(frame);
    frames.push_back({{"location", std::move(location)}});
  }
  return Json::array({{{"message", message("allocated here")}, {"frames", std::move(frames)}}});
}

Json finding_json(const Report& report, const Finding& finding, const char* level) {
  const size_t rule = finding.kind == FindingKind::kLeak ? 0 : 1;
  Json result = {
      {"ruleId", kRules[rule].id},
      {"ruleIndex", rule},
      {"level", level},
      {"message", message(finding_name(report, finding) + ": " + finding_figures(report, finding))},
      {"partialFingerprints", {{"leakhuntStack/v1", fingerprint(report, finding)}}}};
  if (const StackFrame* frame = shown_frame(report, finding)) {
    Json location = {{"physicalLocation", place_of(*frame)}};
    location["logicalLocations"] =
        Json::array({{{"fullyQualifiedName", shorten_middle(function_label(*frame), kMessageWidth)},
                      {"kind", "function"}}});
    result["locations"] = Json::array({std::move(location)});
  }
  if (finding.suppression) {
    const recording::Suppression& suppression = report.run->budget.suppressions[*finding.suppression];
    result["suppressions"] =
        Json::array({{{"kind", "external"},
                      {"justification", shorten_middle(escape_line(suppression.reason), kMessageWidth)}}});
  }
  if (!finding.sites.empty()) result["stacks"] = stack_json(report, finding);
  return result;
}

Json results_json(const Report& report) {
  Json results = Json::array();
  for (const Finding& finding : report.findings)
    results.push_back(finding_json(report, finding, level_of(weight_of(report, finding))));
  for (const Check& check : report.judgement.checks) {
    const bool passed = check.state == CheckState::kPassed || check.state == CheckState::kNotChecked;
    if (passed || check.subject == kFindingSubject) continue;
    results.push_back(
        {{"ruleId", kRules[2].id},
         {"ruleIndex", 2},
         {"level", level_of(check.state)},
         {"message", message(check.text)},
         {"partialFingerprints",
          {{"leakhuntCheck/v1", fingerprint(std::string(check.subject) + '\n' + title_label(report))}}}});
  }
  return results;
}

Json rules_json() {
  Json rules = Json::array();
  for (const Rule& rule : kRules)
    rules.push_back({{"id", rule.id}, {"name", rule.name}, {"shortDescription", {{"text", rule.text}}}});
  return rules;
}

}  // namespace

void write_sarif(const Report& report, std::ostream& out) {
  const Json run = {
      {"tool", {{"driver", {{"name", "leakhunt"}, {"rules", rules_json()}}}}},
      {"automationDetails", {{"id", "leakhunt/" + uri_of(title_label(report)) + "/"}}},
      {"invocations",
       Json::array({{{"executionSuccessful", report.verdict() != Verdict::kTargetFailed},
                     {"commandLine", shorten_middle(command_label(*report.run), kMessageWidth)}}})},
      {"originalUriBaseIds", {{"%SRCROOT%", {{"description", {{"text", "The root of the sources"}}}}}}},
      {"results", results_json(report)},
      {"columnKind", "unicodeCodePoints"}};
  const Json log = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", Json::array({run})}};
  out << log.dump(2, ' ', true, Json::error_handler_t::replace) << '\n';
}

}  // namespace leakhunt::reports
