#include "lib/trainer/measured_blas.h"

#include <chrono>
#include <cstdio>

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

namespace {

constexpr std::uint64_t one_in = 17;

}  // namespace

void MeasuredBlas::multiply_and_fetch(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                                      Index c_stride, const Companions& soon) const {
  if (products_.fetch_add(1, std::memory_order_relaxed) % one_in != 0)
    return blas_.multiply_and_fetch(shape, alpha, a, b, beta, c, c_stride, soon);
  const auto begin = std::chrono::steady_clock::now();
  blas_.multiply_and_fetch(shape, alpha, a, b, beta, c, c_stride, soon);
  const auto took = std::chrono::steady_clock::now() - begin;
  nanoseconds_.fetch_add(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()),
                         std::memory_order_relaxed);
  operations_.fetch_add(std::uint64_t{2} * shape.rows * shape.cols * shape.inner, std::memory_order_relaxed);
}

double MeasuredBlas::gigaflops() const {
  const std::uint64_t took = nanoseconds_.load(std::memory_order_relaxed);
  return took == 0
             ? 0
             : static_cast<double>(operations_.load(std::memory_order_relaxed)) / static_cast<double>(took);
}

std::string MeasuredBlas::name_and_speed() const {
  if (gigaflops() == 0) return name();
  char speed[40];
  std::snprintf(speed, sizeof speed, ", %.3g GFLOP/s", gigaflops());
  return name() + speed;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
