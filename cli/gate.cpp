// leakhunt gate RECORDING --baseline FILE: fails where a run costs more than it did.
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/baseline_file.h"
#include "cli/commands.h"
#include "cli/configured_budget.h"
#include "cli/history_option.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "scenarios/runner/output_directory.h"

namespace leakhunt::cli {

namespace {

struct Options {
  std::string recording;
  std::string baseline;
  std::string config;
  std::string format;
  std::string file;
  bool no_positive_control = false;
  HistoryOption history;
};

void write(const reports::Report& report, const Options& options, std::ostream& out) {
  const reports::Format* format = reports::find_format(options.format);
  if (format == nullptr) return reports::write_verdict(report, out);
  format->write(report, out);
}

// The error is a line for the user.
tl::expected<Judged, std::string> judge(const Options& options) {
  const auto limits = configured_budget(options.config, ConfigSearch::kNone);
  if (!limits) return tl::unexpected(limits.error());
  auto judged = judge_recording(runner::recording_in(options.recording), {},
                                options.config.empty() ? nullptr : &*limits, !options.no_positive_control);
  if (!judged) return judged;
  const auto compared = compare_with(options.baseline, !options.no_positive_control, *judged);
  if (!compared) return tl::unexpected(compared.error());
  return judged;
}

int gate(const Options& options) {
  const bool known = options.format.empty() || reports::find_format(options.format) != nullptr;
  if (!known)
    return refuse(fmt::format("--format: there is no format {}; leakhunt report --format help lists them",
                              options.format));
  const auto judged = judge(options);
  if (!judged) return refuse(judged.error());
  if (const auto kept = keep_in_history(judged->report, options.history); !kept) return refuse(kept.error());
  if (options.file.empty()) {
    write(judged->report, options, std::cout);
    if (!std::cout.flush()) return refuse("the report could not be written to stdout");
  } else {
    const auto written =
        write_file(options.file, [&](std::ostream& out) { write(judged->report, options, out); });
    if (!written) return refuse(written.error());
  }
  return reports::exit_status(judged->report);
}

}  // namespace

void declare_gate(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command =
      app.add_subcommand("gate", "Compare a recording with a baseline; fail where it costs more");
  auto options = std::make_shared<Options>();
  command
      ->add_option("recording", options->recording, "A recording.lhr, or the --out directory that holds one")
      ->required();
  command->add_option("--baseline", options->baseline, "What it may cost: made by leakhunt baseline accept")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--config", options->config, "Limits and suppressions in place of those in the recording")
      ->type_name("FILE");
  command->add_option("--format", options->format, "The whole report in a format of leakhunt report")
      ->type_name("NAME");
  command->add_option("-o", options->file, "Write to a file instead of stdout")->type_name("FILE");
  command->add_flag("--no-positive-control", options->no_positive_control,
                    "Do not show, with an injected leak, that the gate would catch one");
  declare(*command, options->history);
  command->footer(
      "Exit status: 0 pass, 1 fail, 2 wrong call, or a baseline that is unreadable or of another "
      "configuration,\n"
      "             3 the program itself failed, 4 inconclusive. docs/gates.md is the manual.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes ? refuse("gate takes no program after --; see leakhunt gate --help")
                                     : gate(*options);
  });
}

}  // namespace leakhunt::cli
