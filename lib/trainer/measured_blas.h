// measured_blas: another backend, and how fast it is at work: its speed is the first thing to ask of a
// training that is slow.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "lib/trainer/blas.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// Hands every product on, and takes the time of one in 17 (no number of products that a layer would have), so
// that small ones are not slowed down by being timed. Thread-safe.
class MeasuredBlas final : public Blas {
 public:
  // `blas` is not owned and must outlive it.
  explicit MeasuredBlas(const Blas& blas) : blas_(blas) {}

  void multiply(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                Index c_stride) const override {
    multiply_and_fetch(shape, alpha, a, b, beta, c, c_stride, {});
  }
  void multiply_and_fetch(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                          Index c_stride, const Companions& soon) const override;
  std::string name() const override { return blas_.name(); }

  // Multiplications and additions per second of the products that were timed, times 1e-9; 0: of none.
  double gigaflops() const;
  // "plain C++ loops, 2.1 GFLOP/s"
  std::string name_and_speed() const;

 private:
  const Blas& blas_;
  mutable std::atomic<std::uint64_t> products_ = 0;
  mutable std::atomic<std::uint64_t> operations_ = 0;  // of those that were timed
  mutable std::atomic<std::uint64_t> nanoseconds_ = 0;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
