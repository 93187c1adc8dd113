#include "instrument/tracker/freed_places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace leakhunt::tracker {
namespace {

Counters counters(uint64_t allocations, uint64_t frees) {
  Counters row{};
  row.allocations = allocations;
  row.frees = frees;
  return row;
}

TEST(FreedPlaces, LooksAtOneFreeIn64OfSitesThatDoNotFreeAsMuchAsTheyTake) {
  int looks = 0;
  for (uint64_t frees = 1; frees <= 640; ++frees)
    looks += is_worth_a_look(counters(frees + 10, frees)) ? 1 : 0;
  EXPECT_EQ(looks, 10);
  for (uint64_t frees = 1; frees <= 640; ++frees) {
    EXPECT_FALSE(is_worth_a_look(counters(frees, frees)));
    EXPECT_FALSE(is_worth_a_look(counters(frees + 3, frees)));
  }
  // This thread frees what others took.
  EXPECT_TRUE(is_worth_a_look(counters(0, 68)));
}

TEST(FreedPlaces, CountsEachPlaceOfASiteApart) {
  const auto places = std::make_unique<FreedPlaces>();
  const uint64_t here[] = {0x10, 0x20};
  const uint64_t there[] = {0x30};
  for (int i = 0; i < 5; ++i) places->note(SiteId{7}, 1, here, 2);
  places->note(SiteId{7}, 2, there, 1);
  places->note(SiteId{8}, 1, here, 2);
  places->note(SiteId{9}, 3, here, 0);  // no stack: says nothing
  size_t found = 0;
  for (size_t i = 0; i < FreedPlaces::kSlots; ++i) {
    const FreedPlace* place = places->slot(i);
    if (place == nullptr) continue;
    ++found;
    const bool is_first = place->site == SiteId{7} && place->key == 1;
    EXPECT_EQ(place->samples, is_first ? 5u : 1u);
    EXPECT_EQ(place->frame_count, place->key == 1 ? 2u : 1u);
  }
  EXPECT_EQ(found, 3u);
  places->clear();
  for (size_t i = 0; i < FreedPlaces::kSlots; ++i) EXPECT_EQ(places->slot(i), nullptr);
}

TEST(FreedPlaces, AFullTableKeepsWhatItHas) {
  const auto places = std::make_unique<FreedPlaces>();
  const uint64_t frame[] = {0x10};
  for (uint32_t i = 0; i < 3 * FreedPlaces::kSlots; ++i) places->note(SiteId{i}, i * 977, frame, 1);
  places->note(SiteId{0}, 0, frame, 1);
  size_t used = 0;
  uint32_t most = 0;
  for (size_t i = 0; i < FreedPlaces::kSlots; ++i) {
    if (places->slot(i) == nullptr) continue;
    ++used;
    most = std::max(most, places->slot(i)->samples);
  }
  EXPECT_EQ(used, FreedPlaces::kSlots / 4 * 3);
  EXPECT_EQ(most, 2u);
}

}  // namespace
}  // namespace leakhunt::tracker
