// leakhunt report RECORDING: the same verdict again, from the file alone, in any format.
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "reports/formats/threads.h"
#include "scenarios/runner/output_directory.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::cli {

namespace {

struct Options {
  std::string recording;
  std::string format = "text";
  std::string file;
  bool by_thread = false;
};

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const reports::Format& format : reports::all_formats()) names.push_back(format.name);
  return names;
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text;
}

int run(const Options& options) {
  const reports::Format* format = reports::find_format(options.format);
  if (format == nullptr) {
    const auto names = format_names();
    return refuse(fmt::format("--format: there is no format {}{}; the formats are {}", options.format,
                              runner::did_you_mean(options.format, names), listed(names)));
  }
  const auto judged = judge_recording(runner::recording_in(options.recording));
  if (!judged) return refuse(judged.error());
  const auto write = [&](std::ostream& out) {
    options.by_thread ? reports::write_threads(judged->report, out) : format->write(judged->report, out);
  };
  if (options.file.empty()) {
    write(std::cout);
    if (!std::cout.flush()) return refuse("the report could not be written to stdout");
  } else if (const auto written = write_file(options.file, write); !written) {
    return refuse(written.error());
  }
  return reports::exit_status(judged->report);
}

}  // namespace

void declare_report(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command = app.add_subcommand("report", "Write the report of a recording in another format");
  auto options = std::make_shared<Options>();
  command
      ->add_option("recording", options->recording, "A recording.lhr, or the --out directory that holds one")
      ->required();
  command->add_option("--format", options->format, "One of " + listed(format_names()))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_flag("--by-thread", options->by_thread,
                    "Only a table of the threads; what each allocated, if it was recorded with --by-thread");
  command->add_option("-o", options->file, "Write to a file instead of stdout")->type_name("FILE");
  command->footer(
      "Exit status: that of the verdict, as when it was recorded; 2 wrong call or an unreadable file.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes ? refuse("report takes no program after --; see leakhunt report --help")
                                     : run(*options);
  });
}

}  // namespace leakhunt::cli
