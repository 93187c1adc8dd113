// Sampling: which blocks are tracked when the table of live blocks may not grow any more, and for how many
// each of them stands. The arithmetic alone; what is done with it: tracker_sampling.cpp, docs/tracker.md.
//
//   level  L      off: 0. The interval is 2^L bytes
//   chance        of a block of s bytes: s, rounded up to a power of two, / 2^L; from 2^L bytes on it is 1
//   weight        1 / chance, a power of two: what the block counts for
//
// The sums are without bias, whatever the sizes; the error of a sum of bytes is that of as many blocks of
// 2^L bytes. A level that is raised thins out the table by chance(new) / chance(old), and what stays counts
// for more: it is the sample that would have been drawn at the new level.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

// What a thread counts while only a sample is tracked: these need no table, and stay exact.
struct SampledThread {
  uint64_t draws;
  uint64_t allocations;
  uint64_t allocated_bytes;
  uint64_t frees;  // of blocks that were tracked; of the others ThreadState::foreign_frees
};

class Sampling {
 public:
  static constexpr unsigned kHighest = 48;
  static constexpr unsigned kSizes = 65;  // number of bits of size - 1

  bool on() const { return load_relaxed(level_) != 0; }
  unsigned level() const { return load_relaxed(level_); }

  static unsigned size_bits(uint64_t size) {
    return size > 1 ? 64 - static_cast<unsigned>(__builtin_clzll(size - 1)) : 0;
  }
  // log2 of the weight.
  static unsigned shift(unsigned level, unsigned size_bits) {
    return level > size_bits ? level - size_bits : 0;
  }
  static uint64_t weight(unsigned level, uint64_t size) {
    return uint64_t{1} << shift(level, size_bits(size));
  }
  uint64_t weight(uint64_t size) const { return weight(level(), size); }

  // Whether what was drawn at level `from` is drawn at `to`, too. The coin is `seed`.
  static bool stays(unsigned from, unsigned to, uint64_t size, uint64_t seed) {
    const unsigned bits = size_bits(size);
    const unsigned halvings = shift(to, bits) - shift(from, bits);
    return halvings == 0 || mix(seed) >> (64 - halvings) == 0;
  }

  // The least level above the present one at which no more than `most` of so many blocks, counted by
  // size_bits, are to be expected in the table; 0 when there is none.
  unsigned level_for(const uint64_t (&blocks)[kSizes], uint64_t most) const;

  // A size (below 2^48 in any address space) that says by which level the block was counted.
  static uint64_t with_level(unsigned level, uint64_t size) { return uint64_t{level} << 56 | size; }
  static unsigned level_in(uint64_t size) { return static_cast<unsigned>(size >> 56); }
  static uint64_t without_level(uint64_t size) { return size << 8 >> 8; }

  void raise_to(unsigned level) { store_relaxed(level_, level); }

  // --- what the recording says of it; under the recorder's lock
  bool stacks_end() const { return load_relaxed(stacks_end_); }
  void end_stacks() { store_relaxed(stacks_end_, true); }

  void clear() {
    level_ = written_level = since = 0;
    stacks_end_ = written_stacks_end = false;
    foreign_frees_before = 0;
  }

  SpinLock& lock() { return lock_; }  // of whoever raises the level

  uint64_t foreign_frees_before = 0;  // when it began
  unsigned written_level = 0;         // in the recording
  bool written_stacks_end = false;
  uint32_t since = 0;  // iterations or ticks completed at the last change

 private:
  static uint64_t mix(uint64_t seed) {
    uint64_t hash = (seed + 1) * 0x9E3779B97F4A7C15ull;
    hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9ull;
    hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBull;
    return hash ^ (hash >> 31);
  }

  unsigned level_ = 0;
  bool stacks_end_ = false;
  SpinLock lock_;
};

}  // namespace leakhunt::tracker
