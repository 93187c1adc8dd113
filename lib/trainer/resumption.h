// resumption: does a checkpoint belong to the training that wants to go on from it?
#pragma once

#include <cstdint>

#include "lib/trainer/checkpoint.h"

namespace leakhunt::trainer {

// What a training is about to do.
struct ResumedTraining {
  CheckpointHeader like;  // its `state` does not matter
  const Vocabulary& vocabulary;
  std::uint64_t iterations;  // in all
};

// Throws CheckpointError with the first difference that matters and the flag that mends it.
void expect_resumable(const CheckpointReader& checkpoint, const ResumedTraining& training);

}  // namespace leakhunt::trainer
