// LiveBlocks: address -> (site, size, birth) of every live block, without a lock.
//
// What makes that simple: a program owns an address between malloc and free, so operations on one address
// never race with each other; only different addresses meet, in a bucket. A block is entered after malloc
// returned it and taken out before free is called.
//
//   level  := power of two of buckets; when seven tenths of its slots are in use, a level twice as large is
//             added
//   bucket := 4 slots, one cache line: nearly every event touches this line and no other
//   slot   := address / 8: 44 bits | site: 20    size: 32 | birth: 32        head 0: empty, 1: being written
//
// The first bucket tried follows the address, so that neighbouring blocks share cache lines and a small heap
// touches a small part of the table; behind a full one the search goes on by double hashing. A bucket counts
// the live blocks that had to go past it, so that a search ends at the first bucket nobody went past. New
// blocks go to the newest level; older levels only drain, or are merged into it where no other thread can be
// reading. What does not fit a slot (4 GiB or more, or an
// address that is no multiple of 8) is kept apart: odd_blocks.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/tracker/odd_blocks.h"
#include "instrument/tracker/site_limits.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::SiteId;

class LiveBlocks {
 public:
  bool start();

  // Forgets all of them. Nobody may be looking.
  void clear();

  // Gives all memory back. Nobody may be looking, or ever look again before start().
  void release();

  // Of the newest level, which new blocks go to.
  uint64_t slots() const { return (levels_[level_count_ - 1].mask + 1) * kSlots; }

  // A table of a quarter of the buckets, as move_into() takes it; 0: there is no smaller one. Nobody else may
  // be looking while all blocks move, of which there are fewer than half of its slots. False when there is no
  // memory for it.
  unsigned smaller_bits() const;
  static uint64_t slots_of(unsigned bits) { return (uint64_t{1} << bits) * kSlots; }
  bool move_into(unsigned bits);

  // False when there is no memory for it: the block is then unknown.
  __attribute__((always_inline)) bool insert(uintptr_t address, LiveBlock block) {
    if (unlikely(is_odd(address) || block.size >> 32 != 0)) return odd_.insert(address, block);
    const uint32_t count = load_acquire(level_count_);
    const Level& newest = levels_[count - 1];
    if (likely(insert_into(newest.buckets[newest.near(address)], address, block))) return true;
    return insert_far(count - 1, address, block);
  }

  // Removes and returns it. False for an address that was never entered.
  bool take(uintptr_t address, LiveBlock* block) {
    if (unlikely(is_odd(address))) return odd_.take(address, block);
    const Level& newest = levels_[load_acquire(level_count_) - 1];
    if (likely(take_from(newest.buckets[newest.near(address)], address, block))) return true;
    return take_far(address, block);
  }

  // Begins to bring the first bucket of an address into the cache: it is the one miss that nearly every event
  // has, and there is work to do meanwhile.
  void prefetch(uintptr_t address) const {
    const Level& newest = levels_[load_relaxed(level_count_) - 1];
    __builtin_prefetch(&newest.buckets[newest.near(address)], 1);
  }

  // Calls visit(context, address, block) for every block; one that comes or goes meanwhile may or may not be
  // visited.
  using Visit = void (*)(void* context, uintptr_t address, const LiveBlock& block);
  void for_each(Visit visit, void* context) const;

  // The same with addresses, in a copy that nobody changes: visit(address, block). And the memory that the
  // blocks are in: visit(pages, bytes).
  template <typename VisitAt>
  void for_each_at(const VisitAt& visit) const {
    for (uint32_t level = 0; level < level_count_; ++level) {
      for (uint64_t b = 0; b <= levels_[level].mask; ++b) {
        for (const Slot& slot : levels_[level].buckets[b].slots) {
          if (slot.head > kBeingWritten) visit(slot.address(), slot.get());
        }
      }
    }
    odd_.for_each_at(visit);
  }
  template <typename VisitTable>
  void for_each_table(const VisitTable& visit) const {
    for (uint32_t level = 0; level < load_acquire(level_count_); ++level) {
      visit(levels_[level].buckets, (levels_[level].mask + 1) * sizeof(Bucket));
    }
    odd_.for_each_table(visit);
  }

 private:
  static constexpr size_t kSlots = 4;
  static constexpr size_t kMaxLevels = 32;
  static constexpr uint8_t kManyPassed = 255;
  static constexpr uint64_t kBeingWritten = 1;

  struct Slot {
    uint64_t head;
    uint64_t tail;

    uintptr_t address() const { return load_relaxed(head) >> kSiteBits << 3; }
    LiveBlock get() const {
      const uint64_t packed = load_relaxed(tail);
      return {SiteId{static_cast<uint32_t>(load_relaxed(head)) & ((1u << kSiteBits) - 1)},
              static_cast<uint32_t>(packed), packed >> 32};
    }
  };
  struct alignas(64) Bucket {
    Slot slots[kSlots];
  };
  static_assert(sizeof(Bucket) == 64);

  struct Level {
    Bucket* buckets;
    uint8_t* passed;  // by bucket: live blocks that went past it; sticks at kManyPassed
    uint64_t mask;
    unsigned bits;  // of the mask

    // The first bucket to try. glibc's smallest chunk is 32 bytes: 128 bytes of the address space hold at
    // most the 4 blocks of a bucket, and a heap not larger than the level spans has each line to itself.
    uint64_t near(uintptr_t address) const {
      const uint64_t line = address >> 7;
      return (line ^ (line >> bits) * 0x9E3779B1u) & mask;
    }
  };

  // The buckets of an address in a level, in the order they are tried.
  class Probe;

  static bool is_odd(uintptr_t address) { return ((address & 7) | address >> 47) != 0; }
  static uint64_t key_of(uintptr_t address) { return static_cast<uint64_t>(address) >> 3 << kSiteBits; }

  static bool insert_into(Bucket& bucket, uintptr_t address, LiveBlock block) {
    for (Slot& slot : bucket.slots) {
      if (load_relaxed(slot.head) != 0) continue;
      if (!single_threaded() && !compare_exchange(slot.head, uint64_t{0}, kBeingWritten)) continue;
      store_relaxed(slot.tail, block.size << 32 | block.birth);
      store_release(slot.head, key_of(address) | static_cast<uint32_t>(block.site));
      return true;
    }
    return false;
  }
  static bool take_from(Bucket& bucket, uintptr_t address, LiveBlock* block) {
    for (Slot& slot : bucket.slots) {
      if ((load_acquire(slot.head) ^ key_of(address)) >> kSiteBits != 0) continue;
      *block = slot.get();
      store_release(slot.head, uint64_t{0});
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
  static bool insert_into_level(const Level& level, uintptr_t address, LiveBlock block);
  bool make_level(unsigned bits, Level* level) const;
  bool add_level(uint32_t expected_count);
  void merge_levels();

  Level levels_[kMaxLevels] = {};
  uint32_t level_count_ = 0;  // published after the level
  SpinLock growing_;
  OddBlocks odd_;
};

}  // namespace leakhunt::tracker
