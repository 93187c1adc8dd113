#include "lib/trainer/dataset.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace leakhunt::trainer {
namespace {

// Reads the code point at `position` and moves past it. Overlong forms and surrogates are refused (RFC 3629).
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
  valid = valid && character >= smallest[length] && character <= 0x10ffff &&
          !(character >= 0xd800 && character <= 0xdfff);
  if (!valid) throw std::invalid_argument("the text is not UTF-8 at byte " + std::to_string(position));
  position += length;
  return character;
}

}  // namespace

Dataset::Dataset(std::string_view text, std::pmr::memory_resource& memory)
    : vocabulary_(&memory), tokens_(&memory) {
  Index count = 0;
  for (Index position = 0; position < text.size(); ++count) {
    const char32_t character = next_character(text, position);
    const auto place = std::lower_bound(vocabulary_.begin(), vocabulary_.end(), character);
    if (place == vocabulary_.end() || *place != character) vocabulary_.insert(place, character);
  }
  if (count < 2) throw std::invalid_argument("the text has fewer than two characters");
  tokens_.reserve(count);
  for (Index position = 0; position < text.size();) {
    const auto place =
        std::lower_bound(vocabulary_.begin(), vocabulary_.end(), next_character(text, position));
    tokens_.push_back(static_cast<Token>(place - vocabulary_.begin()));
  }
}

Index Dataset::write_character(Token token, char* out) const {
  const auto c = static_cast<std::uint32_t>(vocabulary_[static_cast<Index>(token)]);
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

std::pmr::string read_text(const std::string& path, std::pmr::memory_resource& memory) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  const auto refuse = [&] { throw std::runtime_error(path + ": " + std::strerror(errno)); };
  if (file == nullptr) refuse();
  const bool empty = std::fgetc(file.get()) == EOF;
  if (empty && std::ferror(file.get()) != 0) refuse();  // a folder can be opened, but not read
  std::pmr::string text(&memory);
  if (std::fseek(file.get(), 0, SEEK_END) == 0) {
    const long size = std::ftell(file.get());
    if (size > 0) text.resize(static_cast<std::size_t>(size));
    std::rewind(file.get());
  }
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) refuse();
  return text;
}

void Batch::draw(const Dataset& dataset, Random& random) {
  const Index places = dataset.tokens().size() - tokens_.size() + 1;
  copy(dataset, random.below(places));
}

void Batch::copy(std::span<const Token> tokens, Index position) {
  assert(position + tokens_.size() <= tokens.size());
  std::copy_n(tokens.data() + position, tokens_.size(), tokens_.data());
}

}  // namespace leakhunt::trainer
