#include "instrument/tracker/sampling.h"

#include <gtest/gtest.h>

#include <cmath>

namespace leakhunt::tracker {
namespace {

TEST(Sampling, AWeightIsTheIntervalOverTheSizeRoundedUp) {
  EXPECT_EQ(Sampling::weight(0, 1), 1u);
  EXPECT_EQ(Sampling::weight(12, 16), 256u);
  EXPECT_EQ(Sampling::weight(12, 17), 128u);
  EXPECT_EQ(Sampling::weight(12, 4096), 1u);
  EXPECT_EQ(Sampling::weight(12, 1 << 20), 1u);
  EXPECT_EQ(Sampling::weight(12, 0), 4096u);
}

// What is drawn, times what it stands for, is what there was: whether it is drawn at once or in two steps.
TEST(Sampling, HasNoBias) {
  constexpr uint64_t kBlocks = 1 << 18;
  for (const uint64_t size : {1u, 16u, 100u, 3000u, 4096u}) {
    uint64_t at_once = 0;
    uint64_t in_steps = 0;
    for (uint64_t i = 0; i < kBlocks; ++i) {
      at_once += Sampling::stays(0, 12, size, i) ? Sampling::weight(12, size) : 0;
      const bool twice = Sampling::stays(0, 8, size, i) && Sampling::stays(8, 12, size, ~i);
      in_steps += twice ? Sampling::weight(12, size) : 0;
    }
    const double error = std::sqrt(static_cast<double>(kBlocks) * 4096.0 / static_cast<double>(size));
    EXPECT_NEAR(static_cast<double>(at_once), kBlocks, 5 * error) << size;
    EXPECT_NEAR(static_cast<double>(in_steps), kBlocks, 5 * error) << size;
  }
}

TEST(Sampling, ChoosesTheLeastLevelThatFits) {
  uint64_t blocks[Sampling::kSizes] = {};
  blocks[4] = 1000;  // of 16 bytes
  blocks[20] = 10;
  Sampling sampling;
  EXPECT_EQ(sampling.level_for(blocks, 600), 5u);
  EXPECT_EQ(sampling.level_for(blocks, 100), 8u);
  sampling.raise_to(8);  // the thousand are what is left now
  EXPECT_EQ(sampling.level_for(blocks, 600), 9u);
  EXPECT_EQ(sampling.level_for(blocks, 9), 21u);
  EXPECT_TRUE(sampling.on());
  sampling.clear();
  EXPECT_FALSE(sampling.on());
}

TEST(Sampling, ALevelTravelsInASize) {
  const uint64_t carried = Sampling::with_level(17, 123'456'789'012);
  EXPECT_EQ(Sampling::level_in(carried), 17u);
  EXPECT_EQ(Sampling::without_level(carried), 123'456'789'012u);
  EXPECT_EQ(Sampling::level_in(48), 0u);
}

}  // namespace
}  // namespace leakhunt::tracker
