#include "instrument/tracker/call_sites.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "instrument/unwind/stack_key.h"

namespace leakhunt::tracker {
namespace {

TEST(CallSites, FindEveryoneAfterGrowing) {
  CallSites sites;
  ASSERT_TRUE(sites.start());
  std::vector<uint64_t> hashes;
  for (uint64_t i = 0; i < 100'000; ++i) {
    const uint64_t frames[2] = {0x400000 + i, 0x500000};
    hashes.push_back(hash_site(recording::kHeapTag, SiteKind::kBlock, stack_key(frames, 2, false)));
    ASSERT_EQ(sites.find(hashes.back()), CallSites::kNone);
    const SiteId id = sites.next_id();
    ASSERT_NE(id, CallSites::kNone);
    sites.publish(hashes.back(), id);
  }
  for (uint32_t i = 0; i < 100'000; ++i) ASSERT_EQ(sites.find(hashes[i]), SiteId{i});
}

TEST(CallSites, TagKindOrderLengthAndTruncationMakeADifference) {
  const uint64_t frames[4] = {0x1111, 0x2222, 0x1111, 0};
  const uint64_t swapped[2] = {0x2222, 0x1111};
  std::set<uint64_t> hashes;
  for (size_t count = 0; count <= 4; ++count)
    hashes.insert(hash_site(TagId{0}, SiteKind::kBlock, stack_key(frames, count, false)));
  hashes.insert(hash_site(TagId{0}, SiteKind::kBlock, stack_key(swapped, 2, false)));
  hashes.insert(hash_site(TagId{1}, SiteKind::kBlock, stack_key(frames, 4, false)));
  hashes.insert(hash_site(TagId{0}, SiteKind::kNested, stack_key(frames, 4, false)));
  hashes.insert(hash_site(TagId{0}, SiteKind::kBlock, stack_key(frames, 4, true)));
  EXPECT_EQ(hashes.size(), 9u);
  EXPECT_EQ(hashes.count(0), 0u);
}

}  // namespace
}  // namespace leakhunt::tracker
