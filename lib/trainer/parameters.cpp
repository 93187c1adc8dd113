#include "lib/trainer/parameters.h"

#include <algorithm>
#include <cassert>

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

ParameterStore::ParameterStore(std::pmr::memory_resource& values, std::pmr::memory_resource* gradients,
                               Index count)
    : value_memory_(values), gradient_memory_(gradients), count_(count) {
  values_ = static_cast<Real*>(value_memory_.allocate(count_ * sizeof(Real), real_alignment));
  std::fill_n(values_, count_, Real{0});
  if (gradient_memory_ == nullptr) return;
  gradients_ = static_cast<Real*>(gradient_memory_->allocate(count_ * sizeof(Real), real_alignment));
  std::fill_n(gradients_, count_, Real{0});
}

ParameterStore::~ParameterStore() {
  value_memory_.deallocate(values_, count_ * sizeof(Real), real_alignment);
  if (gradients_ != nullptr) gradient_memory_->deallocate(gradients_, count_ * sizeof(Real), real_alignment);
}

Tensor ParameterStore::take(Index rows, Index cols) {
  Real* gradient = gradients_ != nullptr ? gradients_ + taken_ : nullptr;
  const Tensor tensor{values_ + taken_, gradient, rows, cols};
  taken_ += tensor.size();
  assert(taken_ <= count_);
  return tensor;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
