// LiveBlocks: address -> (site, size, birth) of every live block, without a lock.
//
// What makes that simple: a program owns an address between malloc and free, so operations on one address
// never race with each other; only different addresses meet, in a bucket. A block is entered after malloc
// returned it and taken out before free is called.
//
//   level  := power of two of buckets; when three fifths of it are in use, a level twice as large is added
//   bucket := 8 keys (one cache line: 0 empty, 1 being written, else the address) | 8 values (two cache
//   lines)
//
// The first bucket tried follows the address, so that neighbouring blocks share cache lines; behind a full
// one the search goes on by double hashing. A bucket counts the live blocks that had to go past it, so that a
// search ends at the first bucket nobody went past. New blocks go to the newest level; older levels only
// drain. A slot is 24 bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::SiteId;

struct LiveBlock {
  SiteId site;
  uint32_t birth;  // clock at its allocation: iterations or ticks completed
  uint64_t size;
};

class LiveBlocks {
 public:
  bool start();

  // False when there is no memory for it: the block is then unknown.
  bool insert(uintptr_t address, LiveBlock block) {
    const uint32_t count = load_acquire(level_count_);
    const Level& newest = levels_[count - 1];
    if (likely(insert_into(newest.buckets[by_address(address) & newest.mask], address, block))) return true;
    return insert_far(count - 1, address, block);
  }

  // Removes and returns it. False for an address that was never entered.
  bool take(uintptr_t address, LiveBlock* block) {
    const Level& newest = levels_[load_acquire(level_count_) - 1];
    if (likely(take_from(newest.buckets[by_address(address) & newest.mask], address, block))) return true;
    return take_far(address, block);
  }

  // Calls visit(context, block) for every block; one that comes or goes meanwhile may or may not be visited.
  using Visit = void (*)(void* context, const LiveBlock& block);
  void for_each(Visit visit, void* context) const;

 private:
  static constexpr size_t kSlots = 8;
  static constexpr size_t kMaxLevels = 32;
  static constexpr uint8_t kManyPassed = 255;
  static constexpr uintptr_t kBeingWritten = 1;

  // A LiveBlock in two words, written and read one by one: a read that spans two fresh writes would wait for
  // both to reach the cache.
  struct Value {
    uint64_t site_and_birth;
    uint64_t size;

    void set(LiveBlock block) {
      store_relaxed(site_and_birth, uint64_t{block.birth} << 32 | static_cast<uint32_t>(block.site));
      store_relaxed(size, block.size);
    }
    LiveBlock get() const {
      const uint64_t packed = load_relaxed(site_and_birth);
      return {SiteId{static_cast<uint32_t>(packed)}, static_cast<uint32_t>(packed >> 32), load_relaxed(size)};
    }
  };
  struct Bucket {
    uintptr_t keys[kSlots];
    Value values[kSlots];
  };
  static_assert(sizeof(Bucket) == 192);

  struct Level {
    Bucket* buckets;
    uint8_t* passed;  // by bucket: live blocks that went past it; sticks at kManyPassed
    uint64_t mask;
  };

  // The buckets of an address in a level, in the order they are tried.
  class Probe;

  // The first bucket to try. glibc's smallest chunk is 32 bytes: 256 bytes of the address space hold at most
  // the 8 blocks of a bucket.
  static uint64_t by_address(uintptr_t address) {
    const uint64_t line = address >> 8;
    return line ^ (line >> 20) * 0x9E3779B1u;
  }
  static bool insert_into(Bucket& bucket, uintptr_t address, LiveBlock block) {
    for (size_t i = 0; i < kSlots; ++i) {
      if (load_relaxed(bucket.keys[i]) != 0) continue;
      if (!compare_exchange(bucket.keys[i], uintptr_t{0}, kBeingWritten)) continue;
      bucket.values[i].set(block);
      store_release(bucket.keys[i], address);
      return true;
    }
    return false;
  }
  static bool take_from(Bucket& bucket, uintptr_t address, LiveBlock* block) {
    for (size_t i = 0; i < kSlots; ++i) {
      if (load_acquire(bucket.keys[i]) != address) continue;
      *block = bucket.values[i].get();
      store_release(bucket.keys[i], uintptr_t{0});
      return true;
    }
    return false;
  }
  static void go_past(uint8_t& passed);
  static void came_back(uint8_t& passed);
  static bool take_from_level(const Level& level, uintptr_t address, LiveBlock* block);
  static bool is_crowded(const Level& level, uintptr_t seed);
  bool insert_far(uint32_t level, uintptr_t address, LiveBlock block);
  bool take_far(uintptr_t address, LiveBlock* block);
  bool add_level(uint32_t expected_count);

  Level levels_[kMaxLevels] = {};
  uint32_t level_count_ = 0;  // published after the level
  SpinLock growing_;
};

}  // namespace leakhunt::tracker
