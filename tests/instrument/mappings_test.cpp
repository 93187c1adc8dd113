#include "instrument/tracker/mappings.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace leakhunt::tracker {
namespace {

struct Gone {
  uint64_t bytes = 0;
  uint64_t whole = 0;
  uint64_t split = 0;
};

Gone remove(Mappings& mappings, uintptr_t begin, uintptr_t end) {
  Gone gone;
  mappings.remove(
      begin, end,
      [](void* context, const MappedRange&, uint64_t bytes, bool whole, bool split) {
        Gone& sum = *static_cast<Gone*>(context);
        sum.bytes += bytes;
        sum.whole += whole ? 1 : 0;
        sum.split += split ? 1 : 0;
      },
      &gone);
  return gone;
}

struct Left {
  uint64_t bytes = 0;
  uint64_t pieces = 0;
};

Left left(const Mappings& mappings) {
  Left sum;
  mappings.for_each(
      [](void* context, uintptr_t, const LiveBlock& block) {
        static_cast<Left*>(context)->bytes += block.size;
        ++static_cast<Left*>(context)->pieces;
      },
      &sum);
  return sum;
}

TEST(Mappings, AHoleLeavesTwoPieces) {
  Mappings mappings;
  ASSERT_TRUE(mappings.insert({100, 400, SiteId{1}, 0}));
  const Gone gone = remove(mappings, 200, 300);
  EXPECT_EQ(gone.bytes, 100u);
  EXPECT_EQ(gone.whole, 0u);
  EXPECT_EQ(gone.split, 1u);
  EXPECT_EQ(left(mappings).bytes, 200u);
  EXPECT_EQ(left(mappings).pieces, 2u);
}

TEST(Mappings, OneUnmapMayTakeSeveralAndPartsOfTheOuterOnes) {
  Mappings mappings;
  for (const uintptr_t begin : {0u, 100u, 200u, 300u}) {
    ASSERT_TRUE(mappings.insert({begin, begin + 100, SiteId{0}, 0}));
  }
  const Gone gone = remove(mappings, 50, 350);
  EXPECT_EQ(gone.bytes, 300u);
  EXPECT_EQ(gone.whole, 2u);
  EXPECT_EQ(left(mappings).bytes, 100u);
  EXPECT_EQ(left(mappings).pieces, 2u);
}

// The oracle knows only which unit of the address space belongs to which mapping.
TEST(Mappings, AgreesWithABytewiseModelUnderRandomUse) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Mappings mappings;
  std::vector<bool> model(500, false);
  for (int i = 0; i < 20'000; ++i) {
    const uintptr_t begin = random() % 490;
    const uintptr_t end = begin + 1 + random() % (random() % 8 == 0 ? 500 - begin : 10);
    uint64_t owned = 0;
    for (uintptr_t at = begin; at < end && at < model.size(); ++at) {
      owned += model[at] ? 1 : 0;
      model[at] = false;
    }
    ASSERT_EQ(remove(mappings, begin, end).bytes, owned);
    if (random() % 2 == 0 && end <= model.size()) {
      ASSERT_TRUE(mappings.insert({begin, end, SiteId{0}, 0}));
      for (uintptr_t at = begin; at < end; ++at) model[at] = true;
    }
    uint64_t total = 0;
    for (const bool mapped : model) total += mapped ? 1 : 0;
    ASSERT_EQ(left(mappings).bytes, total);
  }
}

}  // namespace
}  // namespace leakhunt::tracker
