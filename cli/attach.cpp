// leakhunt attach PID: records a program that is running already, for a while, and judges it.
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/judged.h"
#include "cli/messages.h"
#include "scenarios/runner/attach.h"
#include "scenarios/runner/quantities.h"
#include "scenarios/runner/tracker_library.h"

namespace leakhunt::cli {

namespace fs = std::filesystem;

namespace {

constexpr int kMinInterval_ms = 1;
constexpr int kMaxInterval_ms = 60'000;

struct Options {
  pid_t pid = 0;
  std::string out;
  std::optional<std::string> budget;
  std::optional<std::string> max_growth;
  std::optional<std::string> duration;
  int interval_ms = 100;
  std::string stacks = "cfi";
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
  const auto ceiling = parse_ceiling("--budget", options.budget);
  if (!ceiling) return tl::unexpected(ceiling.error());
  order.budget.peak_rss_bytes = *ceiling;
  const auto growth = parse_amount("--max-growth", options.max_growth);
  if (!growth) return tl::unexpected(growth.error());
  if (*growth) order.budget.growth_bytes_per_iteration = static_cast<double>(**growth);
  if (options.duration) {
    const auto duration = runner::parse_duration(*options.duration);
    if (!duration) return tl::unexpected(fmt::format("--for: {}", duration.error()));
    order.duration = *duration;
  }
  order.stacks = options.stacks;
  order.interval = std::chrono::milliseconds(options.interval_ms);
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

const char* verdict_word(const reports::Report& report) {
  if (report.verdict() == reports::Verdict::kTargetFailed) return "no verdict";
  return reports::to_string(report.verdict()).data();
}

std::string reason(const reports::Report& report) {
  const auto& checks = report.judgement.checks;
  if (report.verdict() != reports::Verdict::kPass && !checks.empty()) return checks.front().text;
  if (report.growth.process.kind == reports::GrowthClass::kUnjudged) return "too short to judge growth";
  return fmt::format("no growth over {} ticks of the clock", report.timeline.judged_steps());
}

void print_summary(const runner::AttachOrder& order, const runner::Attached& attached,
                   const reports::Report& report, const fs::path& out) {
  if (!attached.problem.empty()) say(attached.problem);
  say(fmt::format("{}: {}", verdict_word(report), reason(report)));
  say(fmt::format("{} {} after {} with us, peak RSS {}; report: {}", order.process.name,
                  how_it_ended(attached), runner::human_duration(attached.duration),
                  runner::human_bytes(report.peak_rss_bytes), (fs::proximate(out) / "report.txt").string()));
}

int attach(const Options& options, const Surroundings& surroundings) {
  const auto order = make_order(options, surroundings);
  if (!order) return refuse(order.error());
  const auto out = runner::OutputDirectory::open(
      options.out.empty() ? fs::path("out") / fmt::format("{}.{}", order->process.name, order->process.pid)
                          : fs::path(options.out));
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
  command->add_option("--out", options->out, "Directory for recording and reports (default: out/PROGRAM.PID)")
      ->type_name("DIR");
  command
      ->add_option("--budget", options->budget,
                   "Resident memory that is still a pass; the program is not stopped")
      ->type_name("5GB");
  command->add_option("--max-growth", options->max_growth, "Growth per iteration that is still a pass")
      ->type_name("BYTES");
  command->add_option("--interval", options->interval_ms, "Clock, in milliseconds")
      ->check(CLI::Range(kMinInterval_ms, kMaxInterval_ms))
      ->type_name("MS")
      ->capture_default_str();
  command
      ->add_option(
          "--stacks", options->stacks,
          "How call stacks are found: by unwind rules (cfi), by frame pointers only (fp), or not (none)")
      ->check(CLI::IsMember({"cfi", "fp", "none"}))
      ->capture_default_str();
  command->footer(
      "One thread of the program is borrowed for some milliseconds, at the beginning and at the end; nothing "
      "is\n"
      "stopped for good, and the program goes on as it was. What it allocated before has no call sites. What "
      "is\n"
      "risked, and what not: docs/command.md. Exit status: 0 pass, 1 fail, 2 wrong call, or why not, 4 "
      "inconclusive.");
  command->callback([&status, &surroundings, options] {
    status = surroundings.has_dashes ? refuse("attach takes no program after --; see leakhunt run --help")
                                     : attach(*options, surroundings);
  });
}

}  // namespace leakhunt::cli
