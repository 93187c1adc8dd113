#include "cli/planned_run.h"

#include <unistd.h>

#include "cli/configured_budget.h"
#include "cli/log_tail.h"
#include "scenarios/runner/build_kind.h"

namespace leakhunt::cli {

namespace {

bool target_failed(const recording::Outcome& outcome) {
  return outcome.stopped_for.empty() && (outcome.exit_status != 0 || outcome.signal != 0);
}

}  // namespace

runner::Order order_of(const runner::Plan& plan, const std::string& shown, const Surroundings& surroundings) {
  runner::Order order;
  order.name = shown;
  order.scenario = plan.scenario;
  order.budget = plan.budget;
  order.budget.build = runner::build_of(plan.program);
  order.program = plan.program;
  order.command = plan.scenario.command;
  order.environment = plan.environment;
  if (has_thread_limits(plan.budget)) order.environment["LEAKHUNT_BY_THREAD"] = "1";
  if (has_lost_limits(plan.budget)) order.environment.try_emplace("LEAKHUNT_GRAPH", "auto+exit");
  order.timeout = plan.timeout;
  order.program_directory = surroundings.program_directory;
  order.progress = runner::style_for(STDERR_FILENO);
  return order;
}

tl::expected<Judged, std::string> conclude(const runner::Watched& watched,
                                           const runner::OutputDirectory& out) {
  if (target_failed(watched.outcome)) print_log_tail(out.log());
  auto judged = judge_recording(out.recording());
  if (!judged) return judged;
  const auto written = write_reports(judged->report, out.path());
  if (!written) return tl::unexpected(written.error());
  return judged;
}

}  // namespace leakhunt::cli
