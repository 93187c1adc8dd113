#include "lib/trainer/adam.h"

#include <algorithm>
#include <cmath>

#include "lib/trainer/kernels.h"

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
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const auto real = [](double value) { return static_cast<Real>(value); };
  const kernels::AdamStep factors{.beta1 = real(options_.beta1),
                                  .beta2 = real(options_.beta2),
                                  .rate = real(learning_rate / (1 - std::pow(options_.beta1, t))),
                                  .root_scale = real(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
                                  .epsilon = real(options_.epsilon)};
  team.run([&](Slice slice) {
    const auto [begin, end] = slice.of(count_, real_alignment / sizeof(Real));
    kernels::adam(end - begin, factors, parameters_.gradients().data() + begin, m_ + begin, v_ + begin,
                  parameters_.values().data() + begin);
  });
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
