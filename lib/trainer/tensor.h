// tensor: the plain data that every operation works on.
//
// A Tensor is a view: two row-major matrices of one shape, the value and (when a gradient is wanted) the
// derivative of the loss with respect to it. It owns nothing; the bytes live in the arena (activations) or in
// the ParameterStore.
#pragma once

#include <cstddef>

#include "lib/trainer/index.h"
#include "lib/trainer/precision.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// Vectors of the widest instruction set in use; every block of Reals is aligned so that none straddles a
// cache line.
inline constexpr std::size_t real_alignment = 64;

struct Tensor {
  Real* value = nullptr;  // rows x cols, row-major
  Real* grad = nullptr;   // the same shape; null when nothing is to be differentiated
  Index rows = 0;
  Index cols = 0;

  Index size() const { return rows * cols; }
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
