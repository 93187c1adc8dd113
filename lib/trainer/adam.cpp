#include "lib/trainer/adam.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

Adam::Adam(const ParameterStore& parameters, std::pmr::memory_resource& m_memory,
           std::pmr::memory_resource& v_memory, AdamOptions options)
    : parameters_(parameters),
      m_memory_(m_memory),
      v_memory_(v_memory),
      options_(options),
      count_(parameters.values().size()) {
  allocate_moments();
}

Adam::~Adam() {
  release_moments();
}

void Adam::allocate_moments() {
  release_moments();
  m_ = static_cast<Real*>(m_memory_.allocate(count_ * sizeof(Real), real_alignment));
  v_ = static_cast<Real*>(v_memory_.allocate(count_ * sizeof(Real), real_alignment));
  std::fill_n(m_, count_, Real{0});
  std::fill_n(v_, count_, Real{0});
}

void Adam::release_moments() {
  if (m_ != nullptr) m_memory_.deallocate(m_, count_ * sizeof(Real), real_alignment);
  if (v_ != nullptr) v_memory_.deallocate(v_, count_ * sizeof(Real), real_alignment);
  m_ = nullptr;
  v_ = nullptr;
}

void Adam::step(double learning_rate, Team& team) {
  const kernels::AdamStep factors = begin_step(learning_rate);
  team.run([&](Slice slice) { step_range(factors, slice.of(count_, real_alignment / sizeof(Real)), 1); });
}

kernels::AdamStep Adam::begin_step(double learning_rate) {
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const auto real = [](double value) { return static_cast<Real>(value); };
  return {.beta1 = real(options_.beta1),
          .beta2 = real(options_.beta2),
          .rate = real(learning_rate / (1 - std::pow(options_.beta1, t))),
          .root_scale = real(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
          .epsilon = real(options_.epsilon)};
}

void Adam::step_range(const kernels::AdamStep& step, Range range, Real gradient_scale) {
  assert(range.end <= count_);
  Real* gradients = parameters_.gradients().data() + range.begin;
  if (gradient_scale != 1) kernels::scale(range.size(), gradient_scale, gradients);
  kernels::adam(range.size(), step, gradients, m_ + range.begin, v_ + range.begin,
                parameters_.values().data() + range.begin);
}

void Adam::StepOnTheWay::complete(const Real* gradients, Index rows, Index cols, Index stride) {
  const auto first = static_cast<Index>(gradients - adam_.parameters_.gradients().data());
  for (Index row = 0; row < rows; ++row) {
    const Index begin = first + row * stride;
    adam_.step_range(factors_, {begin, begin + cols}, 1);
  }
  done_.fetch_add(rows * cols, std::memory_order_relaxed);
}

Companions Adam::StepOnTheWay::companions(const Real* gradients) const {
  const auto place = gradients - adam_.parameters_.gradients().data();
  return {{adam_.m_ + place, adam_.v_ + place, adam_.parameters_.values().data() + place}, 3};
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
