#include "reports/formats/again.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "reports/analysis/threads.h"
#include "reports/formats/escape.h"

namespace leakhunt::reports {

namespace {

// As a shell reads it; what cannot be printed is written as $'\x1b'.
std::string word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
  const bool printable = escape_line(text) == text && text.find('\\') == std::string_view::npos;
  std::string quoted = printable ? "'" : "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (printable) {
      quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    } else if (c == '\'' || c == '\\') {
      quoted += fmt::format("\\{}", c);
    } else {
      quoted += byte < 0x20 || byte >= 0x7F ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
    }
  }
  return quoted + '\'';
}

std::string_view stem_of(std::string_view path) {
  path = path.substr(path.rfind('/') + 1);
  return path.substr(0, path.rfind('.'));
}

// The file where it does not come with leakhunt: then its name says nothing.
std::string scenario_command(const recording::Run& run) {
  const recording::Scenario& scenario = *run.scenario;
  const bool named = scenario.source.empty() || stem_of(scenario.source) == scenario.name;
  std::string text = "leakhunt scenario " + word(named ? scenario.name : scenario.source);
  if (!scenario.defect.empty()) text += " --defect " + word(scenario.defect);
  if (scenario.iterations > 0) text += fmt::format(" --set iterations={}", scenario.iterations);
  return text;
}

std::string recording_options(const recording::Run& run) {
  std::string text;
  if (run.budget.peak_rss_bytes) text += fmt::format(" --budget {}", *run.budget.peak_rss_bytes);
  if (run.budget.growth_bytes_per_iteration)
    text += fmt::format(" --max-growth {}", *run.budget.growth_bytes_per_iteration);
  return text;
}

}  // namespace

std::string command_that_runs_it_again(const recording::Run& run) {
  if (run.scenario && !run.scenario->name.empty()) return scenario_command(run);
  if (run.attached) return fmt::format("leakhunt attach {}{}", run.process.pid, recording_options(run));
  if (run.process.command_line.empty()) return "";
  std::string text = "leakhunt run" + recording_options(run);
  if (run.marks.by == recording::MarkedBy::kEntries) text += " --iteration-symbol " + word(run.marks.what);
  if (run.marks.by == recording::MarkedBy::kLines) text += " --iteration-regex " + word(run.marks.what);
  if (split_by_thread(run)) text += " --by-thread";
  text += " --";
  for (const std::string& each : run.process.command_line) text += ' ' + word(each);
  return text;
}

}  // namespace leakhunt::reports
