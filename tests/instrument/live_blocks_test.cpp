#include "instrument/tracker/live_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "instrument/os/pages.h"

namespace leakhunt::tracker {
namespace {

std::unique_ptr<LiveBlocks> started() {
  auto blocks = std::make_unique<LiveBlocks>();
  EXPECT_TRUE(blocks->start());
  return blocks;
}

size_t count(const LiveBlocks& blocks) {
  size_t seen = 0;
  blocks.for_each([](void* context, uintptr_t, const LiveBlock&) { ++*static_cast<size_t*>(context); },
                  &seen);
  return seen;
}

TEST(LiveBlocks, GivesBackWhatWasEnteredOnce) {
  const auto blocks = started();
  ASSERT_TRUE(blocks->insert(0x1000, {SiteId{7}, 3, 100}));
  LiveBlock block{};
  ASSERT_TRUE(blocks->take(0x1000, &block));
  EXPECT_EQ(block.site, SiteId{7});
  EXPECT_EQ(block.birth, 3u);
  EXPECT_EQ(block.size, 100u);
  EXPECT_FALSE(blocks->take(0x1000, &block));
}

// What does not fit a slot: sizes of 4 GiB and more, addresses that malloc would not give.
TEST(LiveBlocks, KeepsOddOnesAsWell) {
  const auto blocks = started();
  const uint64_t huge = uint64_t{1} << 40;
  const uintptr_t high = uintptr_t{1} << 50;
  ASSERT_TRUE(blocks->insert(0x1000, {SiteId{(1u << kSiteBits) - 1}, UINT32_MAX, UINT32_MAX}));
  ASSERT_TRUE(blocks->insert(0x2000, {SiteId{1}, 2, huge}));
  ASSERT_TRUE(blocks->insert(0x3001, {SiteId{3}, 4, 5}));
  ASSERT_TRUE(blocks->insert(high, {SiteId{6}, 7, 8}));
  for (uintptr_t i = 0; i < 1000; ++i) ASSERT_TRUE(blocks->insert(high + 1 + i, {SiteId{9}, 9, i}));
  EXPECT_EQ(count(*blocks), 1004u);
  LiveBlock block{};
  ASSERT_TRUE(blocks->take(0x1000, &block));
  EXPECT_EQ(block.site, SiteId{(1u << kSiteBits) - 1});
  EXPECT_EQ(block.birth, UINT32_MAX);
  EXPECT_EQ(block.size, UINT32_MAX);
  ASSERT_TRUE(blocks->take(0x2000, &block));
  EXPECT_EQ(block.size, huge);
  EXPECT_EQ(block.birth, 2u);
  ASSERT_TRUE(blocks->take(0x3001, &block));
  EXPECT_EQ(block.site, SiteId{3});
  ASSERT_TRUE(blocks->take(high, &block));
  EXPECT_EQ(block.size, 8u);
  for (uintptr_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(blocks->take(high + 1 + i, &block));
    ASSERT_EQ(block.size, i);
  }
  EXPECT_FALSE(blocks->take(0x2000, &block));
  EXPECT_EQ(count(*blocks), 0u);
}

TEST(LiveBlocks, KnowsNothingOfAnAddressThatWasNeverEntered) {
  const auto blocks = started();
  LiveBlock block{};
  EXPECT_FALSE(blocks->take(0x2000, &block));
}

// Strides that would all meet in the same buckets of a careless table.
TEST(LiveBlocks, HoldsManyBlocksAtAnyStrideInLittleMemory) {
  for (const uintptr_t stride : {16u, 32u, 48u, 4096u, 65536u, 1u << 20, (1u << 20) + 16}) {
    const auto blocks = started();
    const size_t total = 200'000;
    const size_t mapped_before = mapped_bytes();
    for (size_t i = 1; i <= total; ++i) ASSERT_TRUE(blocks->insert(i * stride, {SiteId{0}, 0, i}));
    EXPECT_EQ(count(*blocks), total) << "stride " << stride;
    EXPECT_LT((mapped_bytes() - mapped_before) / total, 64u) << "stride " << stride;
    for (size_t i = 1; i <= total; ++i) {
      LiveBlock block{};
      ASSERT_TRUE(blocks->take(i * stride, &block)) << "stride " << stride;
      ASSERT_EQ(block.size, i);
    }
    EXPECT_EQ(count(*blocks), 0u);
  }
}

TEST(LiveBlocks, AgreesWithAMapUnderRandomUse) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const auto blocks = started();
  std::map<uintptr_t, uint64_t> model;
  for (uint64_t i = 0; i < 300'000; ++i) {
    const uintptr_t address = 16 * (1 + random() % 60'000);
    LiveBlock block{};
    const auto known = model.find(address);
    ASSERT_EQ(blocks->take(address, &block), known != model.end());
    if (known != model.end()) {
      ASSERT_EQ(block.size, known->second);
      model.erase(known);
    } else {
      ASSERT_TRUE(blocks->insert(address, {SiteId{1}, 2, i}));
      model[address] = i;
    }
  }
  EXPECT_EQ(count(*blocks), model.size());
}

// Threads own disjoint addresses, as they do between malloc and free, that share every bucket.
TEST(LiveBlocks, LosesNothingBetweenThreads) {
  constexpr size_t kThreads = 8;
  constexpr size_t kBlocks = 20'000;
  const auto blocks = started();
  std::atomic<size_t> wrong = 0;
  std::vector<std::thread> threads;
  for (size_t self = 0; self < kThreads; ++self) {
    threads.emplace_back([&, self] {
      for (int round = 0; round < 5; ++round) {
        for (size_t i = 1; i <= kBlocks; ++i) {
          if (!blocks->insert(16 * (i * kThreads + self), {SiteId{0}, 0, i + self})) ++wrong;
        }
        for (size_t i = 1; i <= kBlocks; ++i) {
          LiveBlock block{};
          if (!blocks->take(16 * (i * kThreads + self), &block) || block.size != i + self) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(count(*blocks), 0u);
}

}  // namespace
}  // namespace leakhunt::tracker
