// parameters: what is trained, and its gradient: two blocks that live as long as the model.
#pragma once

#include <memory_resource>
#include <span>

#include "lib/trainer/blas.h"
#include "lib/trainer/tensor.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// Owns `count` values and as many gradients, each in one block. Tensors are taken from it in order; all of
// them together are one long vector, over which an optimizer runs in one pass.
class ParameterStore {
 public:
  // `gradients` may be null: a model that is not trained has none.
  ParameterStore(std::pmr::memory_resource& values, std::pmr::memory_resource* gradients, Index count);
  ~ParameterStore();
  ParameterStore(const ParameterStore&) = delete;
  ParameterStore& operator=(const ParameterStore&) = delete;

  // The next rows x cols parameters. At most `count` can be taken.
  Tensor take(Index rows, Index cols);

  Index taken() const { return taken_; }
  std::span<Real> values() const { return {values_, count_}; }
  std::span<Real> gradients() const { return {gradients_, gradients_ != nullptr ? count_ : 0}; }

 private:
  std::pmr::memory_resource& value_memory_;
  std::pmr::memory_resource* gradient_memory_;
  Index count_;
  Index taken_ = 0;
  Real* values_;
  Real* gradients_ = nullptr;
};

// Takes the gradients of parameters as soon as they are complete, while they are still in the cache.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  // `rows` stretches of `cols` gradients, `stride` Reals from one to the next, beginning at `gradients`. They
  // will not change any more, and the backward pass will not read their parameters again. Every gradient
  // comes once; on any thread of the team.
  virtual void complete(const Real* gradients, Index rows, Index cols, Index stride) = 0;
  // What complete() reads at the same places: it is the faster the nearer that is.
  virtual Companions companions(const Real* gradients) const = 0;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
