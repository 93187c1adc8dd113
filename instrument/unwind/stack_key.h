// The key of a stack: 64 bits for a whole list of frames, folded from the outermost frame inwards, so that a
// walk which meets the last one's frames again goes on from the key they had (last_walk.h).
//
// Two different stacks have the same key with probability 2^-64.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// The key of no frames.
inline constexpr uint64_t kCompleteStack = 0x9E3779B97F4A7C15ull;
inline constexpr uint64_t kTruncatedStack = 0xD6E8FEB86659FD93ull;

// With one frame more at the inner end. Odd multiplication and xor-shift: for each pc a bijection of the key.
inline uint64_t fold_frame(uint64_t key, uint64_t pc) {
  key = (key ^ pc) * 0x9FB21C651E98DF25ull;
  return key ^ (key >> 32);
}

inline uint64_t stack_key(const uint64_t* frames, size_t count, bool truncated) {
  uint64_t key = truncated ? kTruncatedStack : kCompleteStack;
  for (size_t i = count; i-- > 0;) key = fold_frame(key, frames[i]);
  return key;
}

}  // namespace leakhunt::tracker
