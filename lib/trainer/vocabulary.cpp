#include "lib/trainer/vocabulary.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace leakhunt::trainer {
namespace {

Index write_utf8(std::uint32_t c, char* out) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xc0 | c >> 6);
    out[1] = tail(0);
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xe0 | c >> 12);
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xf0 | c >> 18);
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

[[noreturn]] void refuse_character(std::string_view character, Index position) {
  const bool visible = static_cast<unsigned char>(character.front()) > 0x20;
  std::string shown = "'" + std::string(character) + "'";
  if (!visible) shown = "number " + std::to_string(static_cast<int>(character.front()));
  throw std::invalid_argument("the model knows no character " + shown + " (byte " + std::to_string(position) +
                              "): only those of the text it was trained on");
}

}  // namespace

char32_t next_character(std::string_view text, Index& position) {
  const auto byte = [&](Index i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(position);
  const Index length = lead < 0x80   ? 1
                       : lead < 0xc2 ? 0
                       : lead < 0xe0 ? 2
                       : lead < 0xf0 ? 3
                       : lead < 0xf5 ? 4
                                     : 0;
  bool valid = length != 0 && position + length <= text.size();
  char32_t character = length == 1 ? lead : lead & (0x7fu >> length);
  for (Index i = 1; valid && i < length; ++i) {
    valid = (byte(position + i) & 0xc0) == 0x80;
    character = character << 6 | (byte(position + i) & 0x3f);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  valid = valid && character >= smallest[length] && character <= largest_character &&
          !(character >= 0xd800 && character <= 0xdfff);
  if (!valid) throw std::invalid_argument("the text is not UTF-8 at byte " + std::to_string(position));
  position += length;
  return character;
}

Vocabulary::Vocabulary(std::string_view text, std::pmr::memory_resource& memory) : characters_(&memory) {
  for (Index position = 0; position < text.size();) {
    const char32_t character = next_character(text, position);
    const auto place = std::lower_bound(characters_.begin(), characters_.end(), character);
    if (place == characters_.end() || *place != character) characters_.insert(place, character);
  }
  characters_.shrink_to_fit();
}

Vocabulary::Vocabulary(std::span<const char32_t> characters, std::pmr::memory_resource& memory)
    : characters_(characters.begin(), characters.end(), &memory) {}

std::optional<Token> Vocabulary::token(char32_t character) const {
  const auto place = std::lower_bound(characters_.begin(), characters_.end(), character);
  if (place == characters_.end() || *place != character) return std::nullopt;
  return static_cast<Token>(place - characters_.begin());
}

std::pmr::vector<Token> Vocabulary::encode(std::string_view text, std::pmr::memory_resource& memory) const {
  std::pmr::vector<Token> tokens(&memory);
  for (Index position = 0; position < text.size();) {
    const Index start = position;
    const std::optional<Token> known = token(next_character(text, position));
    if (!known) refuse_character(text.substr(start, position - start), start);
    tokens.push_back(*known);
  }
  return tokens;
}

Index Vocabulary::write_character(Token token, char* out) const {
  return write_utf8(static_cast<std::uint32_t>(characters_[static_cast<Index>(token)]), out);
}

}  // namespace leakhunt::trainer
