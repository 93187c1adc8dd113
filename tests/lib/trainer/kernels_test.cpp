#include "lib/trainer/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "lib/trainer/tiled_blas.h"

namespace leakhunt::trainer::kernels {
namespace {

TEST(Kernels, ExponentialIsGoodToTheLastPlaces) {
  std::vector<Real> in;
  for (Real x = -700; x < 700; x += 0.37) in.push_back(x);
  std::vector<Real> out(in.size());
  exp_shifted(in.size(), in.data(), 0, out.data());
  for (Index i = 0; i < in.size(); ++i) {
    EXPECT_NEAR(out[i] / std::exp(in[i]), 1, 1e-15) << "exp(" << in[i] << ")";
  }
}

TEST(Kernels, ExponentialOfExtremesStaysFinite) {
  const Real in[] = {-1e300, -746, 0, 710, 1e300};
  Real out[5];
  exp_shifted(5, in, 0, out);
  EXPECT_LT(out[0], 1e-300);
  EXPECT_EQ(out[2], 1);
  EXPECT_TRUE(std::isfinite(out[4]));
}

TEST(Kernels, ExpShiftedReturnsItsSum) {
  const Real in[] = {1, 2, 3};
  Real out[3];
  EXPECT_NEAR(exp_shifted(3, in, 3, out), std::exp(-2) + std::exp(-1) + 1, 1e-15);
}

TEST(Kernels, GeluIsTheTanhForm) {
  for (Real x = -6; x <= 6; x += 0.01) {
    Real derivative = x;
    Real value = 0;
    gelu_and_derivative(1, &derivative, &value);
    const Real u = std::sqrt(2 / 3.141592653589793) * (x + 0.044715 * x * x * x);
    EXPECT_NEAR(value, 0.5 * x * (1 + std::tanh(u)), 1e-13);
    const Real slope = std::sqrt(2 / 3.141592653589793) * (1 + 3 * 0.044715 * x * x);
    const Real sech = 1 / std::cosh(u);
    EXPECT_NEAR(derivative, 0.5 * (1 + std::tanh(u)) + 0.5 * x * sech * sech * slope, 1e-13);
  }
}

// Gradients from nothing to far too much, and the first step, where m and v are still zero.
TEST(Kernels, AdamWithoutRootsIsAdam) {
  if (best_instruction_set() != InstructionSet::avx512) GTEST_SKIP() << "this processor has no AVX-512";
  for (Index length = 1; length < 70; ++length) {
    std::vector<Real> gradients(length);
    for (Index i = 0; i < length; ++i) {
      const Real sign = i % 2 == 0 ? 1 : -1;
      gradients[i] = i % 7 == 0 ? 0 : sign * std::pow(10, static_cast<Real>(i * 37 % 320) - 200);
    }
    std::vector<Real> m(length), v(length), x(length, 1), same_m(length), same_v(length), same_x(length, 1);
    for (int t = 1; t <= 3; ++t) {
      const AdamStep step{.beta1 = 0.9, .beta2 = 0.999, .rate = 0.01, .root_scale = 1.7, .epsilon = 1e-8};
      adam_portable(length, step, gradients.data(), m.data(), v.data(), x.data());
      adam_avx512(length, step, gradients.data(), same_m.data(), same_v.data(), same_x.data());
      for (Index i = 0; i < length; ++i) {
        ASSERT_NEAR(same_x[i], x[i], 4e-16) << "gradient " << gradients[i];
        ASSERT_NEAR(same_m[i], m[i], 1e-15 * std::abs(m[i])) << "gradient " << gradients[i];
        ASSERT_NEAR(same_v[i], v[i], 1e-15 * v[i]) << "gradient " << gradients[i];
      }
    }
  }
}

TEST(Kernels, WorkAtEveryLength) {
  for (Index length = 1; length < 40; ++length) {
    std::vector<Real> a(length);
    std::vector<Real> b(length, 2);
    for (Index i = 0; i < length; ++i) a[i] = static_cast<Real>(i) - 3;
    const auto n = static_cast<Real>(length);
    EXPECT_DOUBLE_EQ(dot(length, a.data(), b.data()), n * (n - 1) - 6 * n);
    EXPECT_DOUBLE_EQ(maximum(length, a.data()), n - 4);
    add(length, a.data(), b.data());
    EXPECT_DOUBLE_EQ(b[length - 1], n - 2);
    scale(length, 3, b.data());
    EXPECT_DOUBLE_EQ(b[length - 1], 3 * (n - 2));
  }
}

}  // namespace
}  // namespace leakhunt::trainer::kernels
