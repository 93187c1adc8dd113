#include "reports/formats/labels.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/profile.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Fowler, Noll and Vo's hash 1a, from a chosen beginning.
uint64_t fnv_1a(std::string_view text, uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  return hash;
}

const StackFrame* answering_frame(const Report& report, const Finding& finding) {
  if (finding.sites.empty()) return nullptr;
  return report.growth.sites[static_cast<size_t>(finding.sites.front())].attribution.frame();
}

}  // namespace

std::string tag_label(const Report& report, recording::TagId tag) {
  const auto index = static_cast<size_t>(tag);
  return index < report.run->tags.size() ? escape_line(report.run->tags[index].name) : "?";
}

std::string_view kind_label(recording::SiteKind kind) {
  switch (kind) {
    case recording::SiteKind::kBlock:
      return "block";
    case recording::SiteKind::kMapping:
      return "mapping";
    case recording::SiteKind::kNested:
      return "nested";
  }
  return "block";
}

std::string function_label(const StackFrame& frame) {
  const std::string_view name = qualified_name(frame.function);
  return escape_line(name.empty() ? frame_name(frame) : std::string(name));
}

std::string file_label(const StackFrame& frame) {
  return escape_line(frame.file);
}

std::string source_label(const StackFrame& frame) {
  if (!frame.file.empty()) return fmt::format("{}:{}", file_label(frame), frame.line);
  return frame.module.empty() ? "" : "in " + escape_line(base_name(frame.module));
}

std::string command_label(const recording::Run& run) {
  std::string text;
  for (const std::string& word : run.process.command_line) text += (text.empty() ? "" : " ") + word;
  if (text.empty()) text = run.process.executable;
  return text.empty() ? "(unknown)" : escape_line(text);
}

std::string title_label(const Report& report) {
  const auto& scenario = report.run->scenario;
  if (!scenario || scenario->name.empty()) return command_label(*report.run);
  std::string title = escape_line(scenario->name);
  if (!scenario->defect.empty()) title += " with the defect " + escape_line(scenario->defect);
  return title;
}

std::string_view step_label(const Report& report) {
  return report.timeline.clock == Clock::kIterations ? "iteration" : "tick";
}

const StackFrame* shown_frame(const Report& report, const Finding& finding) {
  if (finding.sites.empty()) return nullptr;
  const FrameSpan frames = stack_of(report, finding.sites.front());
  // libc's own files are "../sysdeps/...", relative to where others built it.
  const auto has_file = [](const StackFrame& f) { return !f.file.empty() && !f.file.starts_with("../"); };
  const auto of_project = [&](const StackFrame& f) { return has_file(f) && !f.file.starts_with('/'); };
  auto shown = std::find_if(frames.begin(), frames.end(), of_project);
  if (shown == frames.end()) shown = std::find_if(frames.begin(), frames.end(), has_file);
  return shown == frames.end() ? nullptr : &*shown;
}

std::string finding_name(const Report& report, const Finding& finding) {
  std::string name = fmt::format("{} in ", to_string(finding.kind));
  name += finding.tag ? "tag " + tag_label(report, *finding.tag) : "the process as a whole";
  const StackFrame* frame = answering_frame(report, finding);
  if (frame != nullptr) name += ": " + function_label(*frame);
  return name;
}

std::string finding_figures(const Report& report, const Finding& finding) {
  const Growth& growth = finding.growth;
  const std::string_view step = step_label(report);
  return fmt::format("{} and {} {} per {} since {} {}{}", human_slope(growth.bytes_per_step),
                     human_number(growth.blocks_per_step), growth.blocks_per_step == 1 ? "block" : "blocks",
                     step, step, growth.since, growth.exact ? ", exactly" : "");
}

CheckState weight_of_findings(const Report& report) {
  for (const Check& check : report.judgement.checks) {
    if (check.subject == kFindingSubject) return check.state;
  }
  return CheckState::kNotChecked;
}

CheckState weight_of(const Report& report, const Finding& finding) {
  return finding.suppression ? CheckState::kNotChecked : weight_of_findings(report);
}

std::string fingerprint(std::string_view text) {
  constexpr uint64_t kBasis = 0xcbf29ce484222325ULL;
  return fmt::format("{:016x}{:016x}", fnv_1a(text, kBasis), fnv_1a(text, fnv_1a("leakhunt", kBasis)));
}

std::string fingerprint(const Report& report, const Finding& finding) {
  std::string text(to_string(finding.kind));
  text += '\n' + (finding.tag ? tag_label(report, *finding.tag) : std::string("-"));
  if (!finding.sites.empty()) {
    for (const StackFrame& frame : stack_of(report, finding.sites.front())) {
      const bool unknown = frame.function.empty();  // then its address is all there is, and that changes
      text += '\n' + (unknown ? escape_line(base_name(frame.module)) : function_label(frame));
      text += '\n' + escape_line(base_name(frame.file));
    }
  }
  return fingerprint(text);
}

}  // namespace leakhunt::reports
