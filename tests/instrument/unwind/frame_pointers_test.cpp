// The walk along saved frame registers, through code that keeps them: this file is compiled so.
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>

#include "tests/instrument/unwind/stacks.h"
#include "tests/instrument/unwind/subjects.h"

namespace leakhunt::tracker {
namespace {

__attribute__((noinline)) void descend(unsigned depth, Stacks* stacks) {
  volatile unsigned keeps_the_frame = depth;
  depth == 0 ? take_stacks(stacks) : descend(depth - 1, stacks);
  keeps_the_frame = keeps_the_frame + 1;
}

TEST(FramePointers, AreExactThroughCodeThatKeepsThem) {
  Stacks stacks;
  stacks.capture = capture_by_frame_pointers;
  descend(30, &stacks);
  ASSERT_GE(stacks.ours.size(), 32u);  // thirty-one times descend, and the test's body
  EXPECT_TRUE(std::equal(stacks.ours.begin(), stacks.ours.begin() + 32, stacks.libgcc.begin()));
}

TEST(FramePointers, StopAtTheLimitAndSaySo) {
  for (const size_t limit : {size_t{1}, size_t{2}, size_t{25}}) {
    Stacks stacks;
    stacks.capture = capture_by_frame_pointers;
    stacks.max_frames = limit;
    descend(30, &stacks);
    EXPECT_EQ(stacks.ours.size(), limit);
    EXPECT_TRUE(is_honest_prefix(stacks));
  }
}

TEST(FramePointers, EndCleanlyAtTheStartOfAThread) {
  Stacks stacks;
  stacks.capture = capture_by_frame_pointers;
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    descend(3, static_cast<Stacks*>(argument));
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, run, &stacks), 0);
  pthread_join(thread, nullptr);
  EXPECT_GE(stacks.ours.size(), 6u);
  EXPECT_TRUE(std::equal(stacks.ours.begin(), stacks.ours.begin() + 6, stacks.libgcc.begin()));
}

// Three frames on a stack made by hand.
TEST(FramePointers, StopAtAZeroFrameOrReturnAddress) {
  for (const bool zero_frame : {true, false}) {
    uintptr_t stack[8] = {};
    stack[0] = reinterpret_cast<uintptr_t>(&stack[2]);
    stack[1] = 111;
    stack[2] = reinterpret_cast<uintptr_t>(&stack[4]);
    stack[3] = 222;
    stack[4] = zero_frame ? 0 : reinterpret_cast<uintptr_t>(&stack[6]);
    stack[5] = zero_frame ? 333 : 0;
    uint64_t frames[8];
    const StackBounds bounds{reinterpret_cast<uintptr_t>(stack), reinterpret_cast<uintptr_t>(stack + 8)};
    for (const StackBounds own_or_foreign : {bounds, StackBounds{0, 0}}) {
      const CapturedStack captured = capture_by_frame_pointers(stack, own_or_foreign, frames, 8);
      EXPECT_EQ(captured.count, zero_frame ? 3u : 2u);
      EXPECT_FALSE(captured.truncated);
      EXPECT_EQ(frames[0], 111u);
      EXPECT_EQ(frames[1], 222u);
    }
  }
}

TEST(FramePointers, RefuseAChainThatGoesDownOrNowhere) {
  uintptr_t stack[8] = {};
  stack[3] = 111;
  uint64_t frames[8];
  const StackBounds bounds{reinterpret_cast<uintptr_t>(stack), reinterpret_cast<uintptr_t>(stack + 8)};
  for (const uintptr_t next : {reinterpret_cast<uintptr_t>(&stack[0]), reinterpret_cast<uintptr_t>(&stack[2]),
                               reinterpret_cast<uintptr_t>(&stack[4]) + 1, bounds.high, bounds.high - 8}) {
    stack[2] = next;
    const CapturedStack captured = capture_by_frame_pointers(&stack[2], bounds, frames, 8);
    EXPECT_EQ(captured.count, 1u);
    EXPECT_TRUE(captured.truncated);
  }
}

}  // namespace
}  // namespace leakhunt::tracker
