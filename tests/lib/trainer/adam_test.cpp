#include "lib/trainer/adam.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

// With a constant gradient g the corrected moments are exactly g and g^2, so that each step is rate g / (|g|
// + eps).
TEST(Adam, MovesByTheRateUnderAConstantGradient) {
  CountingResource heap;
  const ParameterStore store(heap, &heap, 3);
  Adam adam(store, heap, heap);
  const Real gradient[] = {0.5, -2.0, 1e-3};
  for (int t = 1; t <= 20; ++t) {
    for (Index i = 0; i < 3; ++i) store.gradients()[i] = gradient[i];
    adam.step(0.01);
    for (Index i = 0; i < 3; ++i) {
      const Real expected = -0.01 * t * gradient[i] / (std::abs(gradient[i]) + 1e-8);
      EXPECT_NEAR(store.values()[i], expected, 1e-12) << "step " << t;
    }
  }
  EXPECT_EQ(adam.steps(), 20u);
}

TEST(Adam, FollowsTheFormulaOfThePaper) {
  CountingResource heap;
  const ParameterStore store(heap, &heap, 1);
  const AdamOptions options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4};
  Adam adam(store, heap, heap, options);
  Real m = 0;
  Real v = 0;
  Real x = 0;
  for (int t = 1; t <= 50; ++t) {
    const Real g = std::sin(t);
    store.gradients()[0] = g;
    adam.step(0.1);
    m = 0.8 * m + 0.2 * g;
    v = 0.95 * v + 0.05 * g * g;
    x -= 0.1 * (m / (1 - std::pow(0.8, t))) / (std::sqrt(v / (1 - std::pow(0.95, t))) + 1e-4);
    EXPECT_NEAR(store.values()[0], x, 1e-13);
    EXPECT_NEAR(adam.m()[0], m, 1e-15);
    EXPECT_NEAR(adam.v()[0], v, 1e-15);
  }
}

TEST(Adam, StepsDuringTheBackwardPassAsAfterIt) {
  CountingResource heap;
  constexpr Index rows = 5;
  constexpr Index cols = 37;  // no multiple of any vector
  const ParameterStore after(heap, &heap, rows * cols);
  const ParameterStore during(heap, &heap, rows * cols);
  Adam adam_after(after, heap, heap);
  Adam adam_during(during, heap, heap);
  for (int t = 1; t <= 3; ++t) {
    for (Index i = 0; i < rows * cols; ++i) {
      after.gradients()[i] = during.gradients()[i] = std::sin(static_cast<Real>(i) * t);
    }
    adam_after.step(0.01);
    Adam::StepOnTheWay step(adam_during, 0.01);
    for (const Range& columns : {Range{20, cols}, Range{0, 20}}) {
      const Real* gradients = during.gradients().data() + columns.begin;
      EXPECT_EQ(step.companions(gradients).data[0], adam_during.m().data() + columns.begin);
      step.complete(gradients, rows, columns.size(), cols);
    }
  }
  for (Index i = 0; i < rows * cols; ++i) {
    ASSERT_EQ(during.values()[i], after.values()[i]) << i;
    ASSERT_EQ(adam_during.v()[i], adam_after.v()[i]) << i;
  }
  EXPECT_EQ(adam_during.steps(), 3u);
}

TEST(Adam, HoldsTwoMomentsOfEveryParameterAndGivesThemBack) {
  CountingResource parameters;
  CountingResource m;
  CountingResource v;
  const ParameterStore store(parameters, &parameters, 1000);
  {
    Adam adam(store, m, v);
    EXPECT_EQ(m.live_bytes(), 8000u);
    EXPECT_EQ(v.live_bytes(), 8000u);
    adam.allocate_moments();
    EXPECT_EQ(m.live_bytes(), 8000u);
    EXPECT_EQ(m.allocations(), 2u);
  }
  EXPECT_EQ(m.live_bytes() + v.live_bytes(), 0u);
}

}  // namespace
}  // namespace leakhunt::trainer
