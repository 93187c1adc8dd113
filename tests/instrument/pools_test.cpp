#include "instrument/tracker/pools.h"

#include <gtest/gtest.h>

namespace leakhunt::tracker {
namespace {

TEST(Pool, KeepsWhatAnEpochHandedOutPerSite) {
  Pool pool(TagId{2});
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t site = 0; site < 1000; ++site) {
      PoolUse* use = pool.use(SiteId{site * 64});
      ASSERT_NE(use, nullptr);
      use->blocks += 1;
      use->bytes += site;
    }
  }
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  for (const PoolUse& use : pool) {
    EXPECT_EQ(use.blocks, 3u);
    blocks += use.blocks;
    bytes += use.bytes;
  }
  EXPECT_EQ(blocks, 3000u);
  EXPECT_EQ(bytes, 3u * 999 * 1000 / 2);
  pool.release_memory();
}

TEST(Pool, IsEmptyInAnotherProcessAndKeepsItsTag) {
  Pool pool(TagId{2}, 7);
  PoolUse* use = pool.use(SiteId{1});
  ASSERT_NE(use, nullptr);
  use->blocks = 1;
  pool.begin_epoch(3);
  Pool inherited = pool;
  inherited.enter_process(7);
  EXPECT_NE(inherited.begin(), inherited.end());
  inherited.enter_process(8);
  EXPECT_EQ(inherited.begin(), inherited.end());
  EXPECT_FALSE(inherited.epoch_begun());
  EXPECT_EQ(inherited.tag(), TagId{2});
  pool.release_memory();
}

}  // namespace
}  // namespace leakhunt::tracker
