#include "scenarios/runner/output_directory.h"

#include <gtest/gtest.h>

#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

namespace fs = std::filesystem;

TEST(OutputDirectory, IsMadeWithItsParents) {
  const ScratchDirectory scratch;
  const auto out = OutputDirectory::open(scratch.path() / "a/b");
  ASSERT_TRUE(out.has_value()) << out.error();
  EXPECT_TRUE(fs::is_directory(scratch.path() / "a/b"));
  EXPECT_EQ(out->recording(), scratch.path() / "a/b/recording.lhr");
}

TEST(OutputDirectory, ClearsWhatAnEarlierRunLeftAndNothingElse) {
  const ScratchDirectory scratch;
  scratch.write("report.txt", "old");
  scratch.write("target.log", "old");
  scratch.write("notes.txt", "mine");
  const auto out = OutputDirectory::open(scratch.path());
  ASSERT_TRUE(out.has_value());
  EXPECT_TRUE(fs::exists(scratch.path() / "report.txt"));
  out->clear();
  EXPECT_FALSE(fs::exists(scratch.path() / "report.txt"));
  EXPECT_FALSE(fs::exists(scratch.path() / "target.log"));
  EXPECT_TRUE(fs::exists(scratch.path() / "notes.txt"));
}

TEST(OutputDirectory, BelongsToOneRunAtATime) {
  const ScratchDirectory scratch;
  {
    const auto first = OutputDirectory::open(scratch.path());
    ASSERT_TRUE(first.has_value());
    const auto second = OutputDirectory::open(scratch.path());
    ASSERT_FALSE(second.has_value());
    EXPECT_NE(second.error().find("another run is writing there"), std::string::npos);
  }
  EXPECT_TRUE(OutputDirectory::open(scratch.path()).has_value());
}

TEST(OutputDirectory, AFileIsNone) {
  const ScratchDirectory scratch;
  const auto file = scratch.write("file", "");
  EXPECT_NE(OutputDirectory::open(file).error().find("choose another directory with --out"),
            std::string::npos);
  EXPECT_FALSE(OutputDirectory::open(file / "below").has_value());
}

TEST(OutputDirectory, OrItsFileNamesARecording) {
  const ScratchDirectory scratch;
  EXPECT_EQ(recording_in(scratch.path()), scratch.path() / "recording.lhr");
  EXPECT_EQ(recording_in("some.lhr"), "some.lhr");
}

}  // namespace
}  // namespace leakhunt::runner
