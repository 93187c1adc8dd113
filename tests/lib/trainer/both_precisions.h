// both_precisions: the same training in each precision, for tests that compare them.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/trainer/precision.h"

namespace leakhunt::trainer {

// The losses of a `--tiny` training on the built-in text.
namespace f32 {
std::vector<double> losses_of_tiny(std::uint64_t iterations, unsigned threads = 1);
}
namespace f64 {
std::vector<double> losses_of_tiny(std::uint64_t iterations, unsigned threads = 1);
}

}  // namespace leakhunt::trainer
