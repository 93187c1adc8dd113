// leakhunt history --db FILE: what runs cost, one after the other, and in which of them something began.
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "reports/formats/built_page.h"
#include "reports/history/history_html.h"
#include "reports/history/history_text.h"
#include "scenarios/runner/spelling.h"

namespace leakhunt::cli {

namespace {

struct Options {
  std::string file;
  std::string name;
  uint64_t last = 0;
  std::string format;
  std::string out;
};

// Of --format, or of the name of -o.
tl::expected<bool, std::string> wants_html(const Options& options) {
  std::string format = options.format;
  if (format.empty()) format = options.out.ends_with(".html") ? "html" : "text";
  constexpr std::string_view kFormats[] = {"text", "html"};
  if (format != "text" && format != "html") {
    return tl::unexpected(
        fmt::format("--format: there is no format {} of histories{}; the formats are text, html", format,
                    runner::did_you_mean(format, kFormats)));
  }
  if (format == "html" && !reports::why_no_page().empty())
    return tl::unexpected(fmt::format("--format html: {}", reports::why_no_page()));
  return format == "html";
}

int history(const Options& options) {
  const auto html = wants_html(options);
  if (!html) return refuse(html.error());
  const auto opened = reports::History::open(options.file, false);
  if (!opened) return refuse(opened.error());
  const auto runs = opened->runs(options.name, options.last);
  if (!runs) return refuse(runs.error());
  if (runs->empty()) {
    return refuse(fmt::format("{}: there are no runs{}", options.file,
                              options.name.empty() ? "" : fmt::format(" of the name {}", options.name)));
  }
  const auto write = [&](std::ostream& out) {
    if (*html) {
      reports::write_history_html(*runs, out);
    } else {
      reports::write_history(*runs, out);
    }
  };
  if (!options.out.empty()) {
    const auto written = write_file(options.out, write);
    return written ? 0 : refuse(written.error());
  }
  write(std::cout);
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
  command
      ->add_option(
          "--format", options->format,
          "text, for a terminal, or html, a page for a browser (default: what the name of -o says, or text)")
      ->type_name("NAME");
  command->add_option("-o", options->out, "Write to a file instead of stdout")->type_name("FILE");
  command->footer("Exit status: 0 shown, 2 wrong call, or no history. docs/gates.md is the manual.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes
                 ? refuse("history takes no program after --; see leakhunt history --help")
                 : history(*options);
  });
}

}  // namespace leakhunt::cli
