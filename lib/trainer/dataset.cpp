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

// FNV-1a, 64 bits (Fowler, Noll, Vo).
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

Index characters_in(std::string_view text) {
  Index count = 0;
  for (Index position = 0; position < text.size(); ++count) next_character(text, position);
  return count;
}

}  // namespace

Dataset::Dataset(std::string_view text, std::pmr::memory_resource& memory)
    : vocabulary_(text, memory), tokens_(&memory), identity_{text.size(), hash_of(text)} {
  const Index count = characters_in(text);
  if (count < 2) throw std::invalid_argument("the text has fewer than two characters");
  tokens_.reserve(count);
  for (Index position = 0; position < text.size();) {
    tokens_.push_back(*vocabulary_.token(next_character(text, position)));
  }
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
  position_ = position;
  std::copy_n(tokens.data() + position, tokens_.size(), tokens_.data());
}

}  // namespace leakhunt::trainer
