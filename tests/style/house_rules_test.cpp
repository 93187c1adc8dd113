// This checkout keeps the rules of the house.
#include <gtest/gtest.h>

#include "tests/style/rules.h"

namespace leakhunt::style {
namespace {

const SourceTree& checkout() {
  static const SourceTree tree = read_tree(LEAKHUNT_ROOT);
  return tree;
}

void expect_kept(const std::vector<Violation>& violations) {
  EXPECT_TRUE(violations.empty()) << violations.size() << " violations:\n" << describe(violations);
}

TEST(HouseRules, TheTreeIsRead) {
  EXPECT_TRUE(checkout().contains("lib/recording/run.h"));
  EXPECT_TRUE(checkout().contains("README.md"));
}
TEST(HouseRules, IncludesFollowTheArrows) {
  expect_kept(check_arrows(checkout()));
}
TEST(HouseRules, TheTrackerIncludesLibcOnly) {
  expect_kept(check_tracker_headers(checkout()));
}
TEST(HouseRules, EveryFolderHasAShortReadme) {
  expect_kept(check_readmes(checkout()));
}
TEST(HouseRules, NoFileKnowsEverything) {
  expect_kept(check_lengths(checkout()));
}
TEST(HouseRules, EveryHeaderSaysWhatLivesThere) {
  expect_kept(check_headers(checkout()));
}
TEST(HouseRules, EveryNameSaysSomething) {
  expect_kept(check_names(checkout()));
}
TEST(HouseRules, TheHotPathCallsNothingThatAllocatesLocksOrThrows) {
  expect_kept(check_hot_path(checkout()));
}
TEST(HouseRules, NothingIsMarkedAsUnfinished) {
  expect_kept(check_marks(checkout()));
}
TEST(HouseRules, EverySourceIsBuilt) {
  expect_kept(check_dead_files(checkout()));
}

}  // namespace
}  // namespace leakhunt::style
