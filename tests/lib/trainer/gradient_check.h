// gradient_check: a backward pass against central finite differences.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory_resource>
#include <string>
#include <vector>

#include "lib/trainer/ops.h"
#include "lib/trainer/random.h"

namespace leakhunt::trainer {

// The relative error that every gradient of the trainer must stay below, in double precision.
inline constexpr Real gradient_tolerance = 1e-6;

// A tensor that owns its numbers: normal values times `deviation`, gradients zero.
class OwnedTensor {
 public:
  OwnedTensor(Index rows, Index cols, Random& random, Real deviation = 1)
      : values_(rows * cols), grads_(rows * cols), rows_(rows), cols_(cols) {
    for (Real& value : values_) value = deviation * random.normal();
  }
  Tensor view() { return {values_.data(), grads_.data(), rows_, cols_}; }

 private:
  std::vector<Real> values_;
  std::vector<Real> grads_;
  Index rows_;
  Index cols_;
};

// The derivative of `f` with respect to `*place`, by a central difference.
inline Real central_difference(const std::function<Real()>& f, Real* place) {
  constexpr Real step = 1e-5;
  const Real here = *place;
  *place = here + step;
  const Real above = f();
  *place = here - step;
  const Real below = f();
  *place = here;
  return (above - below) / (2 * step);
}

// The largest difference between `tensor.grad` and the differences of `f`, relative to the largest of either.
inline Real relative_gradient_error(Tensor tensor, const std::function<Real()>& f) {
  Real difference = 0;
  Real size = 0;
  for (Index i = 0; i < tensor.size(); ++i) {
    const Real numeric = central_difference(f, tensor.value + i);
    difference = std::max(difference, std::abs(numeric - tensor.grad[i]));
    size = std::max({size, std::abs(numeric), std::abs(tensor.grad[i])});
  }
  return size > 0 ? difference / size : difference;
}

}  // namespace leakhunt::trainer
