// word_text: text that is read piece by piece, so that it need never be in memory as a whole.
//
// WordText is a text that needs no file: 788 words without meaning ("ka", "tusi", "melora"), as many bytes as
// wanted, the same on every machine. Some words are frequent and most are rare, and a word often decides the
// next, so that there is something to learn. 24 MB of it are 4.8 million words.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/trainer/random.h"

namespace leakhunt::trainer {

class TextSource {
 public:
  virtual ~TextSource() = default;
  // Fills the beginning of `piece` with what comes next; returns how much that is, 0 at the end.
  virtual std::size_t read(std::span<char> piece) = 0;
  // Back to the beginning.
  virtual void rewind() = 0;
};

class WordText final : public TextSource {
 public:
  static constexpr Index vocabulary = 788;

  // `bytes` of text, and then the rest of a word.
  explicit WordText(std::uint64_t bytes, std::uint64_t seed = 1);

  std::size_t read(std::span<char> piece) override;
  void rewind() override;

  // The spelling of word `number`, below `vocabulary`.
  static std::string word(Index number);

 private:
  Index next_word();

  std::uint64_t bytes_;
  std::uint64_t seed_;
  std::vector<std::string> words_;
  std::vector<std::uint64_t> weights_up_to_;  // cumulative frequencies
  Random random_;
  std::uint64_t written_ = 0;
  Index word_ = 0;
};

class TextFile final : public TextSource {
 public:
  // Throws std::runtime_error with path and reason when the file cannot be read; so does read().
  explicit TextFile(std::string path);

  std::size_t read(std::span<char> piece) override;
  void rewind() override;

 private:
  [[noreturn]] void refuse() const;

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace leakhunt::trainer
