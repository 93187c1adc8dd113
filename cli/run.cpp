// leakhunt run -- PROGRAM ARGS: records any dynamically linked program, with its own terminal.
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/baseline_file.h"
#include "cli/commands.h"
#include "cli/configured_budget.h"
#include "cli/history_option.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "cli/recording_options.h"
#include "cli/until_certain.h"
#include "cli/verdict_line.h"
#include "lib/recording/reader.h"
#include "scenarios/runner/build_kind.h"
#include "scenarios/runner/closing.h"
#include "scenarios/runner/conduct.h"
#include "scenarios/runner/program.h"
#include "scenarios/runner/quantities.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

// CLI11 does not see what stands behind "--".
class RunFormatter : public CLI::Formatter {
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: leakhunt run [OPTIONS] -- PROGRAM ARGS...\n";
  }
};

struct Options {
  RecordingOptions recording;
  std::optional<std::string> iteration_regex;
  std::optional<std::string> iteration_symbol;
  std::string follow_fork = "yes";
  bool by_thread = false;
  std::string until_certain;
  uint64_t iterations = 0;
  std::string baseline;
  HistoryOption history;
};

tl::expected<void, std::string> choose_clock(const Options& options, runner::Order& order) {
  const int given = (options.recording.interval ? 1 : 0) + (options.iteration_regex ? 1 : 0) +
                    (options.iteration_symbol ? 1 : 0);
  if (given > 1) {
    return tl::unexpected<std::string>(
        "--iteration-regex, --iteration-symbol and --interval each say what an iteration is: give one of "
        "them");
  }
  order.marks = {options.iteration_regex, options.iteration_symbol};
  const auto interval = parse_interval(options.recording);
  if (!interval) return tl::unexpected(interval.error());
  order.interval = *interval;
  return {};
}

tl::expected<runner::Order, std::string> make_order(const Options& options,
                                                    const Surroundings& surroundings) {
  runner::Order order;
  order.command = surroundings.after_dashes;
  order.program_directory = surroundings.program_directory;
  const auto program = runner::find_program(order.command.front(), {});
  if (!program) return tl::unexpected(program.error());
  order.program = *program;
  order.name = order.program.filename().string();
  const auto budget = parse_budget(options.recording);
  if (!budget) return tl::unexpected(budget.error());
  order.budget = *budget;
  order.budget.build = runner::build_of(order.program);
  order.environment["LEAKHUNT_UNWINDER"] = options.recording.stacks;
  if (const auto clock = choose_clock(options, order); !clock) return tl::unexpected(clock.error());
  order.judged_at_once = true;
  order.follow_children = options.follow_fork == "yes";
  const auto graph = graph_plan(options.recording, order.budget);
  if (!graph) return tl::unexpected(graph.error());
  order.environment["LEAKHUNT_GRAPH"] = *graph;
  auto judge =
      live_judge(options.until_certain, options.iterations, options.iterations / 10, "add --iterations N");
  if (!judge) return tl::unexpected(judge.error());
  order.judge = std::move(*judge);
  if (options.by_thread || has_thread_limits(order.budget)) order.environment["LEAKHUNT_BY_THREAD"] = "1";
  return order;
}

std::string own_status(const recording::Outcome& outcome) {
  if (outcome.signal != 0) return fmt::format("was ended by SIG{}", sigabbrev_np(outcome.signal));
  return fmt::format("ended with status {}", outcome.exit_status);
}

// Two lines: the verdict and what decided it; how the program ended and where to read on.
void print_summary(const runner::Order& order, const runner::Watched& watched, const reports::Report& report,
                   const fs::path& out) {
  say(verdict_line(report));
  const size_t processes = report.processes.processes();
  say(fmt::format("{} {} after {}, peak RSS {}{}; report: {}", order.name, own_status(watched.outcome),
                  runner::human_duration(std::chrono::nanoseconds(watched.outcome.wall_ns)),
                  runner::human_bytes(report.peak_rss_bytes),
                  processes > 1 ? fmt::format(", {} processes", processes) : "",
                  (fs::proximate(out) / "report.txt").string()));
}

tl::expected<void, std::string> compare(const Options& options, Judged& judged) {
  if (options.baseline.empty()) return {};
  return compare_with(options.baseline, !options.recording.no_positive_control, judged);
}

// Pointers that explain something get names of variables and members. What was concluded without them is
// concluded again: from the recording, since the paths of the run in hand are those for readers by now.
tl::expected<recording::GraphDetail, std::string> settle_graphs(const fs::path& file, Judged& judged) {
  const bool is_growth_found = !judged.report.findings.empty();
  if (!runner::explains_something(*judged.run, is_growth_found))
    return runner::settle_graphs(file, is_growth_found, *judged.run);
  auto again = recording::read_recording(file.string());
  if (!again) return tl::unexpected(again.error().message);
  auto run = std::make_unique<recording::Run>(std::move(*again));
  const recording::GraphDetail detail = runner::settle_graphs(file, is_growth_found, *run);
  auto named = judge_run(std::move(run), file);
  if (!named) return tl::unexpected(named.error());
  judged = std::move(*named);
  return detail;
}

int run(const Options& options, const Surroundings& surroundings) {
  if (surroundings.after_dashes.empty()) {
    return refuse("no program is given; write leakhunt run [options] -- PROGRAM ARGS");
  }
  const auto order = make_order(options, surroundings);
  if (!order) return refuse(order.error());
  if (!options.baseline.empty()) {  // not only when the program has run
    if (const auto baseline = read_baseline(options.baseline); !baseline) return refuse(baseline.error());
  }
  const std::string& given = options.recording.out;
  const auto out =
      runner::OutputDirectory::open(given.empty() ? fs::path("out") / order->name : fs::path(given));
  if (!out) return refuse(out.error());
  auto watched = runner::conduct(*order, *out);
  if (!watched) return refuse(watched.error());

  auto judged = judge_run(std::move(watched->run), out->recording());
  if (!judged)
    return watched->interrupted_by != 0 ? kSignalled + watched->interrupted_by : refuse(judged.error());
  const auto graphs = settle_graphs(out->recording(), *judged);
  if (!graphs) return refuse(graphs.error());
  const runner::Packing packing(out->recording(), *graphs);
  if (const auto compared = compare(options, *judged); !compared) return refuse(compared.error());
  if (const auto written = write_reports(judged->report, out->path()); !written)
    return refuse(written.error());
  print_summary(*order, *watched, judged->report, out->path());
  if (const auto kept = keep_in_history(judged->report, options.history); !kept) return refuse(kept.error());
  if (watched->interrupted_by != 0) return kSignalled + watched->interrupted_by;
  return reports::exit_status(judged->report);
}

}  // namespace

void declare_run(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command = app.add_subcommand("run", "Record any dynamically linked program and judge its memory");
  auto options = std::make_shared<Options>();
  command->formatter(std::make_shared<RunFormatter>());
  declare(*command, options->recording, "out/PROGRAM",
          "Ceiling of resident memory; above it the program is stopped");
  command
      ->add_option("--iteration-regex", options->iteration_regex,
                   "Every line of output that matches ends an iteration (a Perl-compatible expression)")
      ->type_name("R");
  command
      ->add_option(
          "--iteration-symbol", options->iteration_symbol,
          "Every entry of this function begins an iteration: a name of C, C++ or Rust, or LIBRARY:NAME")
      ->type_name("F");
  command
      ->add_option("--follow-fork", options->follow_fork,
                   "Record its children as well, each by itself, in one report")
      ->check(CLI::IsMember({"yes", "no"}))
      ->capture_default_str();
  command->add_flag(
      "--by-thread", options->by_thread,
      "Tell the allocations of different threads apart: leakhunt report --by-thread shows them");
  declare_until_certain(*command, options->until_certain);
  command->add_option("--iterations", options->iterations, "How many there will be, for --until-certain")
      ->type_name("N");
  command->add_option("--baseline", options->baseline, "Compare it with this baseline, as leakhunt gate does")
      ->type_name("FILE");
  declare(*command, options->history);
  command->footer(
      "The program keeps its terminal; two lines on stderr sum up. Exit status: 0 pass, 1 fail, 2 wrong\n"
      "call or something missing, 3 the program itself failed, 4 inconclusive, 128+N ended by signal N.");
  command->callback([&status, &surroundings, options] { status = run(*options, surroundings); });
}

}  // namespace leakhunt::cli
