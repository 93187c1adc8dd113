#include "scenarios/runner/guard.h"

#include <gtest/gtest.h>

namespace leakhunt::runner {
namespace {

using namespace std::chrono_literals;

constexpr GuardLimits kCeiling{.ceiling_bytes = 1'000'000'000, .timeout = {}, .target_has_terminal = false};

TEST(Guard, LetsATargetBeThatKeepsItsLimits) {
  Guard guard({.ceiling_bytes = 1'000, .timeout = 10s});
  EXPECT_EQ(guard.look({9s, 1'000, 5}), 0);
  EXPECT_EQ(guard.stopped_for(), "");
  Guard unlimited({});
  EXPECT_EQ(unlimited.look({1000h, UINT64_MAX, 5}), 0);
}

TEST(Guard, AsksAtTheCeilingAndInsistsAfterTwoSeconds) {
  Guard guard(kCeiling);
  EXPECT_EQ(guard.look({3s, 1'010'000'000, 77}), SIGTERM);
  EXPECT_EQ(guard.stopped_for(),
            "its resident memory of 1.01 GB passed the budget of 1.00 GB after 3.0 s, at iteration 77");
  EXPECT_EQ(guard.look({4s, 1'100'000'000, 78}), 0);
  EXPECT_EQ(guard.look({5s, 1'100'000'000, 79}), SIGKILL);
  EXPECT_EQ(guard.look({6s, 1'100'000'000, 79}), 0);  // once
}

TEST(Guard, DoesNotWaitForATargetThatGrowsOn) {
  Guard guard(kCeiling);
  EXPECT_EQ(guard.look({3s, 1'010'000'000, 77}), SIGTERM);
  EXPECT_EQ(guard.look({3020ms, 1'260'000'000, 77}), SIGKILL);
}

TEST(Guard, StopsAtTheTimeout) {
  Guard guard({.ceiling_bytes = {}, .timeout = 10s});
  EXPECT_EQ(guard.look({10'001ms, 5, 3}), SIGTERM);
  EXPECT_EQ(guard.stopped_for(), "it ran longer than its timeout of 10 s, to iteration 3");
  EXPECT_EQ(guard.look({13s, 5, 3}), SIGKILL);
}

TEST(Guard, SendsSignalsOnAndKillsAtTheSecond) {
  Guard guard(kCeiling);
  EXPECT_EQ(guard.take({SIGTERM, false}, 2s), SIGTERM);
  EXPECT_EQ(guard.stopped_for(), "interrupted by SIGTERM after 2.0 s");
  EXPECT_EQ(guard.interrupted_by(), SIGTERM);
  EXPECT_EQ(guard.take({SIGINT, false}, 3s), SIGKILL);
}

TEST(Guard, AKeyHasReachedTheTargetAlready) {
  Guard guard(kCeiling);
  EXPECT_EQ(guard.take({SIGINT, true}, 2s), 0);
  EXPECT_EQ(guard.interrupted_by(), SIGINT);
  EXPECT_EQ(guard.take({SIGINT, true}, 3s), SIGKILL);
}

TEST(Guard, AKeyThatATerminalProgramOutlivesEndedNothing) {
  Guard guard({.ceiling_bytes = {}, .timeout = {}, .target_has_terminal = true});
  EXPECT_EQ(guard.take({SIGINT, true}, 2s), 0);
  EXPECT_EQ(guard.take({SIGINT, true}, 3s), 0);  // its own business
  EXPECT_EQ(guard.look({4s, 5, 0}), 0);
  EXPECT_EQ(guard.interrupted_by(), SIGINT);
  EXPECT_EQ(guard.look({9s, 5, 0}), 0);
  EXPECT_EQ(guard.interrupted_by(), 0);
  EXPECT_EQ(guard.stopped_for(), "");
}

TEST(Guard, TheFirstReasonStays) {
  Guard guard(kCeiling);
  EXPECT_EQ(guard.look({3s, 1'010'000'000, 77}), SIGTERM);
  guard.take({SIGINT, false}, 3100ms);
  EXPECT_NE(guard.stopped_for().find("passed the budget"), std::string::npos);
  EXPECT_EQ(guard.interrupted_by(), SIGINT);
}

TEST(Guard, WaitsAMinuteForATargetThatIsOnlyNoLongerNeeded) {
  Guard guard(kCeiling);
  EXPECT_EQ(guard.end_politely("its verdict is certain", 3s), SIGTERM);
  EXPECT_EQ(guard.stopped_for(), "its verdict is certain");
  EXPECT_EQ(guard.end_politely("again", 4s), 0);
  EXPECT_EQ(guard.look({60s, 5, 3}), 0);
  EXPECT_EQ(guard.look({64s, 5, 3}), SIGKILL);
}

}  // namespace
}  // namespace leakhunt::runner
