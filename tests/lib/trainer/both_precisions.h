// both_precisions: the same training in each precision, for tests that compare them.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/trainer/memory_plan.h"
#include "lib/trainer/precision.h"

namespace leakhunt::trainer {

// The losses of a `--tiny` training on the built-in text; and what a short training occupies at its end, as
// plan_memory() lists it.
namespace f32 {
std::vector<double> losses_of_tiny(std::uint64_t iterations, unsigned threads = 1);
std::vector<PlannedMemory> memory_of_training(const Mode& mode, unsigned threads);
}  // namespace f32
namespace f64 {
std::vector<double> losses_of_tiny(std::uint64_t iterations, unsigned threads = 1);
std::vector<PlannedMemory> memory_of_training(const Mode& mode, unsigned threads);
}  // namespace f64

}  // namespace leakhunt::trainer
