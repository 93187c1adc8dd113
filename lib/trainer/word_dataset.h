// word_dataset: a text as numbered words.
//
// The source is read twice in pieces, once for the vocabulary and once for the tokens, so that the text
// itself is never in memory: four bytes a word are what stays.
#pragma once

#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "lib/trainer/index.h"
#include "lib/trainer/memory_plan.h"
#include "lib/trainer/word_text.h"

namespace leakhunt::trainer {

// Words are what blanks and line ends separate, numbered in ascending order of their bytes.
class WordDataset {
 public:
  static constexpr Index most_words = 65'536;  // different ones: each is a row of the model's tables
  static constexpr Index longest_word = 255;   // bytes; a longer one is taken as several

  // Tokens and vocabulary come from `memory`. Throws std::invalid_argument when there are no words, or more
  // than most_words different ones, and what the source throws.
  WordDataset(TextSource& source, std::pmr::memory_resource& memory);

  std::span<const Token> tokens() const { return tokens_; }
  Index vocabulary_size() const { return vocabulary_.size(); }
  // What it occupies, under its tag.
  PlannedMemory memory() const;
  std::string_view word(Token token) const { return vocabulary_[static_cast<Index>(token)]; }

 private:
  std::pmr::vector<std::pmr::string> vocabulary_;
  std::pmr::vector<Token> tokens_;
};

}  // namespace leakhunt::trainer
