#include "lib/trainer/ops.h"

#include <gtest/gtest.h>

#include <numeric>

#include "lib/trainer/arena.h"
#include "tests/lib/trainer/gradient_check.h"

namespace leakhunt::trainer {
namespace {

constexpr Index rows = 5;

// Runs one operation forward and backward with the loss "sum of out * weights", weights drawn once, and
// compares the gradients of what it read with differences of that loss.
class OpsTest : public testing::Test {
 protected:
  using Operation = std::function<Tensor(Workspace&)>;

  Workspace workspace(Tape* with) {
    return {.temporaries = arena, .scratch = arena, .blas = *blas, .tape = with};
  }

  Real loss(const Operation& operation) {
    Workspace work = workspace(nullptr);
    const Tensor out = operation(work);
    const Real sum = std::inner_product(out.value, out.value + out.size(), out_weights.begin(), Real{0});
    arena.reset();
    return sum;
  }

  void expect_gradients(const Operation& operation, std::initializer_list<Tensor> inputs) {
    Workspace work = workspace(&tape);
    const Tensor out = operation(work);
    out_weights.resize(out.size());
    for (Real& weight : out_weights) weight = random.normal();
    std::copy(out_weights.begin(), out_weights.end(), out.grad);
    tape.backward(work);
    tape.reset();
    arena.reset();
    int number = 0;
    for (const Tensor& input : inputs) {
      EXPECT_LT(relative_gradient_error(input, [&] { return loss(operation); }), gradient_tolerance)
          << "input " << number;
      ++number;
    }
  }

  Random random{7};
  Arena arena{*std::pmr::new_delete_resource(), 64 * 1024};
  Tape tape{*std::pmr::new_delete_resource()};
  std::unique_ptr<Blas> blas = make_plain_blas();
  std::vector<Real> out_weights;
};

TEST_F(OpsTest, EmbedGradients) {
  OwnedTensor symbols(4, 6, random);
  OwnedTensor positions(9, 6, random);
  const std::vector<Token> tokens = {2, 0, 2, 3, 2};
  for (Index first : {0u, 4u}) {
    expect_gradients([&](Workspace& w) { return embed(w, tokens, first, symbols.view(), positions.view()); },
                     {symbols.view(), positions.view()});
  }
}

TEST_F(OpsTest, LayerNormGradients) {
  OwnedTensor in(rows, 7, random);
  OwnedTensor gain(1, 7, random);
  OwnedTensor offset(1, 7, random);
  expect_gradients([&](Workspace& w) { return layer_norm(w, in.view(), gain.view(), offset.view()); },
                   {in.view(), gain.view(), offset.view()});
}

TEST_F(OpsTest, LayerNormGivesMeanZeroAndVarianceOne) {
  OwnedTensor in(rows, 64, random, 3);
  OwnedTensor gain(1, 64, random);
  OwnedTensor offset(1, 64, random);
  std::fill_n(gain.view().value, 64, 1.0);
  std::fill_n(offset.view().value, 64, 0.0);
  Workspace work = workspace(nullptr);
  const Tensor out = layer_norm(work, in.view(), gain.view(), offset.view());
  for (Index t = 0; t < rows; ++t) {
    const Real* row = out.value + t * 64;
    EXPECT_NEAR(std::accumulate(row, row + 64, 0.0), 0, 1e-12);
    EXPECT_NEAR(std::inner_product(row, row + 64, row, 0.0) / 64, 1, 1e-4);
  }
}

TEST_F(OpsTest, LinearGradients) {
  OwnedTensor in(rows, 3, random);
  OwnedTensor weight(3, 8, random);
  OwnedTensor bias(1, 8, random);
  expect_gradients([&](Workspace& w) { return linear(w, in.view(), weight.view(), bias.view()); },
                   {in.view(), weight.view(), bias.view()});
}

TEST_F(OpsTest, LinearGeluGradients) {
  OwnedTensor in(rows, 3, random);
  OwnedTensor weight(3, 8, random);
  OwnedTensor bias(1, 8, random);
  expect_gradients([&](Workspace& w) { return linear_gelu(w, in.view(), weight.view(), bias.view()); },
                   {in.view(), weight.view(), bias.view()});
}

// The residual stream: x feeds a norm and the sum, so both ways back must add up.
TEST_F(OpsTest, ResidualGradients) {
  OwnedTensor symbols(4, 6, random);
  OwnedTensor positions(rows, 6, random);
  OwnedTensor gain(1, 6, random);
  OwnedTensor offset(1, 6, random);
  OwnedTensor weight(6, 6, random);
  OwnedTensor bias(1, 6, random);
  const std::vector<Token> tokens = {1, 0, 3, 3, 2};
  expect_gradients(
      [&](Workspace& w) {
        const Tensor x = embed(w, tokens, 0, symbols.view(), positions.view());
        const Tensor h = layer_norm(w, x, gain.view(), offset.view());
        return linear_onto(w, x, h, weight.view(), bias.view());
      },
      {symbols.view(), positions.view(), gain.view(), offset.view(), weight.view(), bias.view()});
}

TEST_F(OpsTest, AttentionGradients) {
  OwnedTensor qkv(rows, 3 * 8, random);
  for (Index heads : {1u, 2u, 4u}) {
    expect_gradients([&](Workspace& w) { return attention(w, qkv.view(), heads); }, {qkv.view()});
  }
}

TEST_F(OpsTest, AttentionSeesOnlyThePast) {
  OwnedTensor qkv(rows, 3 * 8, random);
  Workspace work = workspace(nullptr);
  const Tensor before = attention(work, qkv.view(), 2);
  for (Index i = 0; i < 24; ++i) qkv.view().value[3 * 24 + i] += 1;  // position 3
  const Tensor after = attention(work, qkv.view(), 2);
  for (Index i = 0; i < 3 * 8; ++i) EXPECT_EQ(before.value[i], after.value[i]);
  EXPECT_NE(before.value[3 * 8], after.value[3 * 8]);
  EXPECT_NE(before.value[4 * 8], after.value[4 * 8]);
}

TEST_F(OpsTest, AttentionStepIsTheLastRowOfAttention) {
  OwnedTensor qkv(rows, 3 * 8, random);
  Workspace work = workspace(nullptr);
  const Tensor whole = attention(work, qkv.view(), 2);
  std::vector<Real> cache(rows * 2 * 8);
  for (Index t = 0; t < rows; ++t) {
    const Tensor row{qkv.view().value + t * 24, nullptr, 1, 24};
    const Tensor out = attention_step(work, row, 2, cache.data(), t);
    for (Index i = 0; i < 8; ++i) EXPECT_NEAR(out.value[i], whole.value[t * 8 + i], 1e-13);
  }
}

TEST_F(OpsTest, CrossEntropyGradients) {
  OwnedTensor logits(rows, 6, random);
  const std::vector<Token> targets = {5, 0, 1, 1, 3};
  Workspace work = workspace(&tape);
  cross_entropy(work, logits.view(), targets);
  tape.backward(work);
  const auto f = [&] {
    Workspace forward_only = workspace(nullptr);
    return cross_entropy(forward_only, logits.view(), targets);
  };
  EXPECT_LT(relative_gradient_error(logits.view(), f), gradient_tolerance);
}

TEST_F(OpsTest, CrossEntropyOfEqualLogitsIsTheLogarithmOfTheirNumber) {
  std::vector<Real> zeros(2 * 35);
  const std::vector<Token> targets = {0, 34};
  Workspace work = workspace(nullptr);
  EXPECT_NEAR(cross_entropy(work, {zeros.data(), nullptr, 2, 35}, targets), std::log(35.0), 1e-14);
}

TEST_F(OpsTest, CrossEntropyStandsLargeLogits) {
  std::vector<Real> logits = {1000, 0, -1000};
  const std::vector<Token> targets = {0};
  Workspace work = workspace(nullptr);
  EXPECT_NEAR(cross_entropy(work, {logits.data(), nullptr, 1, 3}, targets), 0, 1e-14);
}

TEST_F(OpsTest, ParameterGradientsAddUpWhenAskedTo) {
  OwnedTensor in(rows, 3, random);
  OwnedTensor weight(3, 4, random);
  OwnedTensor bias(1, 4, random);
  std::vector<Real> once(12);
  for (const bool accumulate : {false, true}) {
    Workspace work = workspace(&tape);
    work.accumulate = accumulate;
    const Tensor out = linear(work, in.view(), weight.view(), bias.view());
    std::fill_n(out.grad, out.size(), 1.0);
    tape.backward(work);
    tape.reset();
    if (!accumulate) std::copy_n(weight.view().grad, 12, once.begin());
  }
  for (Index i = 0; i < 12; ++i) EXPECT_NEAR(weight.view().grad[i], 2 * once[i], 1e-12);
}

}  // namespace
}  // namespace leakhunt::trainer
