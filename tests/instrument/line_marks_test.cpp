#include "instrument/tracker/line_marks.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace leakhunt::tracker {
namespace {

// As the runner writes it: tests/scenarios/runner asks the same of MatchCount.
struct Page {
  std::array<uint64_t, 512> words{};

  void read(uint64_t lines) {
    ++words[1];
    words[0] += lines;
    ++words[2];
    words[8 + words[2] % 504] = words[0];
  }
};

TEST(LineMarks, KnowHowManyLinesHadBeenPrintedAtMostWhenSomethingHappened) {
  Page page;
  LineMarks marks;
  marks.start(page.words.data());
  EXPECT_EQ(marks.most_at_last_event(), UINT64_MAX) << "nothing was read since";
  page.read(3);
  EXPECT_EQ(marks.most_at_last_event(), 3u);
  page.read(4);
  EXPECT_EQ(marks.most_at_last_event(), 3u) << "the first read since then has seen all that was there";
  marks.note_event();
  EXPECT_EQ(marks.most_at_last_event(), UINT64_MAX);
  page.read(1);
  page.read(100);
  EXPECT_EQ(marks.most_at_last_event(), 8u);
  EXPECT_EQ(marks.count(), 108u);
}

TEST(LineMarks, DoNotTrustAReadThatHadBegunBeforeTheEvent) {
  Page page;
  LineMarks marks;
  marks.start(page.words.data());
  page.read(1);
  ++page.words[1];  // begun, and not done
  marks.note_event();
  --page.words[1];
  page.read(1);
  EXPECT_EQ(marks.most_at_last_event(), UINT64_MAX);
  page.read(5);
  EXPECT_EQ(marks.most_at_last_event(), 7u);
}

TEST(LineMarks, OfAnEventLongAgoSayMoreRatherThanLess) {
  Page page;
  LineMarks marks;
  marks.start(page.words.data());
  for (int i = 0; i < 2000; ++i) page.read(1);
  const uint64_t most = marks.most_at_last_event();
  EXPECT_GE(most, 2000u - 504);
  EXPECT_LE(most, 2000u - 490);
}

TEST(LineMarks, HaveCaughtUpWhenNothingIsBeingRead) {
  Page page;
  LineMarks marks;
  marks.start(page.words.data());
  page.read(1);
  EXPECT_TRUE(marks.has_caught_up());
  page.read(1);
  ++page.words[1];
  EXPECT_FALSE(marks.has_caught_up()) << "somebody has taken output out of the pipe and not counted it";
  --page.words[1];
  page.read(1);
  EXPECT_TRUE(marks.has_caught_up());
}

}  // namespace
}  // namespace leakhunt::tracker
