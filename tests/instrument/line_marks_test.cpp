#include "instrument/tracker/line_marks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>

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

// Standard output is a pipe, as the runner gives it.
class LinesOfAPipe : public testing::Test {
 protected:
  void SetUp() override {
    fflush(stdout);
    ASSERT_EQ(pipe(ends_.data()), 0);
    before_ = dup(STDOUT_FILENO);
    dup2(ends_[1], STDOUT_FILENO);
    marks_.start(page_.words.data());
  }
  void TearDown() override {
    dup2(before_, STDOUT_FILENO);
    for (const int file : {before_, ends_[0], ends_[1]}) close(file);
  }

  // As the runner's thread does it, a little later.
  std::thread read_later(uint64_t bytes) {
    return std::thread([this, bytes] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      __atomic_store_n(page_.words.data(), uint64_t{1}, __ATOMIC_RELEASE);
      __atomic_fetch_add(&page_.words[3], bytes, __ATOMIC_RELEASE);
      __atomic_fetch_add(&page_.words[2], uint64_t{1}, __ATOMIC_RELEASE);
      syscall(SYS_futex, &page_.words[2], FUTEX_WAKE, 1, nullptr, nullptr, 0);
    });
  }

  Page page_;
  LineMarks marks_;
  std::array<int, 2> ends_{-1, -1};
  int before_ = -1;
};

TEST_F(LinesOfAPipe, AreWaitedForUntilTheyAreCounted) {
  marks_.before_write(STDOUT_FILENO, 10);
  EXPECT_TRUE(marks_.is_behind());
  EXPECT_FALSE(marks_.has_caught_up());
  std::thread reader = read_later(10);
  marks_.catch_up();
  EXPECT_EQ(marks_.count(), 1u);
  EXPECT_FALSE(marks_.is_behind());
  EXPECT_TRUE(marks_.has_caught_up());
  reader.join();
}

TEST_F(LinesOfAPipe, ThatAreNeverReadAreGivenUpAndCostABoundedTime) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) {
    marks_.before_write(STDOUT_FILENO, 10);
    marks_.catch_up();
    EXPECT_FALSE(marks_.is_behind());
  }
  // 0.1 s each, until there is no time left for it: 0.2 s and a quarter of what has passed.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(LinesOfAPipe, AreOnlyThoseOfTheStreamsThatAreRead) {
  marks_.before_write(ends_[0], 10);
  EXPECT_FALSE(marks_.is_behind()) << "no standard stream";
  const int elsewhere = open("/dev/null", O_WRONLY);
  dup2(elsewhere, STDOUT_FILENO);
  close(elsewhere);
  marks_.before_write(STDOUT_FILENO, 10);
  EXPECT_FALSE(marks_.is_behind()) << "something else than at the start";
}

}  // namespace
}  // namespace leakhunt::tracker
