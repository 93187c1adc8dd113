#include "cli/history_option.h"

#include <cstdlib>

#include "reports/history/history.h"

namespace leakhunt::cli {

namespace {

std::string commit_of_ci() {
  for (const char* name : {"GITHUB_SHA", "CI_COMMIT_SHA"}) {
    if (const char* commit = std::getenv(name); commit != nullptr && *commit != '\0')
      return std::string(commit).substr(0, 12);
  }
  return {};
}

}  // namespace

void declare(CLI::App& command, HistoryOption& option) {
  command.add_option("--db", option.file, "Keep the run's verdict and figures in this SQLite file")
      ->type_name("FILE");
  command.add_option("--label", option.label, "What the run is called there (default: the commit, in CI)")
      ->type_name("TEXT");
}

tl::expected<void, std::string> keep_in_history(const reports::Report& report, const HistoryOption& option) {
  if (option.file.empty()) return {};
  auto history = reports::History::open(option.file, true);
  if (!history) return tl::unexpected(history.error());
  return history->add(reports::historic_run(report, option.label.empty() ? commit_of_ci() : option.label));
}

}  // namespace leakhunt::cli
