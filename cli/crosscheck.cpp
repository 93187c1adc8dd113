// leakhunt crosscheck NAME, or -- PROGRAM ARGS: the same program under leakhunt, heaptrack, massif and
// memcheck, and on what they agree.
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "reports/crosscheck.h"
#include "scenarios/runner/catalogue.h"
#include "scenarios/runner/conduct.h"
#include "scenarios/runner/program.h"
#include "scenarios/runner/scenario.h"
#include "scenarios/runner/second_opinion.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

using Refusal = tl::unexpected<std::string>;

constexpr const char* kFewIterations = "iterations=20";  // Valgrind takes fifty times as long
constexpr const char* kFewWarmUp = "warm_up=5";
constexpr std::string_view kInstrumented = "_instrumented";

struct Options {
  std::string name_or_file;
  std::vector<std::string> overrides;
  std::string out;
  uint64_t timeout_seconds = 600;
};

// What all four run.
struct Subject {
  std::string name;
  runner::Order order;
  fs::path out;
  std::vector<std::string> notes;
};

bool sets(const std::vector<std::string>& overrides, std::string_view key) {
  return std::any_of(overrides.begin(), overrides.end(), [&](const std::string& each) {
    return each.starts_with(key) && each.substr(key.size(), 1) == "=";
  });
}

// A plain build beside an instrumented one. A defect is in the instrumented one only.
void choose_build(Subject& subject) {
  runner::Order& order = subject.order;
  const std::string name = order.program.filename().string();
  if (!name.ends_with(kInstrumented)) return;
  const fs::path plain = order.program.parent_path() / name.substr(0, name.size() - kInstrumented.size());
  std::error_code ignored;
  if (!order.scenario->defect.empty()) {
    order.environment["LEAKHUNT_DEFECT"] = order.scenario->defect;
    subject.notes.push_back(fmt::format("all tools run {}, for the plain build has no defects", name));
  } else if (fs::exists(plain, ignored)) {
    order.program = plain;
    order.command.front() = plain.filename().string();
    subject.notes.push_back(fmt::format("all tools run the plain build, {}", plain.filename().string()));
  } else {
    subject.notes.push_back(fmt::format("all tools run {}: there is no plain build of it", name));
  }
}

tl::expected<Subject, std::string> subject_of_scenario(const Options& options,
                                                       const Surroundings& surroundings) {
  const auto file = runner::find_scenario(runner::scenarios_directory(surroundings.program_directory),
                                          options.name_or_file);
  if (!file) return Refusal(file.error());
  Subject subject;
  std::vector<std::string> overrides = options.overrides;
  if (!sets(overrides, "iterations")) {
    overrides.emplace_back(kFewIterations);
    if (!sets(overrides, "warm_up")) overrides.emplace_back(kFewWarmUp);
    subject.notes.emplace_back(
        "20 iterations, since Valgrind is slow: --set iterations=N makes it another number");
  }
  auto schedule = runner::make_schedule({*file, overrides, surroundings.program_directory, "", options.out});
  if (!schedule) return Refusal(schedule.error());
  if (schedule->kind != runner::ScenarioKind::kSingle) {
    return Refusal(fmt::format(
        "{} has several runs, and crosscheck makes one; name a scenario of a single run", schedule->name));
  }
  const runner::Plan& plan = schedule->runs.front();
  subject.name = schedule->name;
  subject.out =
      options.out.empty() ? fs::path("out") / ("crosscheck." + schedule->name) : fs::path(options.out);
  subject.order.scenario = plan.scenario;
  subject.order.program = plan.program;
  subject.order.command = plan.scenario.command;
  subject.order.environment = plan.environment;
  choose_build(subject);
  return subject;
}

tl::expected<Subject, std::string> subject_of_program(const Options& options,
                                                      const Surroundings& surroundings) {
  Subject subject;
  const auto program = runner::find_program(surroundings.after_dashes.front(), {});
  if (!program) return Refusal(program.error());
  subject.order.program = *program;
  subject.order.command = surroundings.after_dashes;
  subject.name = program->filename().string();
  subject.out =
      options.out.empty() ? fs::path("out") / ("crosscheck." + subject.name) : fs::path(options.out);
  subject.order.scenario.emplace();  // its output goes into the log, as it does under the others
  subject.order.scenario->command = subject.order.command;
  return subject;
}

struct Asked {
  reports::Opinion opinion;
  int interrupted_by = 0;
};

reports::Opinion absent(std::string tool, std::string why) {
  reports::Opinion opinion;
  opinion.tool = std::move(tool);
  opinion.why_not = std::move(why);
  return opinion;
}

Asked ask_leakhunt(const Subject& subject, const runner::OutputDirectory& out, runner::SignalWatch& signals) {
  const auto watched = runner::conduct(subject.order, out, signals);
  if (!watched) return {absent("leakhunt", watched.error()), 0};
  const auto judged = judge_recording(out.recording());
  if (!judged) return {absent("leakhunt", judged.error()), watched->interrupted_by};
  if (!watched->outcome.stopped_for.empty())
    return {absent("leakhunt", watched->outcome.stopped_for), watched->interrupted_by};
  const double seconds = static_cast<double>(watched->outcome.wall_ns) * 1e-9;
  return {reports::opinion_of("leakhunt", judged->report, seconds), watched->interrupted_by};
}

Asked ask_peer(const Subject& subject, runner::Peer peer, const fs::path& directory, const Options& options,
               runner::SignalWatch& signals) {
  const std::string tool(runner::to_string(peer));
  runner::PeerOrder order;
  order.peer = peer;
  order.program = subject.order.program;
  order.arguments.assign(subject.order.command.begin() + 1, subject.order.command.end());
  order.environment = subject.order.environment;
  order.directory = directory;
  order.timeout = std::chrono::seconds(options.timeout_seconds);
  order.name = fmt::format("{} under {}", subject.name, tool);
  order.progress = runner::style_for(STDERR_FILENO);
  const runner::PeerRun run = runner::ask(order, signals);
  if (!run.why_not.empty()) return {absent(tool, run.why_not), run.interrupted_by};
  const auto judged = judge_recording(run.file);
  if (!judged) return {absent(tool, judged.error()), 0};
  return {reports::opinion_of(tool, judged->report, std::chrono::duration<double>(run.wall).count()), 0};
}

int run(const Options& options, const Surroundings& surroundings) {
  if (surroundings.has_dashes != options.name_or_file.empty() ||
      (surroundings.has_dashes && surroundings.after_dashes.empty())) {
    return refuse("crosscheck takes a scenario or, after --, a program; see leakhunt crosscheck --help");
  }
  if (surroundings.has_dashes && !options.overrides.empty())
    return refuse("--set is for scenarios: give the program its arguments after --");
  auto subject = surroundings.has_dashes ? subject_of_program(options, surroundings)
                                         : subject_of_scenario(options, surroundings);
  if (!subject) return refuse(subject.error());
  subject->order.name = subject->name + " under leakhunt";
  subject->order.program_directory = surroundings.program_directory;
  subject->order.timeout = std::chrono::seconds(options.timeout_seconds);
  subject->order.progress = runner::style_for(STDERR_FILENO);
  const auto out = runner::OutputDirectory::open(subject->out);
  if (!out) return refuse(out.error());

  runner::SignalWatch signals;
  Asked asked = ask_leakhunt(*subject, *out, signals);
  std::vector<reports::Opinion> opinions = {asked.opinion};
  for (const runner::Peer peer : runner::kPeers) {
    if (asked.interrupted_by != 0) return kSignalled + asked.interrupted_by;
    asked = ask_peer(*subject, peer, out->path(), options, signals);
    opinions.push_back(asked.opinion);
  }
  if (asked.interrupted_by != 0) return kSignalled + asked.interrupted_by;
  const reports::Crosscheck check =
      reports::make_crosscheck(subject->name, std::move(opinions), subject->notes);
  reports::write_crosscheck_text(check, std::cout);
  const auto written = write_file(out->path() / "crosscheck.txt",
                                  [&](std::ostream& file) { reports::write_crosscheck_text(check, file); });
  if (!std::cout.flush() || !written) return refuse(written ? "stdout cannot be written" : written.error());
  return reports::exit_status(check);
}

}  // namespace

void declare_crosscheck(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command = app.add_subcommand(
      "crosscheck", "Run the same under leakhunt, heaptrack, massif and memcheck, and compare");
  auto options = std::make_shared<Options>();
  command->add_option("scenario", options->name_or_file,
                      "NAME of a scenario or a FILE.toml; or, instead, -- PROGRAM ARGS");
  command->add_option("--set", options->overrides, "Override a key of the scenario (default: iterations=20)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "Directory for the files of all (default: out/crosscheck.NAME)")
      ->type_name("DIR");
  command->add_option("--timeout", options->timeout_seconds, "Seconds for each of the tools (default: 600)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000}))
      ->type_name("S");
  command->footer(
      "Exit status: 0 they agree, 1 they differ by more than the stated tolerances, 2 wrong call or\n"
      "something missing, 4 too few of the tools ran.");
  command->callback([&status, &surroundings, options] { status = run(*options, surroundings); });
}

}  // namespace leakhunt::cli
