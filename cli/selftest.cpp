// leakhunt selftest: injects every defect that comes with leakhunt into its program, and proves that the
// verdict sees what is there to be seen, and nothing else: the defect as its scenario says, and the same run
// without it as a pass.
#include <iostream>
#include <memory>
#include <tuple>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configured_budget.h"
#include "cli/messages.h"
#include "cli/trials.h"
#include "scenarios/runner/catalogue.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

struct Options {
  std::vector<std::string> defects;
  std::vector<std::string> overrides;
  std::string out = "out/selftest";
};

bool is_wanted(const Options& options, const runner::CatalogueEntry& entry) {
  if (entry.defect.empty() && entry.twin.empty()) return false;
  if (options.defects.empty()) return true;
  for (const std::string& name : options.defects) {
    const bool known = !entry.defect.empty() && runner::find_defect({entry}, name);
    if (known || runner::find_scenario(entry.file.parent_path(), name) == entry.file) return true;
  }
  return false;
}

tl::expected<Trial, std::string> make_trial(const runner::CatalogueEntry& entry, const std::string& name,
                                            std::vector<std::string> overrides, const Options& options,
                                            const Surroundings& surroundings) {
  auto schedule = runner::make_schedule(
      {entry.file, std::move(overrides), surroundings.program_directory, {}, fs::path(options.out) / name});
  if (!schedule) return tl::unexpected(schedule.error());
  const auto completed = complete_budgets(*schedule, "", true);
  if (!completed) return tl::unexpected(completed.error());
  return Trial{name, name, std::move(*schedule)};
}

// Of a scenario that is slow by its arguments, its twin; it races with itself.
tl::expected<Trial, std::string> make_twin(const runner::CatalogueEntry& entry, const Trial& broken,
                                           const Options& options, const Surroundings& surroundings) {
  runner::CatalogueEntry twin = entry;
  const auto file = runner::find_scenario(entry.file.parent_path(), entry.twin);
  if (!file) return tl::unexpected(file.error());
  twin.file = *file;
  auto healthy = make_trial(twin, entry.name + "-healthy", options.overrides, options, surroundings);
  if (!healthy) return healthy;
  healthy->schedule.race = broken.schedule.race;
  healthy->schedule.race->subject = healthy->schedule.race->twin;
  return healthy;
}

// The defect and, behind it, its healthy twin: the same in everything else.
tl::expected<std::vector<Trial>, std::string> make_pair_of(const runner::CatalogueEntry& entry,
                                                           const Options& options,
                                                           const Surroundings& surroundings) {
  auto broken = make_trial(entry, entry.name, options.overrides, options, surroundings);
  if (!broken) return tl::unexpected(broken.error());
  std::vector<std::string> overrides = options.overrides;
  overrides.push_back("defect=");
  auto healthy = entry.defect.empty() ? make_twin(entry, *broken, options, surroundings)
                                      : make_trial(entry, entry.name + "-healthy", std::move(overrides),
                                                   options, surroundings);
  if (!healthy) return tl::unexpected(healthy.error());
  healthy->row = "  without it";
  healthy->schedule.expected_verdict = "pass";
  healthy->schedule.expected_finding = {};
  healthy->schedule.expected_reason.clear();
  healthy->schedule.diagnoses.clear();
  return std::vector<Trial>{std::move(*broken), std::move(*healthy)};
}

bool has_same_run(const runner::Plan& a, const runner::Plan& b) {
  const auto figures = [](const recording::Budget& budget) {
    return std::tuple(budget.peak_rss_bytes, budget.growth_bytes_per_iteration,
                      budget.min_iterations_per_second);
  };
  const auto of_run = [](const runner::Plan& plan) {
    const recording::Scenario& scenario = plan.scenario;
    return std::tie(plan.program, plan.environment, plan.timeout, scenario.command, scenario.iterations,
                    scenario.warm_up, scenario.defect);
  };
  const auto is_plain = [](const runner::Plan& plan) {
    return plan.budget.limits.empty() && plan.budget.suppressions.empty() && plan.baseline.empty();
  };
  return of_run(a) == of_run(b) && figures(a.budget) == figures(b.budget) && is_plain(a) && is_plain(b);
}

// Several defects of one program have the same healthy twin: it runs once.
void share_twins(std::vector<Trial>& trials) {
  const auto is_plain = [](const Trial& trial) {
    const runner::Schedule& schedule = trial.schedule;
    return schedule.kind == runner::ScenarioKind::kSingle && !schedule.race &&
           schedule.runs.front().scenario.defect.empty();
  };
  for (size_t i = 0; i < trials.size(); ++i) {
    for (size_t earlier = 0; earlier < i && !trials[i].same_as && is_plain(trials[i]); ++earlier) {
      if (!is_plain(trials[earlier]) || trials[earlier].same_as) continue;
      if (has_same_run(trials[earlier].schedule.runs.front(), trials[i].schedule.runs.front()))
        trials[i].same_as = earlier;
    }
  }
}

int run(const Options& options, const Surroundings& surroundings) {
  const fs::path directory = runner::scenarios_directory(surroundings.program_directory);
  const auto entries = runner::list_scenarios(directory, surroundings.program_directory);
  for (const std::string& name : options.defects) {
    const auto known = runner::find_defect(entries, name);
    if (!known && !runner::find_scenario(directory, name)) return refuse(known.error());
  }
  std::vector<Trial> trials;
  for (const runner::CatalogueEntry& entry : entries) {
    if (!is_wanted(options, entry)) continue;
    auto pair = make_pair_of(entry, options, surroundings);
    if (!pair) return refuse(pair.error());
    std::move(pair->begin(), pair->end(), std::back_inserter(trials));
  }
  if (trials.empty()) return refuse(fmt::format("{}: no scenario has a defect", directory.string()));
  share_twins(trials);
  const TrialResults results = run_trials(trials, surroundings);
  print_trials(results);
  return exit_status(results);
}

}  // namespace

void declare_selftest(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command = app.add_subcommand("selftest", "Inject every defect, and prove that it is found");
  auto options = std::make_shared<Options>();
  command->add_option("defect", options->defects, "Only these (default: all of leakhunt scenario --list)");
  command
      ->add_option("--set", options->overrides,
                   "Override a key of all their scenarios: --set iterations=500 (may be repeated)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "Directory for recordings and reports")
      ->type_name("DIR")
      ->capture_default_str();
  command->footer(
      "Each defect runs in its scenario, and then the same without it, which has to pass.\n"
      "Exit status: 0 all came out as expected, 1 one did not, 2 wrong call or something missing.");
  command->callback([&status, &surroundings, options] {
    status =
        surroundings.has_dashes ? refuse("selftest takes no program after --") : run(*options, surroundings);
  });
}

}  // namespace leakhunt::cli
