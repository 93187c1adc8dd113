#include "instrument/tracker/tags.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace leakhunt::tracker {
namespace {

TEST(Tags, GiveTheSameIdForTheSameName) {
  const auto tags = std::make_unique<Tags>();
  EXPECT_EQ(tags->intern("heap"), recording::kHeapTag);
  EXPECT_EQ(tags->intern("mapping"), recording::kMappingTag);
  const TagId chunk = tags->intern("arena.chunk");
  EXPECT_EQ(tags->intern("arena.chunk"), chunk);
  EXPECT_NE(tags->intern("arena.chunks"), chunk);
  EXPECT_NE(tags->intern("arena"), chunk);
  EXPECT_STREQ(tags->name(chunk), "arena.chunk");
}

TEST(Tags, CutLongNamesAndFindThemAgain) {
  const auto tags = std::make_unique<Tags>();
  const std::string name(200, 'x');
  const TagId tag = tags->intern(name.c_str());
  EXPECT_EQ(std::string(tags->name(tag)).size(), kMaxTagName);
  EXPECT_EQ(tags->intern(name.c_str()), tag);
}

TEST(Tags, FallBackToHeapWhenTheTableIsFull) {
  const auto tags = std::make_unique<Tags>();
  for (size_t i = 2; i < kMaxTags; ++i)
    EXPECT_NE(tags->intern(std::to_string(i).c_str()), recording::kHeapTag);
  EXPECT_EQ(tags->intern("one too many"), recording::kHeapTag);
  EXPECT_EQ(tags->count(), kMaxTags);
}

}  // namespace
}  // namespace leakhunt::tracker
