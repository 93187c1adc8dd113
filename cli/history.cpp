// leakhunt history --db FILE: what runs cost, one after the other, and in which of them something began.
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/messages.h"
#include "reports/history/history_text.h"

namespace leakhunt::cli {

namespace {

struct Options {
  std::string file;
  std::string name;
  uint64_t last = 0;
};

int history(const Options& options) {
  const auto opened = reports::History::open(options.file, false);
  if (!opened) return refuse(opened.error());
  const auto runs = opened->runs(options.name, options.last);
  if (!runs) return refuse(runs.error());
  if (runs->empty()) {
    return refuse(fmt::format("{}: there are no runs{}", options.file,
                              options.name.empty() ? "" : fmt::format(" of the name {}", options.name)));
  }
  reports::write_history(*runs, std::cout);
  return std::cout.flush() ? 0 : refuse("the history could not be written to stdout");
}

}  // namespace

void declare_history(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command = app.add_subcommand("history", "Show what runs cost over time, and where a slope began");
  auto options = std::make_shared<Options>();
  command->add_option("--db", options->file, "The file that --db of another command wrote")
      ->type_name("FILE")
      ->required();
  command->add_option("--name", options->name, "Only runs of this scenario or program")->type_name("NAME");
  command->add_option("--last", options->last, "At most so many of each")->type_name("N");
  command->footer("Exit status: 0 shown, 2 wrong call, or no history. docs/gates.md is the manual.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes
                 ? refuse("history takes no program after --; see leakhunt history --help")
                 : history(*options);
  });
}

}  // namespace leakhunt::cli
