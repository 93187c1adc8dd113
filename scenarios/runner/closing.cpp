#include "scenarios/runner/closing.h"

#include <algorithm>

#include "lib/recording/appender.h"
#include "lib/recording/reader.h"
#include "scenarios/runner/child_recordings.h"
#include "scenarios/runner/data_names.h"
#include "scenarios/runner/program.h"

namespace leakhunt::runner {

using recording::GraphDetail;
using recording::Run;
using Refusal = tl::unexpected<std::string>;

namespace {

// Why the tracker cannot have started in what the program executed at its end; empty when that is not known.
std::string why_not_recorded(const Run& run) {
  if (run.end != recording::EndKind::kExec || run.next_program.empty()) return "";
  const auto program = find_program(run.next_program, {});
  if (!program) return "";  // a path as seen from a directory that the program had gone to
  const auto kind = inspect_program(*program);
  return kind ? "" : kind.error();
}

}  // namespace

tl::expected<Run, std::string> close_recordings(const OutputDirectory& out, const Watched& watched,
                                                Symboliser& symboliser) {
  const std::string recording = out.recording().string();
  recording::Reader reader(recording, recording::Peaks::kThatStay);
  if (const auto read = reader.poll(); !read) return Refusal(read.error().message);
  const recording::Symbols symbols = symboliser.symbolise(reader.run());
  const recording::LeftRunning left_running = close_child_recordings(out.processes(), symboliser);
  recording::Outcome outcome = watched.outcome;
  outcome.not_recorded = why_not_recorded(reader.run());
  const auto closed =
      recording::append_host_records(recording, symbols, watched.samples, outcome, left_running);
  if (!closed) return Refusal(closed.error().message);
  if (watched.certainty) {
    const auto noted = recording::append_record(recording, recording::RecordType::kCertainty,
                                                recording::encode(*watched.certainty));
    if (!noted) return Refusal(noted.error().message);
  }
  if (const auto read = reader.poll(); !read) return Refusal(read.error().message);
  return std::move(reader).take_run();
}

bool explains_something(const Run& run, bool is_growth_found) {
  const bool by_growth = std::any_of(
      run.graphs.begin(), run.graphs.end(),
      [](const recording::HeapGraph& graph) { return graph.reason == recording::GraphReason::kGrowth; });
  return !run.graphs.empty() && (is_growth_found || !by_growth);
}

GraphDetail settle_graphs(const std::filesystem::path& recording, bool is_growth_found, Run& run) {
  if (!explains_something(run, is_growth_found)) {
    for (recording::HeapGraph& graph : run.graphs) recording::leave_out_pointers(graph);
    return GraphDetail::kSums;
  }
  const recording::DataNames names = name_data(run, run.symbols);
  if (names.variables.empty() && names.members.empty()) return GraphDetail::kAll;
  // Without them a graph has offsets for names: no reason to refuse the run.
  static_cast<void>(
      recording::append_record(recording, recording::RecordType::kDataNames, recording::encode(names)));
  run.data_names = names;
  return GraphDetail::kAll;
}

Packing::Packing(const std::filesystem::path& recording, GraphDetail graphs)
    : thread_([path = recording.string(), graphs] {
        static_cast<void>(recording::pack_recording(path, graphs));
      }) {}

}  // namespace leakhunt::runner
