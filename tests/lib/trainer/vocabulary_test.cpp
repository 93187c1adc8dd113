#include "lib/trainer/vocabulary.h"

#include <gtest/gtest.h>

#include <string>

namespace leakhunt::trainer {
namespace {

std::pmr::memory_resource& heap() {
  return *std::pmr::new_delete_resource();
}

TEST(Vocabulary, NumbersCharactersInAscendingOrder) {
  const Vocabulary vocabulary("b\u20aca\u00e9a\U0001f600", heap());
  ASSERT_EQ(vocabulary.size(), 5u);
  EXPECT_EQ(vocabulary.token(U'a'), 0);
  EXPECT_EQ(vocabulary.token(U'\u00e9'), 2);
  EXPECT_EQ(vocabulary.token(U'\U0001f600'), 4);
  EXPECT_EQ(vocabulary.token(U'c'), std::nullopt);
}

TEST(Vocabulary, WritesWhatItRead) {
  const std::string text = "b\u20aca\u00e9a\U0001f600";
  const Vocabulary vocabulary(text, heap());
  std::string again;
  for (const Token token : vocabulary.encode(text, heap())) {
    char bytes[4];
    again.append(bytes, vocabulary.write_character(token, bytes));
  }
  EXPECT_EQ(again, text);
}

TEST(Vocabulary, NamesTheCharacterThatItDoesNotKnowOnOneLine) {
  const Vocabulary vocabulary("abc", heap());
  const struct {
    const char* text;
    const char* says;
  } cases[] = {{"ab\u00e9", "no character '\u00e9' (byte 2)"},
               {"a\n", "no character number 10 (byte 1)"},
               {"a\xff", "not UTF-8 at byte 1"}};
  for (const auto& [text, says] : cases) {
    try {
      vocabulary.encode(text, heap());
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(says), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace leakhunt::trainer
