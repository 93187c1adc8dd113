#include "lib/trainer/word_dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

// A text in pieces of a size.
class Pieces final : public TextSource {
 public:
  Pieces(std::string text, std::size_t size) : text_(std::move(text)), size_(size) {}
  std::size_t read(std::span<char> piece) override {
    const std::size_t count = std::min({size_, piece.size(), text_.size() - at_});
    text_.copy(piece.data(), count, at_);
    at_ += count;
    return count;
  }
  void rewind() override { at_ = 0; }

 private:
  std::string text_;
  std::size_t size_;
  std::size_t at_ = 0;
};

std::pmr::memory_resource& heap() {
  return *std::pmr::new_delete_resource();
}

std::string joined(const WordDataset& dataset) {
  std::string text;
  for (const Token token : dataset.tokens()) (text += text.empty() ? "" : "|") += dataset.word(token);
  return text;
}

TEST(WordText, Has788WordsAndFiveBytesForEach) {
  std::set<std::string> words;
  for (Index n = 0; n < WordText::vocabulary; ++n) words.insert(WordText::word(n));
  EXPECT_EQ(words.size(), 788u);
  WordText text(1'000'000);
  const WordDataset dataset(text, heap());
  EXPECT_EQ(dataset.vocabulary_size(), 788u);
  EXPECT_NEAR(static_cast<double>(dataset.tokens().size()), 200'000, 2'000);
}

TEST(WordText, IsTheSameAgainAndAnotherWithAnotherSeed) {
  WordText text(10'000);
  const WordDataset first(text, heap());
  const WordDataset again(text, heap());
  EXPECT_TRUE(std::ranges::equal(first.tokens(), again.tokens()));
  WordText other(10'000, 2);
  const WordDataset different(other, heap());
  EXPECT_FALSE(std::ranges::equal(first.tokens(), different.tokens()));
}

TEST(WordText, ReadsInPiecesOfAnySize) {
  std::string whole(5'100, '\0');
  WordText text(5'000);
  whole.resize(text.read(whole));
  EXPECT_NEAR(static_cast<double>(whole.size()), 5'000, 7);
  text.rewind();
  std::string piecewise;
  std::array<char, 16> piece;
  while (const std::size_t count = text.read(piece)) piecewise.append(piece.data(), count);
  EXPECT_EQ(piecewise, whole);
}

TEST(WordDataset, NumbersWordsInAscendingOrderHoweverTheTextIsCut) {
  for (const std::size_t size : {1, 2, 3, 5, 100}) {
    Pieces text("  the cat\nand\tthe\r\ndog  and the cat", size);
    const WordDataset dataset(text, heap());
    EXPECT_EQ(joined(dataset), "the|cat|and|the|dog|and|the|cat") << size;
    EXPECT_EQ(std::vector<Token>(dataset.tokens().begin(), dataset.tokens().end()),
              (std::vector<Token>{3, 1, 0, 3, 2, 0, 3, 1}));
  }
}

TEST(WordDataset, CutsWordsThatAreTooLong) {
  for (const std::size_t size : {7, 255, 256, 1000}) {
    Pieces text(std::string(600, 'x') + " y", size);
    const WordDataset dataset(text, heap());
    EXPECT_EQ(joined(dataset),
              std::string(255, 'x') + "|" + std::string(255, 'x') + "|" + std::string(90, 'x') + "|y");
  }
}

TEST(WordDataset, RefusesATextWithoutWordsOrWithTooMany) {
  Pieces blank(" \n \t ", 2);
  EXPECT_THROW(WordDataset(blank, heap()), std::invalid_argument);
  std::string many;
  for (Index i = 0; i <= WordDataset::most_words; ++i) many += std::to_string(i) + " ";
  Pieces text(many, 1000);
  EXPECT_THROW(WordDataset(text, heap()), std::invalid_argument);
}

TEST(WordDataset, KeepsFourBytesAWord) {
  CountingResource memory;
  WordText text(1'000'000);
  const WordDataset dataset(text, memory);
  const std::size_t tokens = dataset.tokens().size() * sizeof(Token);
  EXPECT_GE(memory.live_bytes(), tokens);
  EXPECT_LE(memory.live_bytes(), tokens + 788 * 64);
}

TEST(TextFile, SaysWhichFileCannotBeRead) {
  for (const char* path : {"/nowhere/text", "/"}) {
    try {
      TextFile file(path);
      const WordDataset dataset(file, heap());
      FAIL() << path;
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()).find(path), 0u) << error.what();
    }
  }
}

}  // namespace
}  // namespace leakhunt::trainer
