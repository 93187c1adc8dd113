#include "lib/trainer/word_text.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace leakhunt::trainer {
namespace {

constexpr std::string_view consonants = "bdfghjklmnprstvwz";
constexpr std::string_view vowels = "aeiou";
constexpr Index syllables = consonants.size() * vowels.size();  // 85
constexpr Index two_syllable_words = 500;

void append_syllable(std::string& word, Index number) {
  word += consonants[number / vowels.size() % consonants.size()];
  word += vowels[number % vowels.size()];
}

// Word n is drawn with a frequency of 1 / (n + flattening): Zipf's law with a flat head, so that the mean
// word of the text has four letters.
constexpr std::uint64_t flattening = 100;

}  // namespace

WordText::WordText(std::uint64_t bytes, std::uint64_t seed) : bytes_(bytes), seed_(seed), random_(seed) {
  words_.reserve(vocabulary);
  weights_up_to_.reserve(vocabulary);
  std::uint64_t sum = 0;
  for (Index n = 0; n < vocabulary; ++n) {
    words_.push_back(word(n));
    sum += (1ULL << 40) / (n + flattening);  // whole numbers: the same on every machine
    weights_up_to_.push_back(sum);
  }
}

// One syllable for the most frequent words, then two, then three. The steps are coprime to 85, so no two
// words are alike, and neighbours do not look it.
std::string WordText::word(Index number) {
  assert(number < vocabulary);
  std::string word;
  append_syllable(word, number * 7 % syllables);
  if (number < syllables) return word;
  append_syllable(word, (number / syllables + number * 3) % syllables);
  if (number < syllables + two_syllable_words) return word;
  append_syllable(word, number * 11 % syllables);
  return word;
}

// Every second word on average is one of the three that like to follow the one before.
Index WordText::next_word() {
  const std::uint64_t choice = random_.below(6);
  if (choice < 3) return (word_ * 29 + choice * 263 + 17) % vocabulary;
  const std::uint64_t drawn = random_.below(weights_up_to_.back());
  return static_cast<Index>(std::upper_bound(weights_up_to_.begin(), weights_up_to_.end(), drawn) -
                            weights_up_to_.begin());
}

std::size_t WordText::read(std::span<char> piece) {
  std::size_t used = 0;
  while (written_ < bytes_) {
    const std::string& word = words_[word_];
    if (used + word.size() + 1 > piece.size()) break;
    used += word.copy(piece.data() + used, word.size());
    piece[used++] = ' ';
    written_ += word.size() + 1;
    word_ = next_word();
  }
  assert(used > 0 || written_ >= bytes_);
  return used;
}

void WordText::rewind() {
  random_ = Random(seed_);
  written_ = 0;
  word_ = 0;
}

TextFile::TextFile(std::string path)
    : path_(std::move(path)), file_(std::fopen(path_.c_str(), "rb"), std::fclose) {
  if (file_ == nullptr) refuse();
}

void TextFile::refuse() const {
  throw std::runtime_error(path_ + ": " + std::strerror(errno));
}

std::size_t TextFile::read(std::span<char> piece) {
  const std::size_t count = std::fread(piece.data(), 1, piece.size(), file_.get());
  if (count == 0 && std::ferror(file_.get()) != 0) refuse();  // a folder can be opened, but not read
  return count;
}

void TextFile::rewind() {
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) refuse();  // a pipe cannot be read twice
}

}  // namespace leakhunt::trainer
