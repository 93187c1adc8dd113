// dataset: a text as numbered symbols, and the windows of it that are trained on.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/trainer/index.h"
#include "lib/trainer/random.h"
#include "lib/trainer/vocabulary.h"

namespace leakhunt::trainer {

// 432 characters of Shakespeare, 35 different ones: enough to learn by heart, with nothing to download.
extern const std::string_view built_in_text;

// Which text it was.
struct TextIdentity {
  std::uint64_t bytes;
  std::uint64_t hash;  // FNV-1a, 64 bits

  bool operator==(const TextIdentity&) const = default;
};

// A text and its vocabulary: every distinct character (code point), numbered in ascending order.
class Dataset {
 public:
  // `text` is UTF-8 and is not kept. Tokens and vocabulary come from `memory`. Throws std::invalid_argument,
  // saying where, when the text is not UTF-8 or has fewer than two characters.
  Dataset(std::string_view text, std::pmr::memory_resource& memory);

  std::span<const Token> tokens() const { return tokens_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  Index vocabulary_size() const { return vocabulary_.size(); }
  const TextIdentity& identity() const { return identity_; }

 private:
  Vocabulary vocabulary_;
  std::pmr::vector<Token> tokens_;
  TextIdentity identity_;
};

// The contents of a file, from `memory`. Throws std::runtime_error with path and reason.
std::pmr::string read_text(const std::string& path, std::pmr::memory_resource& memory);

// One training sequence: `length` symbols and, for each, the symbol that follows it. Its buffer is filled
// anew for every iteration.
class Batch {
 public:
  Batch(Index length, std::pmr::memory_resource& memory) : tokens_(length + 1, &memory) {}

  // A window of the text from a random place. The text must be longer than the batch.
  void draw(const Dataset& dataset, Random& random);
  // The window that starts at `position`.
  void copy(const Dataset& dataset, Index position) { copy(dataset.tokens(), position); }
  void copy(std::span<const Token> tokens, Index position);

  Index position() const { return position_; }  // where the window starts in the text
  std::span<const Token> inputs() const { return {tokens_.data(), tokens_.size() - 1}; }
  std::span<const Token> targets() const { return {tokens_.data() + 1, tokens_.size() - 1}; }

 private:
  Index position_ = 0;
  std::pmr::vector<Token> tokens_;
};

}  // namespace leakhunt::trainer
