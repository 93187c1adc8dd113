#include "lib/trainer/sampler.h"
#include "lib/trainer/dataset.h"

#include <gtest/gtest.h>

#include <vector>

namespace leakhunt::trainer {
namespace {

TEST(Choose, TakesTheLikeliestAtTemperatureZero) {
  std::vector<Real> logits = {0, 3, 1};
  EXPECT_EQ(choose(logits, 0, 0.999), 1);
}

TEST(Choose, DividesChanceByTheProbabilities) {
  const Real half = std::log(0.5);
  const Real quarter = std::log(0.25);
  const struct {
    Real chance;
    Token token;
  } cases[] = {{0, 0}, {0.49, 0}, {0.51, 1}, {0.74, 1}, {0.76, 2}, {0.999999, 2}};
  for (const auto& [chance, token] : cases) {
    std::vector<Real> logits = {half, quarter, quarter};
    EXPECT_EQ(choose(logits, 1, chance), token) << chance;
  }
}

TEST(Choose, GrowsBolderWithTemperature) {
  std::vector<Real> cold = {1, 0};
  std::vector<Real> hot = {1, 0};
  EXPECT_EQ(choose(cold, 0.1, 0.9), 0);
  EXPECT_EQ(choose(hot, 10, 0.9), 1);
}

class SamplerTest : public testing::Test {
 protected:
  static ModelConfig config() {
    return {.vocabulary = 35, .width = 16, .heads = 2, .layers = 1, .hidden = 16, .context = 8};
  }
  Random random{5};
  Arena arena{*std::pmr::new_delete_resource(), 64 * 1024};
  std::unique_ptr<Blas> blas = make_plain_blas();
  Dataset dataset{built_in_text, *std::pmr::new_delete_resource()};
  Transformer model{config(), plain_memory(), random};
  Sampler sampler{model, dataset.vocabulary(), *blas, arena, *std::pmr::new_delete_resource(), 100};
};

TEST_F(SamplerTest, WritesAsManySymbolsAsAskedBeyondItsContext) {
  for (Index count : {0u, 1u, 8u, 100u}) {
    EXPECT_EQ(sampler.generate(dataset.tokens().first(3), count, 0.8, random).size(), count);
  }
}

TEST_F(SamplerTest, SaysTheSameWithTheSameChance) {
  Random one(9);
  Random two(9);
  const std::string first(sampler.generate(dataset.tokens().first(1), 50, 1, one));
  EXPECT_EQ(sampler.generate(dataset.tokens().first(1), 50, 1, two), first);
  EXPECT_NE(sampler.generate(dataset.tokens().first(1), 50, 1, two), first);
}

TEST_F(SamplerTest, FitsInOneChunkOfTheArena) {
  sampler.generate(dataset.tokens().first(1), 100, 1, random);
  EXPECT_EQ(arena.chunk_count(), 1u) << "a sample must not look like an iteration to who watches the arena";
}

}  // namespace
}  // namespace leakhunt::trainer
