#include "lib/trainer/training.h"
#include "lib/trainer/tiled_blas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

namespace leakhunt::trainer {
namespace {

struct Outcome {
  TrainingResult result;
  std::vector<Real> losses;
};

const Blas& best_blas() {
  static const std::unique_ptr<Blas> blas = make_tiled_blas();
  return *blas;
}

Outcome train_built_in(const Mode& mode, std::uint64_t iterations, std::uint64_t seed, const Blas& blas,
                       std::uint64_t sample_every = 0) {
  Seams seams;
  const Dataset dataset(built_in_text, *seams.memory.dataset);
  auto options = TrainingOptions::of(mode, dataset.vocabulary_size(), iterations);
  options.seed = seed;
  options.sample_every = sample_every;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  Outcome outcome{{}, std::vector<Real>(iterations)};
  outcome.result = train(options, dataset, blas, seams, nowhere.get(), outcome.losses);
  return outcome;
}

TEST(Training, TinyLearnsTheBuiltInText) {
  const Outcome outcome = train_built_in(modes[0], 2'000, 1, best_blas());
  EXPECT_NEAR(outcome.result.first_loss, std::log(35.0), 0.15);
  EXPECT_LT(outcome.result.last_loss, 1.0);
  EXPECT_LT(outcome.result.text_loss, 1.0);
}

TEST(Training, V2LearnsTheBuiltInText) {
  const Outcome outcome = train_built_in(v2_mode, 400, 1, best_blas());
  EXPECT_NEAR(outcome.result.first_loss, std::log(35.0), 0.15);
  EXPECT_LT(outcome.result.last_loss, 2.5);
}

TEST(Training, IsTheSameToTheBitWithTheSameSeed) {
  for (const Mode& mode : {modes[0], modes[1]}) {
    const Outcome one = train_built_in(mode, 60, 5, best_blas());
    const Outcome two = train_built_in(mode, 60, 5, best_blas());
    EXPECT_EQ(one.losses, two.losses) << mode.name;
    EXPECT_EQ(one.result.text_loss, two.result.text_loss) << mode.name;
  }
}

TEST(Training, IsAnotherWithAnotherSeed) {
  EXPECT_NE(train_built_in(modes[0], 3, 1, best_blas()).losses,
            train_built_in(modes[0], 3, 2, best_blas()).losses);
}

TEST(Training, IsNotChangedBySamples) {
  EXPECT_EQ(train_built_in(modes[0], 40, 1, best_blas()).losses,
            train_built_in(modes[0], 40, 1, best_blas(), 7).losses);
}

TEST(Training, GoesTheSameWayWithPlainLoops) {
  const Outcome fast = train_built_in(modes[0], 100, 1, best_blas());
  const Outcome plain = train_built_in(modes[0], 100, 1, *make_plain_blas());
  for (std::size_t i = 0; i < fast.losses.size(); ++i)
    EXPECT_NEAR(fast.losses[i], plain.losses[i], 1e-9) << i;
}

}  // namespace
}  // namespace leakhunt::trainer
