// When memory for the tracker is short: a sample of the blocks, with a known error; and the target is never
// refused what it would have got without us.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::Run;

std::string bound(const char* bytes) {
  return std::string("LEAKHUNT_TRACKER_MEMORY=") + bytes + " ";
}

// Live at the last snapshot, of the tag.
double live_bytes(const Run& run, const std::string& tag) {
  double sum = 0;
  for (const recording::CallSite& site : run.sites) {
    if (run.tags.at(static_cast<size_t>(site.tag)).name == tag)
      sum += static_cast<double>(site.live_bytes_end());
  }
  return sum;
}

double error_of(const Run& run, double live) {
  return run.sampling.empty() ? 0 : std::sqrt(live * static_cast<double>(run.sampling.back().interval_bytes));
}

TEST(ShortMemory, WhatIsLiveIsKnownWithinItsErrorInAllThreads) {
  for (const char* bytes : {"1500000", "400000"}) {
    const Recorded result = recorded(target("short_memory threads 60000"), bound(bytes));
    ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
    EXPECT_EQ(result.finished.err, "");
    ASSERT_FALSE(result.run.sampling.empty()) << bytes;
    EXPECT_TRUE(result.run.step_asides.empty());
    EXPECT_EQ(result.run.damage.note, "");
    const double live = std::stod(result.finished.out);
    const double error = error_of(result.run, live);
    EXPECT_LT(error, 0.2 * live) << bytes;
    EXPECT_NEAR(live_bytes(result.run, "live"), live, 5 * error) << bytes;
    EXPECT_GT(result.run.sampling.back().allocations, 10'000u);
    EXPECT_GT(result.run.sampling.back().frees, 5'000u);
  }
}

TEST(ShortMemory, ALeakHasItsSlopeAndWhatIsFreedIsGone) {
  const Recorded result = recorded(target("steady_leak 20000"), bound("200000"));
  ASSERT_EQ(result.finished.exit_status, 0);
  ASSERT_FALSE(result.run.sampling.empty());
  EXPECT_GT(result.run.sampling.front().iteration, 100u);
  const double live = 20000 * 48;
  EXPECT_NEAR(live_bytes(result.run, "heap"), live, 5 * error_of(result.run, live) + 80'000);
  EXPECT_EQ(recording::clock_snapshots(result.run).size(), 20'000u);
}

TEST(ShortMemory, StacksThatFindNoRoomAreOneSiteOfTheirTag) {
  const Recorded result = recorded(target("many_blocks stacks 5000"), bound("200000"));
  ASSERT_EQ(result.finished.exit_status, 0);
  EXPECT_EQ(result.finished.err, "");
  ASSERT_FALSE(result.run.sampling.empty());
  EXPECT_TRUE(result.run.sampling.back().stacks_end);
  size_t without_stack = 0;
  for (const recording::CallSite& site : result.run.sites) without_stack += site.frames.empty() ? 1 : 0;
  EXPECT_GE(without_stack, 1u);
  EXPECT_LT(result.run.sites.size(), 5000u);
  const double live = 5000 * 16;
  EXPECT_NEAR(live_bytes(result.run, "stacks"), live, 5 * error_of(result.run, live));
}

// The library itself takes a megabyte of the address space, and the least that the tracker keeps is another.
TEST(ShortMemory, WhatTheProgramAsksForIsGivenByTheTracker) {
  for (const int kilobytes : {16'000, 24'000, 48'000}) {
    const std::string limit = "ulimit -v " + std::to_string(kilobytes) + "; ";
    const Finished plain = run_command("( " + limit + target("short_memory takes_all") + " )");
    const Recorded result = recorded(target("short_memory takes_all"), limit);
    ASSERT_EQ(result.finished.exit_status, 0) << limit;
    EXPECT_GE(std::stoi(result.finished.out) + 32, std::stoi(plain.out)) << limit;
  }
}

TEST(ShortMemory, UnderAnyLimitTheProgramDoesWhatItDoesWithALittleLess) {
  constexpr int kLittle = 2'500;
  const TemporaryFolder folder;
  const std::string program = target("many_blocks live 40000");
  int passed = 0;
  for (int kilobytes = 7'000; kilobytes < 7'000 + 25 * 700; kilobytes += 700) {
    const Finished plain =
        run_command("( ulimit -v " + std::to_string(kilobytes - kLittle) + "; exec " + program + " )");
    if (plain.exit_status != 0) continue;
    ++passed;
    const Finished ours = run_command("( ulimit -v " + std::to_string(kilobytes) +
                                      "; LEAKHUNT_INTERVAL_MS=0 LEAKHUNT_RECORDING=" + folder.file("r.lhr") +
                                      " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " exec " + program + " )");
    EXPECT_EQ(ours.exit_status, 0) << kilobytes << ours.err;
    EXPECT_EQ(ours.out, plain.out) << kilobytes;
  }
  EXPECT_GT(passed, 10);
}

}  // namespace
}  // namespace leakhunt::end_to_end
