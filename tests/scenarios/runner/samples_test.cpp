#include "scenarios/runner/samples.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace leakhunt::runner {
namespace {

constexpr uint64_t kLook_ns = 20'000'000;

TEST(Samples, StayFewHoweverLongTheRun) {
  Samples samples;
  for (uint64_t i = 0; i < 1'000'000; ++i) samples.add(i * kLook_ns, i);
  const auto& all = samples.all();
  EXPECT_LE(all.size(), Samples::kMost);
  EXPECT_GE(all.size(), Samples::kMost / 2 - 1);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; }));
}

TEST(Samples, KeepEveryMaximum) {
  Samples samples;
  constexpr uint64_t kPeakAt = 123'457;
  for (uint64_t i = 0; i < 500'000; ++i) samples.add(i * kLook_ns, i == kPeakAt ? 99 : 7);
  const auto highest =
      std::max_element(samples.all().begin(), samples.all().end(),
                       [](const auto& a, const auto& b) { return a.rss_bytes < b.rss_bytes; });
  EXPECT_EQ(highest->rss_bytes, 99u);
  EXPECT_EQ(highest->time_ns, kPeakAt * kLook_ns);
}

TEST(Samples, AreATenthOfASecondApartAtFirst) {
  Samples samples;
  for (uint64_t i = 0; i < 50; ++i) samples.add(i * kLook_ns, 5);
  EXPECT_EQ(samples.all().size(), 10u);
}

}  // namespace
}  // namespace leakhunt::runner
