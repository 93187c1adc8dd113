// adam: the optimizer (Kingma and Ba, "Adam: a method for stochastic optimization", algorithm 1).
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "lib/trainer/checkpoint_header.h"
#include "lib/trainer/kernels.h"
#include "lib/trainer/parameters.h"
#include "lib/trainer/team.h"
#include "lib/trainer/tensor.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// Owns the two moments of every parameter: m (mean of the gradient) and v (mean of its square), one block
// each.
class Adam {
 public:
  // `parameters` and both resources must outlive the optimizer.
  Adam(const ParameterStore& parameters, std::pmr::memory_resource& m_memory,
       std::pmr::memory_resource& v_memory, AdamOptions options = {});
  ~Adam();
  Adam(const Adam&) = delete;
  Adam& operator=(const Adam&) = delete;

  // One step along the gradients, with bias correction:
  //   parameter -= learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon).
  void step(double learning_rate, Team& team = alone());

  // The same step in pieces, for several threads: begin_step() once, then step_range() over every parameter
  // once, in any order and on any thread. The gradients are multiplied by `gradient_scale` first, in place.
  kernels::AdamStep begin_step(double learning_rate);
  void step_range(const kernels::AdamStep& step, Range range, Real gradient_scale);

  // And the same step during a backward pass: while this lives, of parameters whose gradients become
  // complete.
  class StepOnTheWay final : public GradientSink {
   public:
    StepOnTheWay(Adam& adam, double learning_rate) : adam_(adam), factors_(adam.begin_step(learning_rate)) {}
    // All of them must have been.
    ~StepOnTheWay() override { assert(done_ == adam_.count_); }
    StepOnTheWay(const StepOnTheWay&) = delete;
    StepOnTheWay& operator=(const StepOnTheWay&) = delete;
    void complete(const Real* gradients, Index rows, Index cols, Index stride) override;
    Companions companions(const Real* gradients) const override;

   private:
    Adam& adam_;
    kernels::AdamStep factors_;
    std::atomic<Index> done_ = 0;
  };

  // Fresh moments, all zero, as at the start of a training; those before are given back.
  void allocate_moments();

  std::uint64_t steps() const { return steps_; }
  const AdamOptions& options() const { return options_; }

  // Goes on as after `steps` steps; m() and v() are the caller's to fill.
  void resume(std::uint64_t steps) { steps_ = steps; }

  std::span<Real> m() const { return {m_, count_}; }
  std::span<Real> v() const { return {v_, count_}; }

 private:
  void release_moments();

  const ParameterStore& parameters_;
  std::pmr::memory_resource& m_memory_;
  std::pmr::memory_resource& v_memory_;
  AdamOptions options_;
  Index count_;
  std::uint64_t steps_ = 0;
  Real* m_ = nullptr;
  Real* v_ = nullptr;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
