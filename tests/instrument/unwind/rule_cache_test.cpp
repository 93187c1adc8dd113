#include "instrument/unwind/rule_cache.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <thread>
#include <vector>

namespace leakhunt::tracker {
namespace {

// Addresses all over libc's code, each with what .eh_frame says of it.
struct Known {
  uintptr_t pc;
  PackedRule rule;  // 0: wide, or none
};

std::vector<Known> addresses_in_libc(size_t count) {
  std::vector<Known> known;
  const uintptr_t start = reinterpret_cast<uintptr_t>(&qsort);
  for (uintptr_t pc = start; known.size() < count; ++pc) {
    UnwindObject object;
    Rule rule;
    if (derive_rule(pc, false, &object, &rule)) known.push_back({pc, pack(rule)});
    if (pc - start > (1u << 20)) break;
  }
  return known;
}

// Made to be a global: what it maps stays mapped.
struct Cache {
  RuleCache rules{};
};

TEST(RuleCache, KnowsWhatItLearnedAndNothingElse) {
  Cache cache;
  const uintptr_t pc = reinterpret_cast<uintptr_t>(&qsort) + 1;
  Rule wide;
  EXPECT_EQ(cache.rules.find(pc), 0u);
  const PackedRule rule = cache.rules.learn(pc, false, &wide);
  ASSERT_NE(rule, 0u);
  EXPECT_EQ(cache.rules.find(pc), rule);
  EXPECT_EQ(cache.rules.find(pc, true), 0u);  // the same place, struck by a signal, is another key
  EXPECT_EQ(cache.rules.find(pc + 1), 0u);
}

TEST(RuleCache, HasNoRuleForCodeThatNoObjectHas) {
  Cache cache;
  Rule wide;
  for (const uintptr_t pc :
       {uintptr_t{0}, uintptr_t{1}, uintptr_t{0x1234}, reinterpret_cast<uintptr_t>(&wide)}) {
    EXPECT_EQ(cache.rules.learn(pc, false, &wide), 0u);
    EXPECT_EQ(cache.rules.find(pc), 0u);
  }
}

// Far more than fit: it grows to its limit, then overwrites. What is found is right.
TEST(RuleCache, GrowsAndOverwritesWithoutMixingUpRules) {
  Cache cache;
  const std::vector<Known> known = addresses_in_libc(400'000);
  ASSERT_GT(known.size(), 300'000u);
  Rule wide;
  for (const Known& each : known) cache.rules.learn(each.pc, false, &wide);
  size_t found = 0;
  for (const Known& each : known) {
    const PackedRule rule = cache.rules.find(each.pc);
    if (rule == 0) continue;
    ++found;
    if (each.rule != 0) {
      ASSERT_EQ(rule, each.rule) << std::hex << each.pc;
    }
  }
  EXPECT_GT(found, 150'000u);
}

TEST(RuleCache, ForgetsEverything) {
  Cache cache;
  const std::vector<Known> known = addresses_in_libc(5'000);
  Rule wide;
  for (const Known& each : known) cache.rules.learn(each.pc, false, &wide);
  const uint32_t before = cache.rules.generation();
  cache.rules.forget();
  EXPECT_NE(cache.rules.generation(), before);
  for (const Known& each : known) ASSERT_EQ(cache.rules.find(each.pc), 0u);
}

TEST(RuleCache, IsRightWhileManyThreadsLearnAndOneForgets) {
  Cache cache;
  const std::vector<Known> known = addresses_in_libc(40'000);
  std::atomic<unsigned> wrong{0};
  std::atomic<bool> stop{false};
  const auto work = [&](size_t from) {
    for (size_t i = 0; i < 3 * known.size(); ++i) {
      const Known& each = known[(from + i * 7919) % known.size()];
      Rule wide;
      PackedRule rule = cache.rules.find(each.pc);
      if (rule == 0) rule = cache.rules.learn(each.pc, false, &wide);
      wrong += each.rule != 0 && rule != each.rule;
    }
  };
  std::vector<std::thread> threads;
  for (size_t number = 0; number < 4; ++number) threads.emplace_back(work, number * 1000);
  std::thread forgetter([&] {
    while (!stop) cache.rules.forget();
  });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  forgetter.join();
  EXPECT_EQ(wrong, 0u);
}

TEST(Rule, PacksTheCommonShapesAndLeavesTheOthers) {
  const Rule plain{RuleKind::kFromSp, CfaBase::kSp, SavedBp::kAtCfa, 64, 0, -16};
  const PackedRule packed = pack(plain);
  EXPECT_EQ(kind_of(packed), RuleKind::kFromSp);
  EXPECT_EQ(cfa_distance(packed), 64u);
  EXPECT_EQ(bp_distance(packed), 16u);
  Rule other = plain;
  other.cfa_offset = 8 << kCfaBits;
  EXPECT_EQ(pack(other), 0u);
  other = plain;
  other.bp_offset = -8 << kSlotBits;
  EXPECT_EQ(pack(other), 0u);
  other = plain;
  other.cfa_offset = 60;
  EXPECT_EQ(pack(other), 0u);
  EXPECT_EQ(kind_of(pack(Rule{RuleKind::kEnd, {}, {}, 0, 0, 0})), RuleKind::kEnd);
}

}  // namespace
}  // namespace leakhunt::tracker
