#include "scenarios/runner/conduct.h"

#include <unistd.h>

#include "lib/recording/appender.h"
#include "scenarios/runner/closing.h"
#include "scenarios/runner/names_ahead.h"
#include "scenarios/runner/program.h"
#include "scenarios/runner/symbolise.h"
#include "scenarios/runner/tracker_library.h"

namespace leakhunt::runner {

namespace {

using Refusal = tl::unexpected<std::string>;

// The library for the target, or none for a program that is linked with it.
tl::expected<std::optional<PreloadableName>, std::string> preload_for(const Order& order) {
  const auto kind = inspect_program(order.program);
  if (!kind) return Refusal(kind.error());
  if (kind->needs_tracker) return std::optional<PreloadableName>();
  const auto library = find_tracker_library(order.program_directory);
  if (!library) return Refusal(library.error());
  auto name = PreloadableName::of(*library);
  if (!name) return Refusal(name.error());
  return std::optional<PreloadableName>(std::move(*name));
}

LaunchRequest launch_request(const Order& order, const OutputDirectory& out,
                             const std::optional<PreloadableName>& tracker, const IterationMarks& marks) {
  LaunchRequest request;
  request.program = order.program;
  request.command = order.command;
  request.environment = order.environment;
  request.environment.insert(marks.environment().begin(), marks.environment().end());
  request.standard_output = marks.target_end(STDOUT_FILENO);
  request.standard_error = marks.target_end(STDERR_FILENO);
  request.recording = out.recording();
  if (order.follow_children) request.processes = out.processes();
  if (tracker) request.tracker = tracker->path();
  request.interval = order.interval;
  request.ends_with_us = order.scenario.has_value() || order.budget.peak_rss_bytes.has_value();
  if (order.scenario) {
    request.defect = order.scenario->defect;
    request.log = out.log();
  }
  return request;
}

WatchRequest watch_request(const Order& order, const OutputDirectory& out) {
  WatchRequest request;
  request.name = order.name;
  request.recording = out.recording();
  if (order.scenario) {
    request.iterations = order.scenario->iterations;
    request.warm_up = order.scenario->warm_up;
  }
  request.limits.ceiling_bytes = order.budget.peak_rss_bytes;
  request.limits.timeout = order.timeout;
  request.judge = order.judge;
  request.limits.target_has_terminal = !order.scenario.has_value();
  return request;
}

}  // namespace

tl::expected<Watched, std::string> conduct(const Order& order, const OutputDirectory& out,
                                           SignalWatch& signals) {
  const auto tracker = preload_for(order);
  if (!tracker) return Refusal(tracker.error());
  auto marks = IterationMarks::prepare(order.marks, order.program);
  if (!marks) return Refusal(marks.error());
  out.clear();
  const auto created = recording::create_recording(out.recording().string(),
                                                   order.scenario ? &*order.scenario : nullptr, order.budget);
  if (!created) return Refusal(created.error().message);

  if (const auto opened = marks->open(out.path()); !opened) return Refusal(opened.error());
  const auto target = launch(launch_request(order, out, *tracker, *marks));
  if (!target) return Refusal(target.error());
  marks->start(target->pid);
  Symboliser symboliser;
  NamesAhead names(out.recording().string(), symboliser);
  Progress progress(STDERR_FILENO, order.progress);
  Watched watched = watch(*target, watch_request(order, out), signals, progress);
  marks->finish();
  names.stop();

  auto run = close_recordings(out, watched, symboliser);
  if (!run) return Refusal(run.error());
  if (order.judged_at_once) {
    watched.run = std::make_unique<recording::Run>(std::move(*run));
  } else {
    const Packing packing(out.recording(), settle_graphs(out.recording(), true, *run));
  }
  return watched;
}

tl::expected<Watched, std::string> conduct(const Order& order, const OutputDirectory& out) {
  SignalWatch signals;
  return conduct(order, out, signals);
}

}  // namespace leakhunt::runner
