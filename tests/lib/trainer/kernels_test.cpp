#include "lib/trainer/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

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
