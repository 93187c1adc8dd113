#include "instrument/tracker/peaks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

namespace leakhunt::tracker {
namespace {

TEST(Peaks, AreExactWithOneThread) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  PeakGauge gauge{};
  PeakMeter meter{};
  int64_t live = 0;
  int64_t peak = 0;
  for (int i = 0; i < 200'000; ++i) {
    const int64_t size = static_cast<int64_t>(random() % (random() % 100 == 0 ? 1'000'000 : 500));
    const int64_t change = random() % 2 == 0 ? size : -std::min(size, live);
    live += change;
    peak = std::max(peak, live);
    meter.add(gauge, change);
    if (i % 1000 == 0) {  // a snapshot
      meter.pour(gauge);
      ASSERT_EQ(gauge.take_peak(), peak);
      ASSERT_EQ(gauge.live, live);
      peak = live;
    }
  }
}

TEST(Peaks, StayWithinTheStatedBoundWithManyThreads) {
  constexpr int kThreads = 8;
  constexpr int64_t kEach = 10'000'000;
  PeakGauge gauge{};
  std::vector<std::thread> threads;
  for (int self = 0; self < kThreads; ++self) {
    threads.emplace_back([&] {
      PeakMeter meter{};
      for (int64_t sum = 0; sum < kEach; sum += 1000) meter.add(gauge, 1000);
      meter.pour(gauge);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(gauge.live, kThreads * kEach);
  EXPECT_EQ(gauge.take_peak(), kThreads * kEach);
}

}  // namespace
}  // namespace leakhunt::tracker
