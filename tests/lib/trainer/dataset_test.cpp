#include "lib/trainer/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

std::string back_to_text(const Dataset& dataset) {
  std::string text;
  for (const Token token : dataset.tokens()) {
    char bytes[4];
    text.append(bytes, dataset.vocabulary().write_character(token, bytes));
  }
  return text;
}

TEST(BuiltInText, Has432CharactersOf35Kinds) {
  EXPECT_EQ(built_in_text.size(), 432u);
  EXPECT_EQ(std::set<char>(built_in_text.begin(), built_in_text.end()).size(), 35u);
}

TEST(Dataset, NumbersTheCharactersOfTheBuiltInText) {
  CountingResource heap;
  const Dataset dataset(built_in_text, heap);
  EXPECT_EQ(dataset.tokens().size(), 432u);
  EXPECT_EQ(dataset.vocabulary_size(), 35u);
  EXPECT_TRUE(std::all_of(dataset.tokens().begin(), dataset.tokens().end(),
                          [](Token t) { return t >= 0 && t < 35; }));
  EXPECT_EQ(back_to_text(dataset), built_in_text);
}

TEST(Dataset, ReadsEveryLengthOfUtf8) {
  CountingResource heap;
  const std::string text = "a\u00e9\u20ac\U0001f600a\u00e9";
  const Dataset dataset(text, heap);
  EXPECT_EQ(dataset.tokens().size(), 6u);
  EXPECT_EQ(dataset.vocabulary_size(), 4u);
  EXPECT_EQ(back_to_text(dataset), text);
}

TEST(Dataset, RefusesWhatIsNotUtf8AndSaysWhere) {
  CountingResource heap;
  for (const char* text :
       {"ab\xff", "ab\xc3", "ab\xc0\x80", "ab\xed\xa0\x80", "ab\xf5\x80\x80\x80", "ab\x80"}) {
    try {
      const Dataset dataset(text, heap);
      ADD_FAILURE() << "accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(), "the text is not UTF-8 at byte 2");
    }
  }
}

TEST(Dataset, RefusesATextWithoutASecondCharacter) {
  CountingResource heap;
  EXPECT_THROW(Dataset("", heap), std::invalid_argument);
  EXPECT_THROW(Dataset("a", heap), std::invalid_argument);
}

TEST(Dataset, SaysWhichFileCannotBeRead) {
  CountingResource heap;
  const struct {
    const char* path;
    const char* message;
  } cases[] = {{"/nowhere/text", "/nowhere/text: No such file or directory"},
               {"/tmp", "/tmp: Is a directory"}};
  for (const auto& [path, message] : cases) {
    try {
      read_text(path, heap);
      ADD_FAILURE() << path;
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), message);
    }
  }
}

TEST(Batch, TargetsAreTheInputsOneStepLater) {
  CountingResource heap;
  const Dataset dataset(built_in_text, heap);
  Batch batch(32, heap);
  Random random(3);
  std::set<const Token*> places;
  for (int i = 0; i < 200; ++i) {
    batch.draw(dataset, random);
    ASSERT_EQ(batch.inputs().size(), 32u);
    ASSERT_TRUE(std::equal(batch.inputs().begin() + 1, batch.inputs().end(), batch.targets().begin()));
    const auto all = dataset.tokens();
    places.insert(&*std::search(all.begin(), all.end(), batch.inputs().begin(), batch.inputs().end()));
  }
  EXPECT_GT(places.size(), 120u) << "windows come from all over the text";
}

TEST(Batch, ReachesTheFirstAndTheLastCharacter) {
  CountingResource heap;
  const Dataset dataset("abc", heap);
  Batch batch(1, heap);
  Random random(3);
  std::set<Token> first;
  for (int i = 0; i < 50; ++i) {
    batch.draw(dataset, random);
    first.insert(batch.inputs()[0]);
  }
  EXPECT_EQ(first, (std::set<Token>{0, 1}));
}

}  // namespace
}  // namespace leakhunt::trainer
