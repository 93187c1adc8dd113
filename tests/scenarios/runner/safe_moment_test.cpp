#include "scenarios/runner/safe_moment.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace leakhunt::runner {
namespace {

// Of every main: __libc_start_call_main, which is nobody's symbol, and its caller.
const OuterFrame kStart{"libc.so.6", ""};
const OuterFrame kStartMain{"libc.so.6", "libc_start_main"};
const OuterFrame kProgramStart{"program", "start"};
const OuterFrame kMain{"program", "main"};
// Of every other thread.
const OuterFrame kThread{"libc.so.6", ""};

OuterStack in_main(std::vector<OuterFrame> inner) {
  for (const OuterFrame& outer : {kMain, kStart, kStartMain, kProgramStart}) inner.push_back(outer);
  return {std::move(inner), true};
}

TEST(SafeMoment, IsCodeOfTheProgramItself) {
  EXPECT_EQ(why_not_now(in_main({})), "");
  EXPECT_EQ(why_not_now(in_main({{"libother.so.1", "compute"}})), "");
  EXPECT_EQ(why_not_now({{{"program", "work"}, kThread, kThread}, true}), "");
}

TEST(SafeMoment, IsAFunctionOfLibcThatOnlyWaits) {
  EXPECT_EQ(why_not_now(in_main({{"libc.so.6", "read"}})), "");
  EXPECT_EQ(why_not_now(in_main({{"libc.so.6", ""}, {"libc.so.6", "pthread_cond_timedwait"}})), "");
  EXPECT_EQ(why_not_now({{{"libpthread-2.31.so", "poll"}, {"program", "work"}, kThread}, true}), "");
}

TEST(SafeMoment, IsNotInsideAnAllocator) {
  EXPECT_EQ(why_not_now(in_main({{"libc.so.6", ""}, {"libc.so.6", "malloc"}})), "in malloc");
  EXPECT_EQ(why_not_now(in_main({{"program", "free"}})), "in free");  // linked into the program
  EXPECT_EQ(why_not_now(in_main({{"libjemalloc.so.2", ""}})), "in libjemalloc.so.2");
  EXPECT_EQ(why_not_now(in_main({{"libc.so.6", ""}})), "in libc.so.6");  // free ended in a jump to it
}

// It waits, but with the allocator's lock: for another thread.
TEST(SafeMoment, IsNotAFutexInsideMalloc) {
  EXPECT_EQ(why_not_now(in_main({{"libc.so.6", "lll_lock_wait_private"}, {"libc.so.6", "malloc"}})),
            "in malloc");
}

TEST(SafeMoment, IsNotInsideTheLoaderTheTrackerOrFork) {
  EXPECT_EQ(why_not_now(in_main({{"ld-linux-x86-64.so.2", "dl_fixup"}})), "in dl_fixup");
  EXPECT_EQ(why_not_now(in_main({{"libleakhunt.so", "malloc"}})), "in malloc");
  EXPECT_EQ(why_not_now(in_main({{"libc.so.6", ""}, {"libc.so.6", "fork"}})), "in fork");
  EXPECT_EQ(why_not_now(in_main({{"libc.so.6", "pthread_create"}})), "in pthread_create");
}

// A handler that interrupted malloc, and a callback that is called with a lock of libc.
TEST(SafeMoment, LooksFurtherOutThanTheInnermostFunction) {
  EXPECT_EQ(
      why_not_now(in_main(
          {{"libc.so.6", "pause"}, {"program", "handler"}, {"libc.so.6", ""}, {"libc.so.6", "malloc"}})),
      "in malloc");
  EXPECT_EQ(why_not_now(
                in_main({{"program", "constructor"}, {"ld-linux-x86-64.so.2", ""}, {"libc.so.6", "dlopen"}})),
            "in ld-linux-x86-64.so.2");
  EXPECT_EQ(why_not_now(in_main({{"program", "compare"}, {"libc.so.6", "qsort_r"}})), "in qsort_r");
}

TEST(SafeMoment, IsNotAtTheBeginningOrEndOfAThread) {
  EXPECT_EQ(why_not_now({{kThread, kThread}, true}), "in libc.so.6");
  EXPECT_EQ(why_not_now({{}, false}), "at a place that cannot be told");
}

// Behind code that was made at run time nothing is known; in front of it everything.
TEST(SafeMoment, AcceptsAStackThatEndsInUnknownCode) {
  const OuterFrame unknown{"", ""};
  EXPECT_EQ(why_not_now({{{"libc.so.6", "poll"}, unknown}, false}), "");
  EXPECT_EQ(why_not_now({{{"libc.so.6", ""}, unknown}, false}), "in libc.so.6");
  EXPECT_EQ(why_not_now({{{"program", "work"}, {"libc.so.6", ""}}, false}), "in libc.so.6");
}

TEST(SafeMoment, KnowsWhichSystemCallsTheKernelDoesNotMakeAgain) {
  EXPECT_TRUE(comes_back_interrupted(SYS_epoll_wait));
  EXPECT_FALSE(comes_back_interrupted(SYS_futex));
  EXPECT_TRUE(only_waits(SYS_futex));
  EXPECT_FALSE(only_waits(SYS_write));  // would come back with a part of it
}

}  // namespace
}  // namespace leakhunt::runner
