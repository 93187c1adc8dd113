// What must never crash, hang or be believed: registers with rubbish in them, code without rules, rules that
// lie, stacks that are no stacks.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/instrument/unwind/stacks.h"
#include "tests/instrument/unwind/subjects.h"

namespace leakhunt::tracker {
namespace {

std::vector<size_t> bogus_registers() {
  static char* unreadable =
      static_cast<char*>(mmap(nullptr, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  const StackBounds stack = own_stack();
  const size_t here = reinterpret_cast<size_t>(__builtin_frame_address(0));
  return {0,
          1,
          8,
          4096,
          0x7FFFFFFFF000,
          0x1234567890ABCDEF,
          SIZE_MAX,
          SIZE_MAX - 7,
          stack.low,
          stack.high,
          stack.high - 8,
          stack.high - 16,
          here - 4096,
          here + 1,
          here + 8,
          here,
          reinterpret_cast<size_t>(unreadable),
          reinterpret_cast<size_t>(&bogus_registers)};
}

TEST(UnwindHostile, AnyFrameRegisterIsRightWithRules) {
  for (const size_t rbp : bogus_registers()) {
    Stacks stacks;
    subject_bogus_rbp(take_stacks, &stacks, rbp);
    EXPECT_EQ(difference(stacks), "") << std::hex << rbp;
  }
}

TEST(UnwindHostile, AnyFrameRegisterIsSurvivedByFramePointers) {
  for (const size_t rbp : bogus_registers()) {
    Stacks stacks;
    stacks.capture = capture_by_frame_pointers;
    subject_bogus_rbp(take_stacks, &stacks, rbp);
    ASSERT_GE(stacks.ours.size(), 1u);
    EXPECT_EQ(stacks.ours[0], stacks.libgcc[0]);
    const bool believed = stacks.ours.size() > 1 || rbp == own_stack().high - 16;
    if (!believed) {  // the end of the chain, or a break
      EXPECT_EQ(stacks.truncated, rbp >= 4096) << std::hex << rbp;
    }
  }
}

TEST(UnwindHostile, ARuleThatBelievesTheFrameRegisterStopsTheWalk) {
  for (const size_t rbp : bogus_registers()) {
    Stacks stacks;
    stacks.with_libgcc = false;  // it would crash
    subject_lying_rule(take_stacks, &stacks, rbp);
    EXPECT_GE(stacks.ours.size(), 1u);
    EXPECT_LE(stacks.ours.size(), 64u);
  }
}

TEST(UnwindHostile, CodeWithoutRulesEndsTheWalkHonestly) {
  Stacks stacks;
  subject_without_rule(take_stacks, &stacks);
  EXPECT_TRUE(is_honest_prefix(stacks)) << difference(stacks);
}

// --- code made at run time

using Jitted = void (*)(void (*)(void*), void*);

class JitPage {
 public:
  explicit JitPage(std::initializer_list<uint8_t> code) {
    page_ = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::copy(code.begin(), code.end(), static_cast<uint8_t*>(page_));
    mprotect(page_, 4096, PROT_READ | PROT_EXEC);
  }
  ~JitPage() { munmap(page_, 4096); }
  Jitted function() const { return reinterpret_cast<Jitted>(page_); }

 private:
  void* page_;
};

TEST(UnwindHostile, JittedCodeWithAFramePointerIsPassed) {
  // push %rbp; mov %rsp,%rbp; mov %rdi,%rax; mov %rsi,%rdi; call *%rax; pop %rbp; ret
  const JitPage page({0x55, 0x48, 0x89, 0xE5, 0x48, 0x89, 0xF8, 0x48, 0x89, 0xF7, 0xFF, 0xD0, 0x5D, 0xC3});
  struct Both {
    Stacks inside;
    Stacks outside;
  } both;
  page.function()(take_stacks, &both.inside);
  take_stacks(&both.outside);
  EXPECT_FALSE(both.inside.truncated);
  ASSERT_EQ(both.inside.ours.size(), both.outside.ours.size() + 1);
  EXPECT_TRUE(
      std::equal(both.inside.ours.begin() + 2, both.inside.ours.end(), both.outside.ours.begin() + 1));
}

TEST(UnwindHostile, JittedCodeWithoutAFramePointerEndsTheWalkHonestly) {
  // sub $8,%rsp; mov %rdi,%rax; mov %rsi,%rdi; call *%rax; add $8,%rsp; ret
  const JitPage page(
      {0x48, 0x83, 0xEC, 0x08, 0x48, 0x89, 0xF8, 0x48, 0x89, 0xF7, 0xFF, 0xD0, 0x48, 0x83, 0xC4, 0x08, 0xC3});
  Stacks stacks;
  page.function()(take_stacks, &stacks);
  EXPECT_TRUE(is_honest_prefix(stacks)) << difference(stacks);
}

TEST(UnwindHostile, UnmappedCodeEndsTheWalk) {
  uintptr_t stack[64] = {};
  stack[0] = reinterpret_cast<uintptr_t>(&stack[8]);
  stack[1] = 0x10000;  // nothing is there
  uint64_t frames[16];
  const CapturedStack captured = capture_by_cfi_rules(stack, own_stack(), frames, 16);
  EXPECT_EQ(captured.count, 1u);
  EXPECT_TRUE(captured.truncated);
}

// --- stacks that are none

// Words of all kinds a stack can hold, in any order, walked as the thread's own stack and as a foreign one.
TEST(UnwindHostile, RandomStacksAreSurvived) {
  constexpr unsigned kSeed = 20240611;
  std::mt19937_64 random(kSeed);
  Stacks real;
  take_stacks(&real);
  std::vector<uintptr_t> words(1024);
  char* edge =
      static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(edge + 4096, 4096, PROT_NONE);
  uintptr_t* last_page = reinterpret_cast<uintptr_t*>(edge);
  for (int round = 0; round < 20'000; ++round) {
    uintptr_t* stack = round % 2 == 0 ? words.data() : last_page;
    const size_t size = round % 2 == 0 ? words.size() : 512;
    for (size_t i = 0; i < size; ++i) {
      const uint64_t value = random();
      switch (value % 8) {
        case 0:
          stack[i] = value;
          break;
        case 1:
          stack[i] = 0;
          break;
        case 2:
          stack[i] = reinterpret_cast<uintptr_t>(&stack[value / 8 % (size + 16)]);
          break;
        case 3:
          stack[i] = reinterpret_cast<uintptr_t>(&stack[std::min(size, i + value / 8 % 16)]);
          break;
        default:
          stack[i] = real.ours[value / 8 % real.ours.size()];
          break;
      }
    }
    const StackBounds own{reinterpret_cast<uintptr_t>(stack), reinterpret_cast<uintptr_t>(stack + size)};
    for (const StackBounds bounds : {own, StackBounds{0, 0}}) {
      if (bounds.high == 0 && round % 2 == 0)
        continue;  // a foreign stack ends with its mapping, not with the vector
      uint64_t frames[65];
      for (const Capture capture : {capture_by_cfi_rules, capture_by_frame_pointers}) {
        frames[64] = 77;
        const CapturedStack captured = capture(stack + random() % 8, bounds, frames, 64);
        ASSERT_LE(captured.count, 64u) << "seed " << kSeed << " round " << round;
        ASSERT_EQ(frames[64], 77u);
      }
    }
  }
  munmap(edge, 8192);
}

TEST(UnwindHostile, NoRoomForFramesIsNoCapture) {
  uint64_t frames[1] = {77};
  for (const Capture capture : {capture_by_cfi_rules, capture_by_frame_pointers}) {
    EXPECT_EQ(capture(__builtin_frame_address(0), own_stack(), frames, 0).count, 0u);
    EXPECT_EQ(frames[0], 77u);
  }
}

}  // namespace
}  // namespace leakhunt::tracker
