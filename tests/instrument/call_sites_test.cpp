#include "instrument/tracker/call_sites.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace leakhunt::tracker {
namespace {

TEST(CallSites, FindEveryoneAfterGrowing) {
  CallSites sites;
  ASSERT_TRUE(sites.start());
  std::vector<uint64_t> hashes;
  for (uint64_t i = 0; i < 100'000; ++i) {
    const uint64_t frames[2] = {0x400000 + i, 0x500000};
    hashes.push_back(hash_stack(recording::kHeapTag, SiteKind::kBlock, frames, 2));
    ASSERT_EQ(sites.find(hashes.back()), CallSites::kNone);
    const SiteId id = sites.next_id();
    ASSERT_NE(id, CallSites::kNone);
    sites.publish(hashes.back(), id);
  }
  for (uint32_t i = 0; i < 100'000; ++i) ASSERT_EQ(sites.find(hashes[i]), SiteId{i});
}

TEST(CallSites, TagKindOrderAndLengthMakeADifference) {
  const uint64_t frames[4] = {0x1111, 0x2222, 0x1111, 0};
  const uint64_t swapped[2] = {0x2222, 0x1111};
  std::set<uint64_t> hashes;
  for (size_t count = 0; count <= 4; ++count)
    hashes.insert(hash_stack(TagId{0}, SiteKind::kBlock, frames, count));
  hashes.insert(hash_stack(TagId{0}, SiteKind::kBlock, swapped, 2));
  hashes.insert(hash_stack(TagId{1}, SiteKind::kBlock, frames, 4));
  hashes.insert(hash_stack(TagId{0}, SiteKind::kNested, frames, 4));
  EXPECT_EQ(hashes.size(), 8u);
  EXPECT_EQ(hashes.count(0), 0u);
}

}  // namespace
}  // namespace leakhunt::tracker
