#include "lib/stats/rate.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace leakhunt::stats {
namespace {

constexpr uint32_t kSeed = 20240608;
constexpr double kConfidence = 0.99;

std::vector<Point> at_random(std::mt19937& random, double decay, size_t count) {
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<double> times;
  while (times.size() < count) {
    const double x = unit(random);
    if (unit(random) < std::exp(-decay * x - std::max(0.0, -decay))) times.push_back(x * 1000);
  }
  std::sort(times.begin(), times.end());
  std::vector<Point> events;
  for (const double time : times) events.push_back({time, 16});
  return events;
}

TEST(RateOfEvents, OfAClockworkIsExact) {
  std::vector<Point> events;
  for (int i = 0; i < 12; ++i) events.push_back({10.0 * i + 3, 16});
  const Rate rate = rate_of_events(events, kConfidence);
  EXPECT_DOUBLE_EQ(rate.per_step, 1.6);
  EXPECT_DOUBLE_EQ(rate.interval.low, 1.6);
  EXPECT_DOUBLE_EQ(rate.interval.high, 1.6);
  EXPECT_NEAR(rate.decay, 0, 1e-9);
  EXPECT_NEAR(rate.deviation, 0, 1e-9);
}

// Of each mark that fell out the next one has the amount, too: nothing scatters but the ends.
TEST(RateOfEvents, TakesMarksThatFallOutForNoScatter) {
  std::mt19937 random(kSeed);
  std::vector<Point> events;
  for (double x = 0; events.size() < 40;) {
    const double distance = random() % 2 == 0 ? 1 : 2;
    x += distance;
    events.push_back({x, 20'000 * distance});
  }
  const Rate rate = rate_of_events(events, kConfidence);
  EXPECT_NEAR(rate.per_step, 20'000, 400) << "seed " << kSeed;
  EXPECT_LE(rate.interval.low, 20'000);
  EXPECT_GE(rate.interval.high, 20'000);
  EXPECT_NEAR(rate.decay, 0, 0.1);
  EXPECT_NEAR(rate.deviation, 0, 1e-9);
}

TEST(RateOfEvents, FindsTheDecayOfARateThatDies) {
  std::mt19937 random(kSeed);
  for (const double decay : {-2.0, 0.0, 1.0, 3.0}) {
    double sum = 0;
    for (int round = 0; round < 40; ++round)
      sum += rate_of_events(at_random(random, decay, 1000), kConfidence).decay;
    EXPECT_NEAR(sum / 40, decay, 0.1) << "seed " << kSeed;
  }
}

TEST(RateOfEvents, KnowsHowFarItsDecayScattersAndItsSlope) {
  std::mt19937 random(kSeed);
  double squares = 0;
  double deviation = 0;
  int inside = 0;
  constexpr int kRounds = 400;
  std::exponential_distribution<double> distance(0.1);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Point> events;
    for (double x = distance(random); x < 5000; x += distance(random)) events.push_back({x, 16});
    const Rate rate = rate_of_events(events, kConfidence);
    squares += rate.decay * rate.decay / kRounds;
    deviation += rate.deviation / kRounds;
    inside += rate.interval.low <= 1.6 && 1.6 <= rate.interval.high ? 1 : 0;
  }
  EXPECT_NEAR(deviation / std::sqrt(squares), 1, 0.15) << "seed " << kSeed;
  EXPECT_GE(inside, kRounds * 97 / 100) << "seed " << kSeed;
}

TEST(RateOfEvents, OfFewerThanThreeIsNothing) {
  const std::vector<Point> events = {{1, 16}, {2, 16}};
  EXPECT_EQ(rate_of_events(events, kConfidence).per_step, 0);
}

TEST(RateOfLevels, OfAParabolaIsItsSlopeAndCurvature) {
  std::vector<Point> levels;
  for (int i = 0; i <= 20; ++i) levels.push_back({i * 5.0, 7 + 4 * i - 0.05 * i * i});
  const Rate rate = rate_of_levels(levels, kConfidence);
  EXPECT_NEAR(rate.per_step, (4 - 0.05 * 20) / 5, 1e-9) << "the slope in the middle";
  EXPECT_NEAR(rate.decay, 0.1 * 20 / 3, 1e-9) << "the slope falls from 4 to 2, which is 2 of 3";
  EXPECT_NEAR(rate.deviation, 0, 1e-6);
}

TEST(Wandering, IsNothingForALineAndMuchForAWalk) {
  std::mt19937 random(kSeed);
  std::normal_distribution<double> step(0, 1);
  int covered = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Point> walk;
    double level = 0;
    for (int i = 0; i < 32; ++i) walk.push_back({1.0 * i, level += 1 + step(random)});
    const double slope = (walk.back().y - walk.front().y) / 31;
    covered += std::abs(slope - 1) <= wandering(walk, kConfidence) ? 1 : 0;
  }
  EXPECT_GE(covered, 270) << "seed " << kSeed;
  std::vector<Point> line;
  for (int i = 0; i < 32; ++i) line.push_back({1.0 * i, 3.0 * i});
  EXPECT_EQ(wandering(line, kConfidence), 0);
}

TEST(ChanceOfClimb, IsSmallForWalksThatClimbByChanceAsOftenAsItSays) {
  std::mt19937 random(kSeed);
  std::normal_distribution<double> step(0, 1);
  int small = 0;
  constexpr int kRounds = 4000;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> walk;
    double level = 0;
    for (int i = 0; i < 32; ++i) walk.push_back(level += step(random));
    small += chance_of_climb(walk) < 0.001 ? 1 : 0;
  }
  EXPECT_LE(small, kRounds / 100) << "seed " << kSeed
                                  << ": the variance of a walk is underestimated at times";
}

TEST(ChanceOfClimb, IsTinyForALineUnderNoise) {
  std::mt19937 random(kSeed);
  std::normal_distribution<double> noise(0, 1);
  std::vector<double> levels;
  for (int i = 0; i < 32; ++i) levels.push_back(i + noise(random));
  EXPECT_LT(chance_of_climb(levels), 1e-6);
  std::reverse(levels.begin(), levels.end());
  EXPECT_EQ(chance_of_climb(levels), 1);
}

}  // namespace
}  // namespace leakhunt::stats
