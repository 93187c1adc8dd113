// both_precisions: the same training in each precision, for tests that compare them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/trainer/memory_plan.h"
#include "lib/trainer/precision.h"

namespace leakhunt::trainer {

// What came of a training in several pieces, each resumed from the model of the one before.
struct PiecewiseTraining {
  std::vector<double> losses;  // of all iterations
  std::string sample;          // the last one
  double first_loss;
  double last_loss;
  double text_loss;
  std::size_t live_checkpoint_bytes;  // at the end
};

// The losses of a `--tiny` training on the built-in text; and what a short training occupies at its end, as
// plan_memory() lists it; and `--tiny` up to each of `ends`, with samples, progress and checkpoints at odd
// places, the models in `folder`.
namespace f32 {
std::vector<double> losses_of_tiny(std::uint64_t iterations, unsigned threads = 1);
std::vector<PlannedMemory> memory_of_training(const Mode& mode, unsigned threads);
PiecewiseTraining train_in_pieces(const std::vector<std::uint64_t>& ends, const std::string& folder);
}  // namespace f32
namespace f64 {
std::vector<double> losses_of_tiny(std::uint64_t iterations, unsigned threads = 1);
std::vector<PlannedMemory> memory_of_training(const Mode& mode, unsigned threads);
PiecewiseTraining train_in_pieces(const std::vector<std::uint64_t>& ends, const std::string& folder);
}  // namespace f64

}  // namespace leakhunt::trainer
