// threaded_plan: what train_threaded will occupy, worked out before it begins (see memory_plan.h).
#pragma once

#include <vector>

#include "lib/trainer/memory_plan.h"
#include "lib/trainer/threaded_trainer.h"
#include "lib/trainer/word_dataset.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// One entry for each tag. Stacks as they are reserved: a worker touches some 100 kB of its own. The records
// of workers and contexts (tag worker.context, some kB) come on top, as do program and libraries.
std::vector<PlannedMemory> plan_threaded_memory(const ThreadedOptions& options, const WordDataset& dataset,
                                                std::size_t stack_bytes);

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
