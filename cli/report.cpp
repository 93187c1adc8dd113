// leakhunt report RECORDING: the same verdict again, from the file alone, in any format.
#include <unistd.h>

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

using Refusal = tl::unexpected<std::string>;

struct Options {
  std::string recording;
  std::string format;
  std::string at;
  std::string from;
  std::string to;
  std::string file;
  std::string source_root;
  bool absolute_paths = false;
  bool by_thread = false;
};

std::string format_list() {
  std::string text = "Formats (those marked * show one moment: --at, or --from and --to):\n";
  for (const reports::Format& format : reports::all_formats()) {
    text += fmt::format("  {:<12}{} {}\n", format.name, format.of_moment == nullptr ? ' ' : '*',
                        format.opened_by);
  }
  return text;
}

tl::expected<const reports::Format*, std::string> named_format(const std::string& name) {
  const reports::Format* format = reports::find_format(name);
  if (format != nullptr) return format;
  std::vector<std::string_view> names;
  std::string listed;
  for (const reports::Format& each : reports::all_formats()) {
    names.push_back(each.name);
    listed += fmt::format("{}{}", listed.empty() ? "" : ", ", each.name);
  }
  return Refusal(fmt::format("--format: there is no format {}{}; the formats are {}", name,
                             runner::did_you_mean(name, names), listed));
}

// Without --format the name of the file says it: the first format of that name, or else of that extension.
tl::expected<const reports::Format*, std::string> format_of(const Options& options) {
  if (!options.format.empty()) return named_format(options.format);
  if (options.file.empty()) return named_format("text");
  const std::filesystem::path file = options.file;
  for (const reports::Format& format : reports::all_formats()) {
    if (file.filename() == format.file_name) return &format;
  }
  for (const reports::Format& format : reports::all_formats()) {
    if (file.extension() == fmt::format(".{}", format.extension)) return &format;
  }
  return Refusal(
      fmt::format("-o {}: its name does not say in which format; add --format NAME (leakhunt report "
                  "--format help lists them)",
                  options.file));
}

tl::expected<void, std::string> check_call(const Options& options, const reports::Format& format) {
  if (!format.why_not().empty())
    return Refusal(fmt::format("--format {}: {}", format.name, format.why_not()));
  const bool asks_for_moment = !options.at.empty() || !options.from.empty() || !options.to.empty();
  if (asks_for_moment && format.of_moment == nullptr) {
    return Refusal(
        fmt::format("{}: the format {} tells of the whole run; --format help marks those that show "
                    "one moment",
                    options.at.empty() ? "--from" : "--at", format.name));
  }
  if (!options.at.empty() && !(options.from.empty() && options.to.empty()))
    return Refusal("--at is one moment, --from and --to are two: leave out one or the other");
  if (options.from.empty() && !options.to.empty()) return Refusal("--to needs --from; or did you mean --at?");
  if (options.absolute_paths && !options.source_root.empty())
    return Refusal("--absolute-paths and --source-root exclude each other");
  std::error_code ignored;
  if (std::filesystem::is_directory(options.file, ignored)) {
    return Refusal(fmt::format("-o {}: is a directory; name a file: -o {}", options.file,
                               (std::filesystem::path(options.file) / format.file_name).string()));
  }
  if (options.file.empty() && format.binary && isatty(STDOUT_FILENO) != 0) {
    return Refusal(
        fmt::format("{} is not for a terminal; write it to a file: -o {}", format.name, format.file_name));
  }
  return {};
}

tl::expected<reports::Moment, std::string> moment_of(const Options& options, const reports::Report& report) {
  const auto parse = [&](const char* option, const std::string& text) {
    return reports::parse_moment(report, text).map_error([&](const std::string& why) {
      return fmt::format("{}: {}", option, why);
    });
  };
  if (!options.at.empty()) return parse("--at", options.at);
  if (options.from.empty()) return reports::moment_at_end(report);
  const auto from = parse("--from", options.from);
  const auto to = parse("--to", options.to.empty() ? "end" : options.to);
  if (!from || !to) return from ? to : from;
  return reports::between(*from, *to);
}

int run(const Options& options) {
  const auto format = format_of(options);
  if (!format) return refuse(format.error());
  if (const auto good = check_call(options, **format); !good) return refuse(good.error());
  PathStyle paths;
  paths.absolute = options.absolute_paths;
  if (!options.source_root.empty())
    paths.source_root = std::filesystem::absolute(options.source_root).lexically_normal().string();
  const auto judged = judge_recording(runner::recording_in(options.recording), paths);
  if (!judged) return refuse(judged.error());
  const auto moment = moment_of(options, judged->report);
  if (!moment) return refuse(moment.error());
  const auto write = [&](std::ostream& out) {
    if (options.by_thread) return reports::write_threads(judged->report, out);
    (*format)->write(judged->report, *moment, out);
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
  command->add_option("recording", options->recording,
                      "A recording.lhr, or the --out directory that holds one");
  command
      ->add_option("--format", options->format,
                   "One of those below; otherwise what the name of -o says, otherwise text")
      ->type_name("NAME");
  command->add_option("--at", options->at, "The moment: an iteration's number, peak or end (default: end)")
      ->type_name("N");
  command->add_option("--from", options->from, "What was gained since that moment")->type_name("N");
  command->add_option("--to", options->to, "... until that one (default: end)")->type_name("N");
  command->add_flag("--by-thread", options->by_thread,
                    "Only a table of the threads; what each allocated, if it was recorded with --by-thread");
  command->add_option("-o", options->file, "Write to a file instead of stdout")->type_name("FILE");
  command
      ->add_option("--source-root", options->source_root,
                   "Paths are relative to it (default: what the sources have in common)")
      ->type_name("DIR");
  command->add_flag("--absolute-paths", options->absolute_paths, "Paths as they were recorded");
  command->footer(
      format_list() +
      "\nExit status: that of the verdict, as when it was recorded; 2 wrong call or an unreadable "
      "file.");
  command->callback([&status, &surroundings, options] {
    if (options->format == "help") {
      std::cout << format_list();
    } else if (options->recording.empty()) {
      status = refuse("report: a recording is missing; see leakhunt report --help");
    } else if (surroundings.has_dashes) {
      status = refuse("report takes no program after --; see leakhunt report --help");
    } else {
      status = run(*options);
    }
  });
}

}  // namespace leakhunt::cli
