// RunBuilder, continued: what the tracker says of itself.
#include <limits>
#include <optional>
#include <string>

#include "lib/recording/run_builder.h"
#include "lib/recording/sampling_codec.h"

namespace leakhunt::recording {

bool RunBuilder::take_step_aside(Decoder& in) {
  const StepAside record = decode_step_aside(in);
  if (in.failed || record.error > static_cast<uint64_t>(std::numeric_limits<int>::max())) return false;
  run_.step_asides.push_back(
      {record.iteration, static_cast<int>(record.error), std::string(view_of(record.reason)), record.kind});
  return true;
}

bool RunBuilder::take_iteration_marks(Decoder& in) {
  const IterationMarks record = decode_iteration_marks(in);
  if (in.failed) return false;
  run_.marks = {record.by, std::string(view_of(record.what)), record.in_effect,
                std::string(view_of(record.obstacle))};
  return true;
}

bool RunBuilder::take_attached(Decoder& in) {
  const Attached record = decode_attached(in);
  if (in.failed) return false;
  run_.attached = AttachedNote{record.time_ns, std::nullopt, record.rss_bytes, record.foreign_frees};
  if (record.heap_known) run_.attached->heap_bytes = record.heap_bytes;
  return true;
}

// Another one of the same state only brings its totals up to date.
bool RunBuilder::take_sampling(Decoder& in) {
  const SamplingRecord record = decode_sampling(in);
  if (in.failed) return false;
  const SamplingNote note{
      record.iteration,         record.interval_bytes, record.stacks_end,      static_cast<int>(record.error),
      record.group_limit_bytes, record.allocations,    record.allocated_bytes, record.frees};
  const bool same = !run_.sampling.empty() && run_.sampling.back().interval_bytes == note.interval_bytes &&
                    run_.sampling.back().stacks_end == note.stacks_end;
  if (!same) run_.sampling.push_back(note);
  SamplingNote& last = run_.sampling.back();
  last.allocations = note.allocations;
  last.allocated_bytes = note.allocated_bytes;
  last.frees = note.frees;
  return true;
}

}  // namespace leakhunt::recording
