// leakhunt attach PID: records a program that is running already, for a while, and judges it.
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "cli/recording_options.h"
#include "cli/verdict_line.h"
#include "scenarios/runner/attach.h"
#include "scenarios/runner/quantities.h"
#include "scenarios/runner/tracker_library.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

struct Options {
  pid_t pid = 0;
  RecordingOptions recording;
  std::optional<std::string> duration;
};

tl::expected<runner::AttachOrder, std::string> make_order(const Options& options,
                                                          const Surroundings& surroundings) {
  runner::AttachOrder order;
  const auto library = runner::find_tracker_library(surroundings.program_directory);
  if (!library) return tl::unexpected(library.error());
  order.library = fs::canonical(*library);
  const auto process = runner::inspect_process(options.pid, order.library);
  if (!process) return tl::unexpected(process.error());
  order.process = *process;
  const auto budget = parse_budget(options.recording);
  if (!budget) return tl::unexpected(budget.error());
  order.budget = *budget;
  const auto interval = parse_interval(options.recording);
  if (!interval) return tl::unexpected(interval.error());
  if (*interval) order.interval = **interval;
  if (options.duration) {
    const auto duration = runner::parse_duration(*options.duration);
    if (!duration) return tl::unexpected(fmt::format("--for: {}", duration.error()));
    order.duration = *duration;
  }
  const auto graph = graph_plan(options.recording, order.budget);
  if (!graph) return tl::unexpected(graph.error());
  order.graph = *graph;
  order.stacks = options.recording.stacks;
  return order;
}

std::string how_it_ended(const runner::Attached& attached) {
  switch (attached.end) {
    case runner::Attached::End::kDetached:
      return "goes on without us";
    case runner::Attached::End::kProgramEnded:
      return "ended by itself";
    case runner::Attached::End::kProgramReplaced:
      return "called exec, and goes on without us";
    case runner::Attached::End::kNotDetached:
      return "goes on, and still has the tracker in it";
  }
  return {};
}

void print_summary(const runner::AttachOrder& order, const runner::Attached& attached,
                   const reports::Report& report, const fs::path& out) {
  if (!attached.problem.empty()) say(attached.problem);
  say(verdict_line(report));
  say(fmt::format("{} {} after {} with us, peak RSS {}; report: {}", order.process.name,
                  how_it_ended(attached), runner::human_duration(attached.duration),
                  runner::human_bytes(report.peak_rss_bytes), (fs::proximate(out) / "report.txt").string()));
}

int attach(const Options& options, const Surroundings& surroundings) {
  const auto order = make_order(options, surroundings);
  if (!order) return refuse(order.error());
  const std::string& given = options.recording.out;
  const auto out = runner::OutputDirectory::open(
      given.empty() ? fs::path("out") / fmt::format("{}.{}", order->process.name, order->process.pid)
                    : fs::path(given));
  if (!out) return refuse(out.error());
  const auto attached = runner::attach(*order, *out, [&] {
    say(fmt::format("attached to {} ({}); {}", order->process.name, order->process.pid,
                    order->duration ? fmt::format("for {}", runner::human_duration(*order->duration))
                                    : "Ctrl-C lets it go again"));
  });
  if (!attached) return refuse(attached.error());
  const auto judged = judge_recording(out->recording());
  if (!judged) return refuse(judged.error());
  if (const auto written = write_reports(judged->report, out->path()); !written)
    return refuse(written.error());
  print_summary(*order, *attached, judged->report, out->path());
  return reports::exit_status(judged->report);
}

}  // namespace

void declare_attach(CLI::App& app, const Surroundings& surroundings, int& status) {
  CLI::App* command =
      app.add_subcommand("attach", "Record a program that is running already, and judge its memory");
  auto options = std::make_shared<Options>();
  command->add_option("pid", options->pid, "Number of the process")->required()->check(CLI::PositiveNumber);
  command->add_option("--for", options->duration, "How long; otherwise until Ctrl-C, or the program's end")
      ->type_name("30s");
  declare(*command, options->recording, "out/PROGRAM.PID",
          "Resident memory that is still a pass; the program is not stopped");
  command->footer(
      "One thread of the program is borrowed for some milliseconds, at the beginning and at the end; "
      "nothing\n"
      "is stopped for good, and the program goes on as it was. What it allocated before has no call sites.\n"
      "What is risked, and what not: docs/command.md. Exit status: 0 pass, 1 fail, 2 wrong call, or why "
      "not,\n"
      "4 inconclusive.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes ? refuse("attach takes no program after --; see leakhunt run --help")
                                     : attach(*options, surroundings);
  });
}

}  // namespace leakhunt::cli
