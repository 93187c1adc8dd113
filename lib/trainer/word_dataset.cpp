#include "lib/trainer/word_dataset.h"

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>
#include <unordered_map>

namespace leakhunt::trainer {
namespace {

bool separates(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Calls take(word) for every word of the source.
template <typename Take>
void for_each_word(TextSource& source, Take take) {
  std::array<char, 64 * 1024> piece;
  std::string begun;  // a word that the last piece broke off in
  source.rewind();
  while (const std::size_t count = source.read(piece)) {
    const char* const end = piece.data() + count;
    for (const char* at = piece.data(); at != end;) {
      const char* const start = at;
      const auto most = static_cast<std::ptrdiff_t>(WordDataset::longest_word - begun.size());
      while (at != end && !separates(*at) && at - start < most) ++at;
      const bool broken_off = at == end && at - start < most;
      if (broken_off || !begun.empty()) begun.append(start, at);
      if (broken_off) break;
      const std::string_view word = begun.empty() ? std::string_view(start, at) : std::string_view(begun);
      if (!word.empty()) take(word);
      begun.clear();
      if (at != end && separates(*at)) ++at;
    }
  }
  if (!begun.empty()) take(std::string_view(begun));
}

// Finds words by views of them.
struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
};
using WordNumbers = std::unordered_map<std::string, Token, WordHash, std::equal_to<>>;

}  // namespace

WordDataset::WordDataset(TextSource& source, std::pmr::memory_resource& memory)
    : vocabulary_(&memory), tokens_(&memory) {
  WordNumbers numbers;
  Index count = 0;
  for_each_word(source, [&](std::string_view word) {
    ++count;
    if (numbers.find(word) != numbers.end()) return;
    numbers.emplace(word, 0);
    if (numbers.size() > most_words)
      throw std::invalid_argument("the text has more than " + std::to_string(most_words) +
                                  " different words");
  });
  if (count == 0) throw std::invalid_argument("the text has no words");

  vocabulary_.reserve(numbers.size());
  for (const auto& [word, number] : numbers) vocabulary_.emplace_back(word);
  std::sort(vocabulary_.begin(), vocabulary_.end());
  for (Index i = 0; i < vocabulary_.size(); ++i)
    numbers.find(std::string_view(vocabulary_[i]))->second = static_cast<Token>(i);

  tokens_.reserve(count);
  for_each_word(source, [&](std::string_view word) {
    const auto found = numbers.find(word);
    if (found == numbers.end() || tokens_.size() == count)
      throw std::invalid_argument("the text has changed while it was read");
    tokens_.push_back(found->second);
  });
}

PlannedMemory WordDataset::memory() const {
  PlannedMemory memory{
      "dataset", 2, tokens_.capacity() * sizeof(Token) + vocabulary_.capacity() * sizeof(std::pmr::string)};
  const std::size_t inside = std::pmr::string().capacity();  // shorter words lie in the string itself
  for (const std::pmr::string& word : vocabulary_) {
    if (word.capacity() <= inside) continue;
    ++memory.blocks;
    memory.bytes += word.capacity() + 1;
  }
  return memory;
}

}  // namespace leakhunt::trainer
