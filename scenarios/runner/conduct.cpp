#include "scenarios/runner/conduct.h"

#include <unistd.h>

#include "lib/recording/appender.h"
#include "lib/recording/packing.h"
#include "lib/recording/reader.h"
#include "scenarios/runner/child_recordings.h"
#include "scenarios/runner/data_names.h"
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

// Why the tracker cannot have started in what the program executed at its end; empty when that is not known.
std::string why_not_recorded(const recording::Run& run) {
  if (run.end != recording::EndKind::kExec || run.next_program.empty()) return "";
  const auto program = find_program(run.next_program, {});
  if (!program) return "";  // a path as seen from a directory that the program had gone to
  const auto kind = inspect_program(*program);
  return kind ? "" : kind.error();
}

// Symbols now, while the modules are there; then what only the runner knows.
tl::expected<void, std::string> close_recordings(const OutputDirectory& out, const Watched& watched) {
  const std::string recording = out.recording().string();
  const auto run = recording::read_recording(recording);
  if (!run) return Refusal(run.error().message);
  Symboliser symboliser;
  const recording::Symbols symbols = symboliser.symbolise(*run);
  const recording::LeftRunning left_running = close_child_recordings(out.processes(), symboliser);
  recording::Outcome outcome = watched.outcome;
  outcome.not_recorded = why_not_recorded(*run);
  const auto closed = recording::append_host_records(recording, symbols, watched.samples, outcome,
                                                     left_running, name_data(*run, symbols));
  if (!closed) return Refusal(closed.error().message);
  if (watched.certainty) {
    const auto noted = recording::append_record(recording, recording::RecordType::kCertainty,
                                                recording::encode(*watched.certainty));
    if (!noted) return Refusal(noted.error().message);
  }
  // One that cannot be rewritten is as good as it was, only larger.
  static_cast<void>(recording::pack_recording(recording));
  return {};
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
  Progress progress(STDERR_FILENO, order.progress);
  Watched watched = watch(*target, watch_request(order, out), signals, progress);
  marks->finish();

  if (auto closed = close_recordings(out, watched); !closed) return Refusal(closed.error());
  return watched;
}

tl::expected<Watched, std::string> conduct(const Order& order, const OutputDirectory& out) {
  SignalWatch signals;
  return conduct(order, out, signals);
}

}  // namespace leakhunt::runner
