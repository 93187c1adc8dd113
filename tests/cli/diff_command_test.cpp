// leakhunt diff: two recordings of the built command, or two moments of one.
#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

class DiffCommand : public testing::Test {
 protected:
  // 100 iterations that keep a block each, of 10 bytes and of 1,000.
  DiffCommand() {
    command_.call("run --out calm -- " LEAKHUNT_STEPS " 100 10 0");
    command_.call("run --out leaky -- " LEAKHUNT_STEPS " 100 1000 0");
  }

  CommandLine command_;
};

TEST_F(DiffCommand, ShowsWhatGrewAndEndsWithSuccess) {
  const Called called = command_.call("diff calm leaky");
  EXPECT_EQ(called.status, 0) << called.err;
  EXPECT_TRUE(called.out.starts_with("DIFFERENCE  live heap ")) << called.out;
  EXPECT_TRUE(contains(called.out, "\n  before  calm: ")) << called.out;
  EXPECT_TRUE(contains(called.out, "Call sites that differ")) << called.out;
  EXPECT_FALSE(contains(called.out, command_.path().string())) << "an absolute path";
  const Called same = command_.call("diff calm calm/recording.lhr");
  EXPECT_TRUE(contains(unwrapped(same.out), "alike in everything")) << same.out;
}

TEST_F(DiffCommand, OfTwoMomentsIsTheSameInBothWaysOfWriting) {
  const Called by_options = command_.call("diff leaky --from 10 --to 60 --format json");
  const Called by_signs = command_.call("diff leaky@10 leaky@60 --format json");
  EXPECT_EQ(by_options.status, 0) << by_options.err;
  EXPECT_EQ(by_options.out, by_signs.out);
  EXPECT_TRUE(contains(by_options.out, "\"steps\": 50")) << by_options.out;
  EXPECT_TRUE(contains(by_options.out, "\"live_bytes\": 50000")) << "50 blocks of 1,000 bytes";
}

TEST_F(DiffCommand, TakesTheFormatFromTheFilesName) {
  EXPECT_EQ(command_.call("diff calm leaky -o d.json").out, "");
  EXPECT_EQ(command_.file("d.json"), command_.call("diff calm leaky --format json").out);
  EXPECT_EQ(command_.call("diff calm leaky -o d.pb.gz").status, 0);
  EXPECT_TRUE(command_.file("d.pb.gz").starts_with("\x1f\x8b"));
}

TEST_F(DiffCommand, RefusesWithOneLineThatNamesTheMend) {
  const struct {
    std::string words;
    std::string says;
  } cases[] = {
      {"diff", "two recordings are missing"},
      {"diff calm",
       "name a second recording, or two moments of this one: leakhunt diff calm --from N --to M"},
      {"diff calm leaky calm", "diff compares two recordings, and 3 are named"},
      {"diff calm leaky --from 3", "of two, write A@N and B@M"},
      {"diff calm@3 --from 3", "both name a moment"},
      {"diff calm@1000 leaky", "calm@1000: there is no iteration 1000: the recording holds 0 to 99"},
      {"diff calm nothing", "nothing"},
      {"diff calm leaky --format jsn", "did you mean json"},
      {"diff calm leaky -o d.xyz", "does not say in which format"},
      {"diff calm leaky -- ls", "takes no program"},
  };
  for (const auto& [words, says] : cases) {
    const Called called = command_.call(words);
    EXPECT_EQ(called.status, 2) << words;
    EXPECT_EQ(called.out, "") << words;
    EXPECT_TRUE(contains(called.err, says)) << words << ": " << called.err;
    EXPECT_EQ(std::count(called.err.begin(), called.err.end(), '\n'), 1) << called.err;
  }
}

}  // namespace
}  // namespace leakhunt::cli
