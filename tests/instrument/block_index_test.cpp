// Which block an address lies in, held against a walk over all blocks; blocks of every size, far apart and
// close together, and mappings around them.
#include "instrument/heap_graph/block_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace leakhunt::tracker {
namespace {

using Blocks = std::vector<GraphBlock>;

ScanInput input_of(const Blocks& blocks) {
  ScanInput input{};
  input.tables = &blocks;
  input.for_each_block = [](const void* tables, void (*visit)(void*, const GraphBlock&), void* to) {
    for (const GraphBlock& block : *static_cast<const Blocks*>(tables)) visit(to, block);
  };
  return input;
}

GraphBlock block(uintptr_t begin, uint64_t size, uint32_t site = 0) {
  return {begin, size, site, 0, false};
}

GraphBlock mapping(uintptr_t begin, uint64_t size, uint32_t site = 0) {
  return {begin, size, site, 0, true};
}

// The site of the block that the address lies in, or -1.
int64_t site_at(BlockIndex& index, uintptr_t address) {
  const uint32_t found = index.find(address);
  return found == BlockIndex::kNone ? -1 : int64_t{index[found].site};
}

int64_t naive_site_at(const Blocks& blocks, uintptr_t address) {
  for (const GraphBlock& each : blocks) {
    if (address >= each.begin && address < each.begin + std::max<uint64_t>(each.size, 1)) return each.site;
  }
  return -1;
}

uint32_t naive_first_behind(const Blocks& sorted, uintptr_t address) {
  const auto found = std::find_if(sorted.begin(), sorted.end(), [&](const GraphBlock& each) {
    return each.begin + std::max<uint64_t>(each.size, 1) > address;
  });
  return static_cast<uint32_t>(found - sorted.begin());
}

TEST(BlockIndex, OfNoBlocksFindsNone) {
  BlockIndex index;
  ASSERT_TRUE(index.build(input_of({})));
  EXPECT_EQ(index.count(), 0u);
  EXPECT_EQ(index.find(0), BlockIndex::kNone);
  EXPECT_EQ(index.find(~uintptr_t{0}), BlockIndex::kNone);
  EXPECT_EQ(index.first_behind(1), 0u);
}

TEST(BlockIndex, ABlockBeginsAtItsFirstByteAndEndsBehindItsLast) {
  BlockIndex index;
  ASSERT_TRUE(index.build(input_of({block(0x7f0000001000, 24, 5)})));
  EXPECT_EQ(site_at(index, 0x7f0000000fff), -1);
  EXPECT_EQ(site_at(index, 0x7f0000001000), 5);
  EXPECT_EQ(site_at(index, 0x7f0000001017), 5);
  EXPECT_EQ(site_at(index, 0x7f0000001018), -1);
}

TEST(BlockIndex, ABlockOfNoBytesHasAnAddressAllTheSame) {
  BlockIndex index;
  ASSERT_TRUE(index.build(input_of({block(0x1000, 0, 1), block(0x1010, 8, 2)})));
  EXPECT_EQ(site_at(index, 0x1000), 1);
  EXPECT_EQ(site_at(index, 0x1001), -1);
  EXPECT_EQ(site_at(index, 0x1010), 2);
}

TEST(BlockIndex, AMappingWithBlocksInItIsNoBlock) {
  BlockIndex index;
  ASSERT_TRUE(index.build(input_of({mapping(0x10000, 0x10000, 1), block(0x10040, 32, 2),
                                    block(0x18000, 32, 3), mapping(0x40000, 0x1000, 4)})));
  EXPECT_EQ(index.count(), 3u);
  EXPECT_EQ(site_at(index, 0x10000), -1);
  EXPECT_EQ(site_at(index, 0x10040), 2);
  EXPECT_EQ(site_at(index, 0x18010), 3);
  EXPECT_EQ(site_at(index, 0x40fff), 4);
}

TEST(BlockIndex, OfTwoThatOverlapTheFirstStays) {
  BlockIndex index;
  ASSERT_TRUE(index.build(input_of({block(0x1020, 64, 2), block(0x1000, 48, 1)})));
  EXPECT_EQ(index.count(), 1u);
  EXPECT_EQ(site_at(index, 0x1028), 1);
  EXPECT_EQ(site_at(index, 0x1040), -1);
}

// Heaps as allocators make them: runs of blocks close together, runs far apart, a huge block among small
// ones.
Blocks random_heap(std::mt19937_64& random) {
  Blocks blocks;
  uintptr_t at = 0x10000 + random() % 0x1000 * 16;
  const size_t count = 1 + random() % 400;
  for (size_t i = 0; i < count; ++i) {
    uint64_t size = random() % 100;
    if (random() % 20 == 0) size = random() % (4 << 20);
    blocks.push_back(block(at, size, static_cast<uint32_t>(i)));
    at += std::max<uint64_t>(size, 1);
    at += random() % 3 * 16;                                             // a neighbour, or a gap
    if (random() % 40 == 0) at += uintptr_t{1} << (16 + random() % 28);  // another stretch
    at = (at + 7) & ~uintptr_t{7};
  }
  return blocks;
}

TEST(BlockIndex, FindsWhatAWalkOverAllBlocksFinds) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    const Blocks sorted = random_heap(random);
    Blocks shuffled = sorted;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    BlockIndex index;
    ASSERT_TRUE(index.build(input_of(shuffled)));
    ASSERT_EQ(index.count(), sorted.size()) << "seed " << seed;
    for (int probe = 0; probe < 400; ++probe) {
      const GraphBlock& near = sorted[random() % sorted.size()];
      const uintptr_t address = near.begin - 40 + random() % (near.size + 80);
      ASSERT_EQ(site_at(index, address), naive_site_at(sorted, address)) << "seed " << seed << " " << address;
      ASSERT_EQ(index.first_behind(address), naive_first_behind(sorted, address)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace leakhunt::tracker
