#include "lib/trainer/threaded_plan.h"

#include "lib/trainer/thread_seams.h"
#include "lib/trainer/worker_context.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

std::vector<PlannedMemory> plan_threaded_memory(const ThreadedOptions& options, const WordDataset& dataset,
                                                std::size_t stack_bytes) {
  const std::size_t parameters = options.model.parameter_count() * sizeof(Real);
  const Index lanes = contexts_at_work(options.workers, options.contexts);
  const std::size_t drawn = options.sequences_per_step * (sizeof(Index) + sizeof(double));
  std::vector<PlannedMemory> plan = {
      {"parameter", 1, parameters},
      {"gradient", 1, parameters},
      {"optimizer.m", 1, parameters},
      {"optimizer.v", 1, parameters},
      dataset.memory(),
      {"thread.stack", options.workers, options.workers * stack_bytes},
  };
  for (PlannedMemory part : plan_worker_context(options.model)) {
    part.blocks *= lanes;
    part.bytes *= lanes;
    if (part.tag == "batch") {  // and what a step draws: where its sequences begin, and their losses
      part.blocks += 2;
      part.bytes += drawn;
    }
    plan.push_back(part);
  }
  return plan;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
