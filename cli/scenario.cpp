// leakhunt scenario NAME|FILE.toml: runs one scenario and judges it.
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/configured_budget.h"
#include "cli/expectation.h"
#include "cli/history_option.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "cli/planned_run.h"
#include "cli/race.h"
#include "cli/several_runs.h"
#include "cli/trials.h"
#include "cli/until_certain.h"
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
  std::string config;
  HistoryOption history;
  std::string until_certain;
  bool no_positive_control = false;
  bool list = false;
  bool all = false;
};

std::string iterations_text(const runner::CatalogueEntry& entry) {
  if (entry.most_iterations == 0) return "-";
  if (entry.least_iterations == entry.most_iterations) return std::to_string(entry.most_iterations);
  return fmt::format("{}..{}", entry.least_iterations, entry.most_iterations);
}

void print_row(const runner::CatalogueEntry& entry, size_t name_width) {
  const bool readable = entry.problem.empty();
  fmt::print("{:{}}  {:>4}  {:>10}  {:8}  {}\n", entry.name, name_width,
             readable ? std::to_string(entry.runs) : "?", readable ? iterations_text(entry) : "?",
             entry.expected_verdict.empty() ? "-" : entry.expected_verdict,
             readable ? entry.description : entry.problem);
}

int list(const Surroundings& surroundings) {
  const fs::path directory = runner::scenarios_directory(surroundings.program_directory);
  const auto entries = runner::list_scenarios(directory, surroundings.program_directory);
  if (entries.empty()) return refuse(fmt::format("{}: there are no scenarios", directory.string()));
  size_t name_width = 4;
  for (const runner::CatalogueEntry& entry : entries) name_width = std::max(name_width, entry.name.size());
  fmt::print("{:{}}  {:>4}  {:>10}  {:8}  {}\n", "name", name_width, "runs", "iterations", "expected",
             "description");
  for (const runner::CatalogueEntry& entry : entries) print_row(entry, name_width);
  return 0;
}

// --defect as the program knows it. Programs of other people may have their own.
tl::expected<std::string, std::string> known_defect(const Options& options, const Surroundings& surroundings,
                                                    const fs::path& file) {
  if (options.defect.empty()) return std::string();
  const fs::path directory = runner::scenarios_directory(surroundings.program_directory);
  auto known =
      runner::find_defect(runner::list_scenarios(directory, surroundings.program_directory), options.defect);
  const bool comes_with_us = file.string().starts_with(directory.string());
  return known || comes_with_us ? known : options.defect;
}

tl::expected<runner::Schedule, std::string> make_schedule(const Options& options,
                                                          const Surroundings& surroundings) {
  const auto file = runner::find_scenario(runner::scenarios_directory(surroundings.program_directory),
                                          options.name_or_file);
  if (!file) return tl::unexpected(file.error());
  const auto defect = known_defect(options, surroundings, *file);
  if (!defect) return tl::unexpected(defect.error());
  const auto ceiling = parse_ceiling("--budget", options.budget);
  if (!ceiling) return tl::unexpected(ceiling.error());
  std::vector<std::string> overrides = options.overrides;
  if (options.budget) overrides.push_back("budget.peak_rss=" + *options.budget);
  auto schedule = runner::make_schedule(
      {*file, std::move(overrides), surroundings.program_directory, *defect, options.out});
  if (!schedule) return schedule;
  const auto completed = complete_budgets(*schedule, options.config, !options.no_positive_control);
  if (!completed) return tl::unexpected(completed.error());
  return schedule;
}

void print_written(const runner::OutputDirectory& out) {
  std::cout << "wrote " << fs::proximate(out.path()).string() << "/: recording.lhr";
  for (const reports::Format& format : reports::all_formats()) {
    if (format.of_every_run && format.why_not().empty()) std::cout << ' ' << format.file_name;
  }
  std::cout << " target.log\n" << std::flush;
}

int run_single(const runner::Schedule& schedule, const Options& options, const Surroundings& surroundings) {
  auto judge = live_judge(options.until_certain, schedule, schedule.runs.front());
  if (!judge) return refuse(judge.error());
  const auto out = runner::OutputDirectory::open(schedule.out);
  if (!out) return refuse(out.error());
  const runner::Plan& plan = schedule.runs.front();
  runner::SignalWatch signals;  // a key between two runs of a race counts as well
  runner::Order order = order_of(plan, schedule.name, surroundings);
  order.judge = std::move(*judge);
  auto watched = runner::conduct(order, *out, signals);
  if (!watched) return refuse(watched.error());
  const auto raced = race_with_twin(schedule, schedule.name, surroundings, signals, *out, *watched);
  if (!raced) return refuse(raced.error());
  const int interrupted = watched->interrupted_by == 0 ? 0 : kSignalled + watched->interrupted_by;
  const auto judged = conclude(*watched, *out);
  if (!judged) return interrupted != 0 ? interrupted : refuse(judged.error());

  reports::write_text(judged->report, std::cout);
  std::cout << '\n';
  if (interrupted == 0) {
    std::cout << compare_with_expectation(judged->report.verdict(), schedule,
                                          missed_finding(judged->report, schedule));
  }
  print_written(*out);
  if (const auto kept = keep_in_history(judged->report, options.history); !kept && interrupted == 0)
    return refuse(kept.error());
  return interrupted != 0 ? interrupted : reports::exit_status(judged->report);
}

// Every scenario, each below `--out`. A file with a mistake, or an override that one of them cannot take, is
// said before anything runs.
int run_every(const Options& options, const Surroundings& surroundings) {
  if (!options.name_or_file.empty() || !options.defect.empty())
    return refuse("--all runs every scenario as it is: leave out the name and --defect");
  const fs::path directory = runner::scenarios_directory(surroundings.program_directory);
  std::vector<Trial> trials;
  for (const auto& entry : runner::list_scenarios(directory, surroundings.program_directory)) {
    Options one = options;
    one.name_or_file = entry.file.string();
    if (!options.out.empty()) one.out = (fs::path(options.out) / entry.name).string();
    const auto schedule = make_schedule(one, surroundings);
    if (!schedule) return refuse(schedule.error());
    trials.push_back({entry.name, entry.name, *schedule});
  }
  if (trials.empty()) return refuse(fmt::format("{}: there are no scenarios", directory.string()));
  const TrialResults results = run_trials(trials, surroundings, options.until_certain);
  print_trials(results);
  return exit_status(results);
}

int run(const Options& options, const Surroundings& surroundings) {
  if (options.list) return list(surroundings);
  if (!options.until_certain.empty()) {
    if (const auto confidence = parse_confidence(options.until_certain); !confidence)
      return refuse(confidence.error());
  }
  if (options.all) return run_every(options, surroundings);
  if (options.name_or_file.empty()) return refuse("no scenario is given; see leakhunt scenario --list");
  const auto schedule = make_schedule(options, surroundings);
  if (!schedule) return refuse(schedule.error());
  const std::string why = why_to_the_end(*schedule);
  if (!options.until_certain.empty() && !why.empty()) return refuse("--until-certain: " + why);
  if (schedule->kind == runner::ScenarioKind::kSingle) return run_single(*schedule, options, surroundings);
  return run_several(*schedule, surroundings, {options.history, options.until_certain});
}

}  // namespace

void declare_scenario(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command = app.add_subcommand("scenario", "Run a scenario and judge its memory");
  auto options = std::make_shared<Options>();
  command->add_option("scenario", options->name_or_file,
                      "NAME of a scenario that comes with leakhunt, or a FILE.toml");
  command->add_flag("--list", options->list, "Print the scenarios that come with leakhunt");
  command->add_flag(
      "--all", options->all,
      "Run all of them, one after the other, and print one table: did each come out as expected?");
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
  declare_config(*command, options->config);
  declare(*command, options->history);
  declare_until_certain(*command, options->until_certain);
  command->add_flag("--no-positive-control", options->no_positive_control,
                    "Do not show, with an injected leak, that the gate would catch one");
  command->footer(
      "Exit status: 0 pass, 1 fail, 2 wrong call or something missing, 3 the program itself failed,\n"
      "             4 inconclusive; with --all 0 when all came out as expected, 1 when one did not.\n"
      "docs/scenarios.md describes the files.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes ? refuse("scenario takes no program after --; see leakhunt run --help")
                                     : run(*options, surroundings);
  });
}

}  // namespace leakhunt::cli
