#include "scenarios/runner/quantities.h"

#include <gtest/gtest.h>

namespace leakhunt::runner {
namespace {

using namespace std::chrono_literals;

TEST(Quantities, BytesHaveThreeDigitsThatMatter) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(9'999), "9,999 B");
  EXPECT_EQ(human_bytes(12'345), "12.3 kB");
  EXPECT_EQ(human_bytes(999'400), "999 kB");
  EXPECT_EQ(human_bytes(999'600), "1.00 MB");
  EXPECT_EQ(human_bytes(5'000'000'000), "5.00 GB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18.4 EB");
}

TEST(Quantities, RatesAndDurations) {
  EXPECT_EQ(human_rate(0.523), "0.52");
  EXPECT_EQ(human_rate(13.66), "13.7");
  EXPECT_EQ(human_rate(104.2), "104");
  EXPECT_EQ(human_duration(12'345us), "12 ms");
  EXPECT_EQ(human_duration(1234ms), "1.2 s");
  EXPECT_EQ(human_duration(47s), "47 s");
  EXPECT_EQ(human_duration(245s), "4 min 05 s");
  EXPECT_EQ(human_duration(130min), "2 h 10 min");
}

TEST(Quantities, DurationsAreReadWithTheirUnit) {
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration(" 1.5 min "), 90s);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
}

TEST(Quantities, WhatIsNoDurationIsRefusedWithTheUnits) {
  for (const char* text : {"", "90", "s", "-3s", "0s", "3 parsecs", "nan s", "inf h", "1e300 h"}) {
    const auto result = parse_duration(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_NE(result.error().find("ms, s, min"), std::string::npos);
  }
}

}  // namespace
}  // namespace leakhunt::runner
