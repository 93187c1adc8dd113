#include "lib/trainer/team.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "tests/lib/trainer/both_precisions.h"

namespace leakhunt::trainer {
namespace {

TEST(Slice, CoversEverythingOnceInOrderAndOnGranules) {
  for (const Index size : {0U, 1U, 7U, 8U, 35U, 64U, 788U}) {
    for (const Index granule : {1U, 8U, 16U}) {
      for (const unsigned count : {1U, 2U, 3U, 8U, 64U}) {
        Index at = 0;
        for (unsigned index = 0; index < count; ++index) {
          const Range part = Slice{index, count}.of(size, granule);
          EXPECT_EQ(part.begin, at);
          EXPECT_TRUE(part.begin % granule == 0 || part.begin == size);
          at = part.end;
        }
        EXPECT_EQ(at, size) << size << " in " << count << " parts of " << granule;
      }
    }
  }
}

TEST(Team, CallsEveryMemberOnceInEveryRound) {
  for (const unsigned threads : {1U, 2U, 5U}) {
    Team team(threads);
    ASSERT_EQ(team.size(), threads);
    std::vector<unsigned> calls(threads, 0);
    for (unsigned round = 0; round < 2000; ++round) {
      team.run([&](Slice slice) {
        EXPECT_EQ(slice.count, threads);
        ++calls[slice.index];
      });
    }
    EXPECT_EQ(calls, std::vector<unsigned>(threads, 2000)) << threads << " threads";
  }
}

TEST(Team, SleepsBetweenRoundsAndWakesUp) {
  Team team(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    unsigned calls[2] = {};
    team.run([&](Slice slice) { ++calls[slice.index]; });
    EXPECT_EQ(calls[0] + calls[1], 2U);
  }
}

TEST(Team, OfAnySizeTrainsToTheSameBit) {
  const std::vector<double> alone = f64::losses_of_tiny(15);
  for (const unsigned threads : {2U, 3U, 7U}) EXPECT_EQ(f64::losses_of_tiny(15, threads), alone) << threads;
  EXPECT_EQ(f32::losses_of_tiny(15, 3), f32::losses_of_tiny(15));
}

}  // namespace
}  // namespace leakhunt::trainer
