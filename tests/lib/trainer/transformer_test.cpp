#include "lib/trainer/transformer.h"

#include <gtest/gtest.h>

#include "lib/trainer/arena.h"
#include "lib/trainer/tiled_blas.h"
#include "tests/lib/trainer/gradient_check.h"

namespace leakhunt::trainer {
namespace {

constexpr ModelConfig miniature{
    .vocabulary = 7, .width = 8, .heads = 2, .layers = 2, .hidden = 12, .context = 6, .positions = 9};

// A model and what it takes to run it.
struct Bench {
  explicit Bench(const ModelConfig& config) : model(config, plain_memory(), random) {
    for (Index i = 0; i < config.context; ++i) {
      tokens.push_back(static_cast<Token>(random.below(config.vocabulary)));
      targets.push_back(static_cast<Token>(random.below(config.vocabulary)));
    }
  }
  Workspace workspace(Tape* with = nullptr) {
    return {.temporaries = arena, .scratch = arena, .blas = *blas, .tape = with};
  }
  Real loss() {
    Workspace work = workspace();
    const Real result = model.loss(work, tokens, targets);
    arena.reset();
    return result;
  }
  void differentiate() {
    Workspace work = workspace(&tape);
    model.loss(work, tokens, targets);
    tape.backward(work);
    tape.reset();
    arena.reset();
  }

  Random random{11};
  Arena arena{*std::pmr::new_delete_resource(), 64 * 1024};
  Tape tape{*std::pmr::new_delete_resource()};
  std::unique_ptr<Blas> blas = make_plain_blas();
  Transformer model;
  std::vector<Token> tokens;
  std::vector<Token> targets;
};

TEST(Transformer, HasTheParametersOfEveryMode) {
  const Index expected[] = {46'307, 422'179, 2'175'041, 8'544'321};
  for (Index i = 0; i < std::size(modes); ++i) {
    EXPECT_EQ(modes[i].model.parameter_count(), expected[i]) << modes[i].name;
    if (i > 1) continue;
    Random random(1);
    const Transformer model(modes[i].model, plain_memory(), random);
    EXPECT_EQ(model.parameters().taken(), expected[i]) << "every parameter belongs to an operation";
  }
}

// Writes down what it is given, and how often.
class RecordingSink final : public GradientSink {
 public:
  explicit RecordingSink(std::span<Real> gradients)
      : gradients_(gradients), times(gradients.size()), seen(gradients.size()) {}
  void complete(const Real* gradients, Index rows, Index cols, Index stride) override {
    const auto first = static_cast<Index>(gradients - gradients_.data());
    for (Index i = 0; i < rows * cols; ++i) {
      const Index place = first + i / cols * stride + i % cols;
      ++times[place];
      seen[place] = gradients_[place];
    }
  }
  Companions companions(const Real* gradients) const override { return {{gradients}, 1}; }

 private:
  std::span<Real> gradients_;

 public:
  std::vector<int> times;
  std::vector<Real> seen;
};

TEST(Transformer, HandsOverEveryGradientOnceAndWhenItIsComplete) {
  ModelConfig without_feed_forward = miniature;
  without_feed_forward.hidden = 0;
  ModelConfig of_several_blocks = miniature;
  of_several_blocks.width = 136;
  of_several_blocks.hidden = 200;
  for (const ModelConfig& config : {miniature, without_feed_forward, of_several_blocks}) {
    Bench all_at_once(config);
    all_at_once.blas = make_tiled_blas();
    all_at_once.differentiate();
    for (unsigned threads : {1U, 2U}) {
      Bench bench(config);
      bench.blas = make_tiled_blas();
      RecordingSink sink(bench.model.parameters().gradients());
      Team team(threads);
      Workspace work{.temporaries = bench.arena,
                     .scratch = bench.arena,
                     .blas = *bench.blas,
                     .tape = &bench.tape,
                     .team = team,
                     .sink = &sink};
      bench.model.loss(work, bench.tokens, bench.targets);
      bench.tape.backward(work);
      for (Index i = 0; i < sink.times.size(); ++i) {
        ASSERT_EQ(sink.times[i], 1) << "gradient " << i << " of a model of width " << config.width;
        ASSERT_EQ(sink.seen[i], all_at_once.model.parameters().gradients()[i]) << "gradient " << i;
      }
    }
  }
}

TEST(Transformer, GradientsOfTheWholeModel) {
  Bench bench(miniature);
  // Larger weights than at the start of a training, so that no path is nearly dead.
  for (Real& value : bench.model.parameters().values()) value += 0.3 * bench.random.normal();
  bench.differentiate();
  const ParameterStore& all = bench.model.parameters();
  const Tensor everything{all.values().data(), all.gradients().data(), 1, all.taken()};
  EXPECT_LT(relative_gradient_error(everything, [&] { return bench.loss(); }), gradient_tolerance);
}

TEST(Transformer, GradientsOfBlocksOfAttentionOnly) {
  ModelConfig config = miniature;
  config.hidden = 0;
  Bench bench(config);
  for (Real& value : bench.model.parameters().values()) value += 0.3 * bench.random.normal();
  bench.differentiate();
  const ParameterStore& all = bench.model.parameters();
  const Tensor everything{all.values().data(), all.gradients().data(), 1, all.taken()};
  EXPECT_EQ(all.taken(), config.parameter_count());
  EXPECT_LT(relative_gradient_error(everything, [&] { return bench.loss(); }), gradient_tolerance);
}

TEST(Transformer, WithoutGradientsHasNone) {
  TrainerMemory memory = plain_memory();
  memory.gradients = nullptr;
  Random random(1);
  const Transformer model(miniature, memory, random);
  EXPECT_TRUE(model.parameters().gradients().empty());
  EXPECT_EQ(model.parameters().values().size(), miniature.parameter_count());
}

TEST(Transformer, GradientsOfTiny) {
  Bench bench(modes[0].model);
  for (Real& value : bench.model.parameters().values()) value += 0.1 * bench.random.normal();
  bench.differentiate();
  const ParameterStore& all = bench.model.parameters();
  Real difference = 0;
  Real size = 0;
  for (int i = 0; i < 300; ++i) {
    const Index place = bench.random.below(all.taken());
    const Real numeric = central_difference([&] { return bench.loss(); }, &all.values()[place]);
    difference = std::max(difference, std::abs(numeric - all.gradients()[place]));
    size = std::max(size, std::abs(numeric));
  }
  EXPECT_LT(difference / size, gradient_tolerance);
}

TEST(Transformer, StartsAsAGuess) {
  Bench bench(modes[1].model);
  EXPECT_NEAR(bench.loss(), std::log(35.0), 0.15);
}

TEST(Transformer, StepsGiveTheSameLogitsAsTheWholeSequence) {
  Bench bench(miniature);
  Workspace work = bench.workspace();
  const Tensor whole = bench.model.forward(work, bench.tokens);
  AttentionCache cache(miniature, *std::pmr::new_delete_resource());
  for (Index t = 0; t < miniature.context; ++t) {
    const Tensor row = bench.model.step(work, bench.tokens[t], cache);
    for (Index i = 0; i < 7; ++i) EXPECT_NEAR(row.value[i], whole.value[t * 7 + i], 1e-12);
  }
  EXPECT_EQ(cache.length(), miniature.context);
}

TEST(Transformer, AnEarlierPositionDoesNotSeeALaterSymbol) {
  Bench bench(miniature);
  Workspace work = bench.workspace();
  const Tensor before = bench.model.forward(work, bench.tokens);
  bench.tokens[4] = (bench.tokens[4] + 1) % 7;
  const Tensor after = bench.model.forward(work, bench.tokens);
  for (Index i = 0; i < 4 * 7; ++i) EXPECT_EQ(before.value[i], after.value[i]);
  EXPECT_NE(before.value[4 * 7], after.value[4 * 7]);
}

}  // namespace
}  // namespace leakhunt::trainer
