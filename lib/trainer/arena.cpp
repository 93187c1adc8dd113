#include "lib/trainer/arena.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <new>

namespace leakhunt::trainer {
namespace {

std::byte* align_up(std::byte* position, std::size_t alignment) {
  const auto address = reinterpret_cast<std::uintptr_t>(position);
  return position + (-address & (alignment - 1));
}

}  // namespace

Arena::Arena(std::pmr::memory_resource& chunks, std::size_t chunk_bytes, ArenaObserver* observer)
    : chunks_(chunks), observer_(observer), chunk_bytes_(chunk_bytes) {}

Arena::~Arena() {
  release_chunks();
}

void Arena::release() {
  release_chunks();
  Arena::reset();
}

void Arena::release_chunks() {
  while (first_ != nullptr) {
    Chunk* next = first_->next;
    chunks_.deallocate(first_, first_->bytes, chunk_alignment);
    first_ = next;
  }
}

void Arena::reset() {
  rewind({});
}

void Arena::rewind(Mark mark) {
  if (mark.chunk == nullptr && first_ != nullptr) mark = {first_, first_->begin()};
  current_ = mark.chunk;
  position_ = mark.position;
  if (observer_ != nullptr) observer_->reset();
}

std::size_t Arena::chunk_count() const {
  std::size_t count = 0;
  for (const Chunk* chunk = first_; chunk != nullptr; chunk = chunk->next) ++count;
  return count;
}

std::size_t Arena::chunk_bytes_total() const {
  std::size_t bytes = 0;
  for (const Chunk* chunk = first_; chunk != nullptr; chunk = chunk->next) bytes += chunk->bytes;
  return bytes;
}

Arena::Chunk* Arena::new_chunk(std::size_t payload_bytes) {
  const std::size_t bytes = std::max(chunk_bytes_, header_bytes + payload_bytes);
  void* block = chunks_.allocate(bytes, chunk_alignment);
  return ::new (block) Chunk{nullptr, bytes};
}

Arena::Chunk* Arena::advance(Chunk* current, std::size_t payload_bytes) {
  // The chain from the last iteration comes first. A chunk that is too small for an oversize request is
  // passed over until the next reset.
  while (current->next != nullptr) {
    current = current->next;
    if (payload_bytes <= current->bytes - header_bytes) return current;
  }
  current->next = new_chunk(payload_bytes);
  return current->next;
}

void* Arena::do_allocate(std::size_t bytes, std::size_t alignment) {
  assert(alignment <= chunk_alignment);
  if (observer_ != nullptr) observer_->allocated(bytes);
  std::byte* piece = align_up(position_, alignment);
  if (current_ == nullptr || piece > current_->end() ||
      bytes > static_cast<std::size_t>(current_->end() - piece)) {
    return overflow(bytes, alignment);
  }
  position_ = piece + bytes;
  return piece;
}

void* Arena::overflow(std::size_t bytes, std::size_t /*alignment: a payload starts on the largest*/) {
  if (current_ == nullptr) {
    first_ = new_chunk(bytes);
    current_ = first_;
  } else {
    current_ = advance(current_, bytes);
  }
  std::byte* piece = current_->begin();
  position_ = piece + bytes;
  return piece;
}

void Arena::do_deallocate(void*, std::size_t, std::size_t) {}

bool Arena::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  return this == &other;
}

}  // namespace leakhunt::trainer
