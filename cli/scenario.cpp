// leakhunt scenario NAME|FILE.toml: runs one scenario and judges it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/expectation.h"
#include "cli/judged.h"
#include "cli/log_tail.h"
#include "cli/messages.h"
#include "scenarios/runner/catalogue.h"
#include "scenarios/runner/conduct.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

struct Options {
  std::string name_or_file;
  std::vector<std::string> overrides;
  std::string defect;
  std::string out;
  std::optional<std::string> budget;
  bool list = false;
};

void print_row(const runner::CatalogueEntry& entry, size_t name_width) {
  const std::string iterations = entry.iterations == 0 ? "-" : std::to_string(entry.iterations);
  fmt::print("{:{}}  {:>10}  {:8}  {}\n", entry.name, name_width, entry.problem.empty() ? iterations : "?",
             entry.expected_verdict.empty() ? "-" : entry.expected_verdict,
             entry.problem.empty() ? entry.description : entry.problem);
}

int list(const Surroundings& surroundings) {
  const fs::path directory = runner::scenarios_directory(surroundings.program_directory);
  const auto entries = runner::list_scenarios(directory, surroundings.program_directory);
  if (entries.empty()) return refuse(fmt::format("{}: there are no scenarios", directory.string()));
  size_t name_width = 4;
  for (const runner::CatalogueEntry& entry : entries) name_width = std::max(name_width, entry.name.size());
  fmt::print("{:{}}  {:>10}  {:8}  {}\n", "name", name_width, "iterations", "expected", "description");
  for (const runner::CatalogueEntry& entry : entries) print_row(entry, name_width);
  return 0;
}

// A defect that comes from the command line: what the file expects no longer says anything.
tl::expected<void, std::string> inject(const std::string& defect, const Options& options,
                                       const Surroundings& surroundings, runner::Plan& plan) {
  const fs::path directory = runner::scenarios_directory(surroundings.program_directory);
  const auto known =
      runner::find_defect(runner::list_scenarios(directory, surroundings.program_directory), defect);
  const bool comes_with_us = plan.scenario.source.starts_with(directory.string());
  if (!known && comes_with_us) return tl::unexpected(known.error());  // other programs may have their own
  const std::string name = known ? *known : defect;
  if (name == plan.scenario.defect) return {};
  plan.scenario.defect = name;
  const bool is_told = std::any_of(options.overrides.begin(), options.overrides.end(),
                                   [](const std::string& set) { return set.starts_with("expect."); });
  if (is_told) return {};
  plan.scenario.expected_verdict.clear();
  plan.expected_finding = {};
  return {};
}

tl::expected<runner::Plan, std::string> make_plan(const Options& options, const Surroundings& surroundings) {
  const auto file = runner::find_scenario(runner::scenarios_directory(surroundings.program_directory),
                                          options.name_or_file);
  if (!file) return tl::unexpected(file.error());
  auto plan = runner::make_plan({*file, options.overrides, surroundings.program_directory});
  if (!plan) return plan;
  if (!options.defect.empty()) {
    const auto injected = inject(options.defect, options, surroundings, *plan);
    if (!injected) return tl::unexpected(injected.error());
  }
  const auto ceiling = parse_ceiling("--budget", options.budget);
  if (!ceiling) return tl::unexpected(ceiling.error());
  if (*ceiling) plan->budget.peak_rss_bytes = *ceiling;
  return plan;
}

// out/NAME, or out/NAME+DEFECT when the defect is not the file's own.
fs::path default_out(const Options& options, const runner::Plan& plan) {
  return fs::path("out") / (plan.scenario.name + (options.defect.empty() ? "" : "+" + plan.scenario.defect));
}

runner::Order order_of(const runner::Plan& plan, const Surroundings& surroundings) {
  runner::Order order;
  order.name = plan.scenario.name;
  order.scenario = plan.scenario;
  order.budget = plan.budget;
  order.program = plan.program;
  order.command = plan.scenario.command;
  order.timeout = plan.timeout;
  order.program_directory = surroundings.program_directory;
  order.progress = runner::style_for(STDERR_FILENO);
  return order;
}

bool target_failed(const recording::Outcome& outcome) {
  return outcome.stopped_for.empty() && (outcome.exit_status != 0 || outcome.signal != 0);
}

void print_written(const runner::OutputDirectory& out) {
  std::cout << "wrote " << fs::proximate(out.path()).string() << "/: recording.lhr";
  for (const reports::Format& format : reports::all_formats()) std::cout << ' ' << format.file_name;
  std::cout << " target.log\n" << std::flush;
}

// From the closed recording to the exit status.
int conclude(const runner::Plan& plan, const runner::OutputDirectory& out, const runner::Watched& watched) {
  const int interrupted = watched.interrupted_by == 0 ? 0 : kSignalled + watched.interrupted_by;
  if (target_failed(watched.outcome)) print_log_tail(out.log());
  const auto judged = judge_recording(out.recording());
  if (!judged) return interrupted != 0 ? interrupted : refuse(judged.error());
  const auto written = write_reports(judged->report, out.path());
  if (!written) return refuse(written.error());

  reports::write_text(judged->report, std::cout);
  std::cout << '\n';
  if (interrupted == 0) std::cout << compare_with_expectation(judged->report, plan.expected_finding);
  print_written(out);
  return interrupted != 0 ? interrupted : reports::exit_status(judged->report);
}

int run(const Options& options, const Surroundings& surroundings) {
  if (options.list) return list(surroundings);
  if (options.name_or_file.empty()) return refuse("no scenario is given; see leakhunt scenario --list");
  const auto plan = make_plan(options, surroundings);
  if (!plan) return refuse(plan.error());
  const fs::path directory = options.out.empty() ? default_out(options, *plan) : fs::path(options.out);
  const auto out = runner::OutputDirectory::open(directory);
  if (!out) return refuse(out.error());
  const auto watched = runner::conduct(order_of(*plan, surroundings), *out);
  return watched ? conclude(*plan, *out, *watched) : refuse(watched.error());
}

}  // namespace

void declare_scenario(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command = app.add_subcommand("scenario", "Run a scenario and judge its memory");
  auto options = std::make_shared<Options>();
  command->add_option("scenario", options->name_or_file,
                      "NAME of a scenario that comes with leakhunt, or a FILE.toml");
  command->add_flag("--list", options->list, "Print the scenarios that come with leakhunt");
  command
      ->add_option("--set", options->overrides,
                   "Override a key of the file: --set iterations=500 (may be repeated)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--defect", options->defect, "Inject a defect into the program")->type_name("NAME");
  command->add_option("--out", options->out, "Directory for recording and reports (default: out/NAME)")
      ->type_name("DIR");
  command
      ->add_option("--budget", options->budget, "Ceiling of resident memory; above it the program is stopped")
      ->type_name("5GB");
  command->footer(
      "Exit status: 0 pass, 1 fail, 2 wrong call or something missing, 3 the program itself failed,\n"
      "             4 inconclusive. docs/scenarios.md describes the files.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes ? refuse("scenario takes no program after --; see leakhunt run --help")
                                     : run(*options, surroundings);
  });
}

}  // namespace leakhunt::cli
