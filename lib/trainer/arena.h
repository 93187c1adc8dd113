// arena: the memory of everything that lives for one iteration.
//
// A std::pmr::memory_resource that hands out pieces of large chunks and takes them all back at once: reset()
// costs nothing and frees nothing. After a reset the chain of chunks that is already there is walked again,
// so a program whose iterations are alike stops allocating after the first.
//
//   first_ ──> [header|payload........] ──> [header|payload....] ──> null
//                              ^ position_ in current_
//
// One thread at a time. Deallocation of single pieces does nothing.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "lib/trainer/trainer_memory.h"

namespace leakhunt::trainer {

class Arena : public std::pmr::memory_resource {
 public:
  static constexpr std::size_t chunk_alignment = 64;
  static constexpr std::size_t header_bytes = 64;

  // Chunks of `chunk_bytes` (headers included; larger for a larger request) come from `chunks` when they are
  // needed. `observer` may be null. Both must outlive the arena.
  Arena(std::pmr::memory_resource& chunks, std::size_t chunk_bytes, ArenaObserver* observer = nullptr);
  ~Arena() override;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Takes back everything that was handed out; keeps the chunks.
  virtual void reset();

  // Takes back everything and gives back the chunks.
  void release();

  // How many chunks the chain holds, and their bytes with headers.
  std::size_t chunk_count() const;
  std::size_t chunk_bytes_total() const;

 protected:
  // The head of every chunk. A chunk starts on a boundary of `chunk_alignment`, and so does its payload.
  struct Chunk {
    Chunk* next;
    std::size_t bytes;  // header included

    std::byte* begin() { return reinterpret_cast<std::byte*>(this) + header_bytes; }
    std::byte* end() { return reinterpret_cast<std::byte*>(this) + bytes; }
  };
  static_assert(sizeof(Chunk) <= header_bytes);

  // A place in the chain: what was handed out before it stays when the arena is rewound to it.
  struct Mark {
    Chunk* chunk = nullptr;  // null: the very start
    std::byte* position = nullptr;
  };
  Mark mark() const { return {current_, position_}; }
  void rewind(Mark mark);

  // A fresh chunk that has room for `payload_bytes`, linked to nothing yet.
  Chunk* new_chunk(std::size_t payload_bytes);

  // `current` is full: the chunk to go on with, which has room for `payload_bytes` and is reachable from
  // `current`.
  virtual Chunk* advance(Chunk* current, std::size_t payload_bytes);

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;

 private:
  void do_deallocate(void* piece, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;
  void* overflow(std::size_t bytes, std::size_t alignment);
  void release_chunks();

  std::pmr::memory_resource& chunks_;
  ArenaObserver* observer_;
  std::size_t chunk_bytes_;
  Chunk* first_ = nullptr;
  Chunk* current_ = nullptr;
  std::byte* position_ = nullptr;
};

}  // namespace leakhunt::trainer
