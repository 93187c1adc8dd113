// Frames of every shape that compilers make, frame by frame the same as libgcc's unwinder finds them.
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <ostream>

#include "tests/instrument/unwind/stacks.h"
#include "tests/instrument/unwind/subjects.h"

#if __has_include(<boost/stacktrace.hpp>)
#include <boost/stacktrace.hpp>
#endif

namespace leakhunt::tracker {
namespace {

using subjects::Leaf;

struct Shape {
  const char* name;
  void (*run)(Leaf, void*);
};

void PrintTo(const Shape& printed, std::ostream* out) {
  *out << printed.name;
}

const Shape kShapes[] = {
    {"Direct", [](Leaf leaf, void* a) { leaf(a); }},
    {"Recursion", [](Leaf leaf, void* a) { subjects::recurse(40, leaf, a); }},
    {"Alloca", [](Leaf leaf, void* a) { subjects::with_alloca(1234, leaf, a); }},
    {"LargeFrame", [](Leaf leaf, void* a) { subjects::with_large_frame(leaf, a); }},
    {"Realigned", [](Leaf leaf, void* a) { subjects::realigned(leaf, a); }},
    {"RealignedWithAlloca", [](Leaf leaf, void* a) { subjects::realigned_with_alloca(777, leaf, a); }},
    {"RealignedWithStackArguments",
     [](Leaf leaf, void* a) { subjects::realigned_with_stack_arguments(1, 2, 3, 4, 5, 6, 7, leaf, a); }},
    {"Qsort", [](Leaf leaf, void* a) { subjects::through_qsort(leaf, a); }},
    {"Bsearch", [](Leaf leaf, void* a) { subjects::through_bsearch(leaf, a); }},
    {"Sort", [](Leaf leaf, void* a) { subjects::through_sort(leaf, a); }},
    {"Function", [](Leaf leaf, void* a) { subjects::through_function(leaf, a); }},
    {"PthreadOnce", [](Leaf leaf, void* a) { subjects::through_pthread_once(leaf, a); }},
    {"CfaInRbx", [](Leaf leaf, void* a) { subject_cfa_in_rbx(leaf, a); }},
    {"BogusRbp", [](Leaf leaf, void* a) { subject_bogus_rbp(leaf, a, 0x1234567890ABCDEF); }},
    {"NoreturnCall",
     [](Leaf leaf, void* a) {
       try {
         subjects::ends_in_noreturn_call(leaf, a);
       } catch (int) {
       }
     }},
};

class ShapeTest : public testing::TestWithParam<Shape> {};

TEST_P(ShapeTest, IsWalkedAsByLibgcc) {
  // By new rules, then by known ones and over the memory of the last walk.
  for (int round = 0; round < 3; ++round) {
    Stacks stacks;
    GetParam().run(take_stacks, &stacks);
    EXPECT_EQ(difference(stacks), "") << "round " << round;
  }
}

// One shape inside another: what the first leaves in the registers is what the second finds.
TEST_P(ShapeTest, IsWalkedAsByLibgccInsideOfEveryOther) {
  for (const Shape& outer : kShapes) {
    struct Inner {
      const Shape* shape;
      Stacks stacks;
    } inner{&GetParam(), {}};
    const auto go_on = [](void* argument) {
      Inner& in = *static_cast<Inner*>(argument);
      in.shape->run(take_stacks, &in.stacks);
    };
    for (int round = 0; round < 2; ++round) {
      outer.run(go_on, &inner);
      EXPECT_EQ(difference(inner.stacks), "") << "inside of " << outer.name;
    }
  }
}

TEST_P(ShapeTest, IsWalkedInAThreadToTheThreadsStart) {
  struct Work {
    const Shape* shape;
    Stacks stacks;
  } work{&GetParam(), {}};
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    Work& w = *static_cast<Work*>(argument);
    w.shape->run(take_stacks, &w.stacks);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, run, &work), 0);
  pthread_join(thread, nullptr);
  EXPECT_EQ(difference(work.stacks), "");
}

INSTANTIATE_TEST_SUITE_P(Unwind, ShapeTest, testing::ValuesIn(kShapes),
                         [](const auto& shape) { return shape.param.name; });

TEST(Unwind, StopsAtTheLimitAndSaysSo) {
  for (unsigned depth = 0; depth < 300; ++depth) {
    Stacks stacks;
    stacks.max_frames = 100;
    subjects::recurse(depth, take_stacks, &stacks);
    if (stacks.libgcc.size() <= 100) {
      EXPECT_EQ(difference(stacks), "");
    } else {
      ASSERT_EQ(stacks.ours.size(), 100u) << depth;
      ASSERT_TRUE(is_honest_prefix(stacks)) << depth;
    }
  }
}

TEST(Unwind, TakesExactlyTheLimitWithoutCallingItTruncated) {
  Stacks whole;
  take_stacks(&whole);
  Stacks stacks;
  stacks.max_frames = whole.ours.size();
  take_stacks(&stacks);
  EXPECT_EQ(stacks.ours.size(), whole.ours.size());
  EXPECT_FALSE(stacks.truncated);
}

TEST(Unwind, FollowsADeepRecursionUpAndDown) {
  // Beyond what the memory of the last walk holds, with both limits in play.
  for (const unsigned depth : {900u, 3u, 400u, 401u, 402u, 120u, 500u, 499u, 10u, 700u, 0u}) {
    Stacks stacks;
    subjects::recurse(depth, take_stacks, &stacks);
    EXPECT_TRUE(difference(stacks).empty() || is_honest_prefix(stacks)) << depth << "\n"
                                                                        << difference(stacks);
    EXPECT_EQ(stacks.ours.size(), std::min<size_t>(128, stacks.libgcc.size()));
  }
}

#if __has_include(<boost/stacktrace.hpp>)
TEST(Unwind, AgreesWithBoostStacktrace) {
  struct Both {
    Stacks stacks;
    std::vector<uint64_t> boost;
  } both;
  subjects::through_sort(
      [](void* argument) {
        Both& b = *static_cast<Both*>(argument);
        const boost::stacktrace::stacktrace trace;
        for (const boost::stacktrace::frame& frame : trace)
          b.boost.push_back(reinterpret_cast<uint64_t>(frame.address()));
        take_stacks(&b.stacks);
      },
      &both);
  const auto common =
      std::min(both.boost.size(), both.stacks.ours.size()) - 2;  // but for where the two were called
  ASSERT_GT(common, 5u);
  EXPECT_TRUE(std::equal(both.boost.end() - static_cast<std::ptrdiff_t>(common), both.boost.end(),
                         both.stacks.ours.end() - static_cast<std::ptrdiff_t>(common)));
}
#endif

}  // namespace
}  // namespace leakhunt::tracker
