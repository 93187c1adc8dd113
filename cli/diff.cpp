// leakhunt diff A B: what is different between two recordings, or two moments of one.
#include <unistd.h>

#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "reports/formats/diff_formats.h"
#include "reports/formats/profile.h"
#include "scenarios/runner/output_directory.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::cli {

namespace {

using Refusal = tl::unexpected<std::string>;

struct Options {
  std::vector<std::string> recordings;
  std::string from;
  std::string to;
  std::string format;
  std::string file;
  std::string source_root;
  bool absolute_paths = false;
};

// "out/a@100": a recording and a moment of it.
struct Named {
  std::string recording;
  std::string moment;  // empty: the end
};

// A file that is called so is meant, whatever is in its name.
Named named(const std::string& word) {
  std::error_code ignored;
  const size_t at = word.rfind('@');
  if (at == std::string::npos || std::filesystem::exists(word, ignored)) return {word, {}};
  return {word.substr(0, at), word.substr(at + 1)};
}

// What a person calls it: the --out directory, or the file's own name.
std::string name_of(const std::string& recording) {
  std::filesystem::path path = std::filesystem::path(recording).lexically_normal();
  if (path.filename() == "recording.lhr") path = path.parent_path();
  if (path.filename().empty()) path = path.parent_path();
  return path.filename().string();
}

std::string format_list() {
  std::string text = "Formats:\n";
  for (const reports::DiffFormat& format : reports::all_diff_formats())
    text += fmt::format("  {:<8}{}\n", format.name, format.opened_by);
  return text;
}

tl::expected<const reports::DiffFormat*, std::string> format_of(const Options& options) {
  std::vector<std::string_view> names;
  std::string listed;
  const std::string wanted = options.format.empty() && options.file.empty() ? "text" : options.format;
  for (const reports::DiffFormat& format : reports::all_diff_formats()) {
    const bool by_file = wanted.empty() && options.file.ends_with("." + std::string(format.extension));
    if (format.name == wanted || by_file) return &format;
    names.push_back(format.name);
    listed += fmt::format("{}{}", listed.empty() ? "" : ", ", format.name);
  }
  if (wanted.empty()) {
    return Refusal(fmt::format("-o {}: its name does not say in which format; add --format NAME ({})",
                               options.file, listed));
  }
  return Refusal(fmt::format("--format: there is no format {} of differences{}; the formats are {}", wanted,
                             runner::did_you_mean(wanted, names), listed));
}

// Which two are compared.
tl::expected<std::pair<Named, Named>, std::string> sides_of(const Options& options) {
  const bool by_options = !options.from.empty() || !options.to.empty();
  if (options.recordings.empty())
    return Refusal("diff: two recordings are missing; see leakhunt diff --help");
  const Named first = named(options.recordings[0]);
  if (options.recordings.size() == 1) {
    if (options.from.empty()) {
      return Refusal(
          fmt::format("diff compares two: name a second recording, or two moments of this one: leakhunt diff "
                      "{} --from N --to M",
                      first.recording));
    }
    if (!first.moment.empty()) return Refusal("--from and @ both name a moment: leave out one of them");
    return std::pair{Named{first.recording, options.from},
                     Named{first.recording, options.to.empty() ? "end" : options.to}};
  }
  if (by_options)
    return Refusal("--from and --to are two moments of one recording; of two, write A@N and B@M");
  if (options.recordings.size() > 2)
    return Refusal(fmt::format("diff compares two recordings, and {} are named", options.recordings.size()));
  return std::pair{first, named(options.recordings[1])};
}

tl::expected<reports::DiffSide, std::string> side_of(const reports::Report& report, const Named& named) {
  const auto moment = reports::parse_moment(report, named.moment.empty() ? "end" : named.moment);
  if (!moment) return Refusal(fmt::format("{}@{}: {}", named.recording, named.moment, moment.error()));
  reports::DiffSide side;
  side.report = &report;
  side.snapshot = moment->snapshot;
  side.at_end = moment->snapshot == report.timeline.end_snapshot(*report.run);
  side.moment = moment->words;
  side.name = name_of(named.recording);
  return side;
}

tl::expected<void, std::string> check_call(const Options& options, const reports::DiffFormat& format) {
  if (!format.why_not().empty())
    return Refusal(fmt::format("--format {}: {}", format.name, format.why_not()));
  if (options.absolute_paths && !options.source_root.empty())
    return Refusal("--absolute-paths and --source-root exclude each other");
  std::error_code ignored;
  if (std::filesystem::is_directory(options.file, ignored))
    return Refusal(fmt::format("-o {}: is a directory; name a file in it", options.file));
  if (options.file.empty() && format.binary && isatty(STDOUT_FILENO) != 0)
    return Refusal(fmt::format("{} is not for a terminal; write it to a file: -o diff.{}", format.name,
                               format.extension));
  return {};
}

tl::expected<void, std::string> write_difference(const Options& options, const reports::DiffFormat& format,
                                                 const Named& first, const Named& second) {
  PathStyle paths;
  paths.absolute = options.absolute_paths;
  if (!options.source_root.empty())
    paths.source_root = std::filesystem::absolute(options.source_root).lexically_normal().string();
  const auto path_of = [](const Named& each) { return runner::recording_in(each.recording); };
  const auto before = judge_recording(path_of(first), paths);
  if (!before) return Refusal(before.error());
  std::error_code ignored;
  const bool one = std::filesystem::equivalent(path_of(first), path_of(second), ignored);
  const auto other =
      one ? tl::expected<Judged, std::string>(Judged{}) : judge_recording(path_of(second), paths);
  if (!other) return Refusal(other.error());
  const auto from = side_of(before->report, first);
  const auto to = side_of(one ? before->report : other->report, second);
  if (!from || !to) return Refusal(from ? to.error() : from.error());
  const reports::Diff diff = reports::make_diff(*from, *to);
  const auto write = [&](std::ostream& out) { format.write(diff, out); };
  if (!options.file.empty()) return write_file(options.file, write);
  write(std::cout);
  if (!std::cout.flush()) return Refusal("the difference could not be written to stdout");
  return {};
}

int run(const Options& options) {
  const auto format = format_of(options);
  if (!format) return refuse(format.error());
  if (const auto good = check_call(options, **format); !good) return refuse(good.error());
  const auto sides = sides_of(options);
  if (!sides) return refuse(sides.error());
  const auto written = write_difference(options, **format, sides->first, sides->second);
  return written ? 0 : refuse(written.error());
}

}  // namespace

void declare_diff(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command =
      app.add_subcommand("diff", "Say what is different between two recordings, or two moments");
  auto options = std::make_shared<Options>();
  command->add_option("recordings", options->recordings,
                      "Two recordings (files or --out directories), each at its end or at a moment: A@100 "
                      "B@peak; or one, with --from");
  command->add_option("--from", options->from, "Of one recording: a moment (a number, peak or end)")
      ->type_name("N");
  command->add_option("--to", options->to, "... and a later one (default: end)")->type_name("N");
  command
      ->add_option("--format", options->format,
                   "One of those below; otherwise what the name of -o says, otherwise text")
      ->type_name("NAME");
  command->add_option("-o", options->file, "Write to a file instead of stdout")->type_name("FILE");
  command
      ->add_option("--source-root", options->source_root,
                   "Paths are relative to it (default: what the sources have in common)")
      ->type_name("DIR");
  command->add_flag("--absolute-paths", options->absolute_paths, "Paths as they were recorded");
  command->footer(format_list() +
                  "\nExit status: 0, whatever is different; 2 wrong call or an unreadable file.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes ? refuse("diff takes no program after --; see leakhunt diff --help")
                                     : run(*options);
  });
}

}  // namespace leakhunt::cli
