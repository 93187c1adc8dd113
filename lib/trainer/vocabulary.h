// vocabulary: the characters a model knows, numbered; and UTF-8, in and out.
#pragma once

#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/trainer/index.h"

namespace leakhunt::trainer {

inline constexpr char32_t largest_character = 0x10ffff;

// Reads the code point at `position` and moves past it. Throws std::invalid_argument, saying where, when the
// text is not UTF-8; overlong forms and surrogates are not (RFC 3629).
char32_t next_character(std::string_view text, Index& position);

// A set of characters (code points), numbered from 0 in ascending order.
class Vocabulary {
 public:
  // Every distinct character of `text`, from `memory`. Throws as next_character() does.
  Vocabulary(std::string_view text, std::pmr::memory_resource& memory);
  // `characters`, which must ascend.
  Vocabulary(std::span<const char32_t> characters, std::pmr::memory_resource& memory);

  Index size() const { return characters_.size(); }
  std::span<const char32_t> characters() const { return characters_; }

  // The symbol of a character; none when it is unknown.
  std::optional<Token> token(char32_t character) const;

  // The symbols of `text`, from `memory`. Throws std::invalid_argument, naming the character, when one is
  // unknown, and when the text is not UTF-8.
  std::pmr::vector<Token> encode(std::string_view text, std::pmr::memory_resource& memory) const;

  // Writes the character of `token` in UTF-8 to `out` (room for 4 bytes) and returns its length.
  Index write_character(Token token, char* out) const;

 private:
  std::pmr::vector<char32_t> characters_;
};

}  // namespace leakhunt::trainer
