#include "instrument/tracker/cohorts.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <utility>

namespace leakhunt::tracker {
namespace {

TEST(Cohorts, CountLiveBlocksBySiteAndBirthInOrder) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const auto blocks = std::make_unique<LiveBlocks>();
  ASSERT_TRUE(blocks->start());
  Mappings mappings;
  std::map<std::pair<SiteId, uint64_t>, std::pair<uint64_t, uint64_t>> model;
  for (uint32_t i = 1; i <= 50'000; ++i) {
    const LiveBlock block{SiteId{static_cast<uint32_t>(random() % 40)}, static_cast<uint32_t>(random() % 200),
                          i};
    ASSERT_TRUE(blocks->insert(i * 32, block));
    auto& [count, bytes] = model[{block.site, block.birth}];
    ++count;
    bytes += i;
  }
  ASSERT_TRUE(mappings.insert({4096, 12288, SiteId{99}, 5}));
  model[{SiteId{99}, 5}] = {1, 8192};

  CohortTable table;
  ASSERT_TRUE(table.count(*blocks, mappings));
  ASSERT_EQ(table.size(), model.size());
  size_t at = 0;
  for (const auto& [key, sums] : model) {
    const recording::CohortRow& row = table.rows()[at++];
    EXPECT_EQ(row.site, key.first);
    EXPECT_EQ(row.birth, key.second);
    EXPECT_EQ(row.blocks, sums.first);
    EXPECT_EQ(row.bytes, sums.second);
  }
}

}  // namespace
}  // namespace leakhunt::tracker
