// CallSites: (tag, kind, stack) -> SiteId. Looked up at every allocation, without a lock; a new one is
// entered under the recorder's lock, since its record must be in the file before anything refers to it.
//
// Open addressing; the table holds a 64-bit hash of tag, kind and stack, and the id, not the stack itself:
// that is in the recording. It is one word a slot, eight a cache line, since a program of many call sites has
// little else in its caches:
//
//   slot      := the hash but for its low 20 bits: 44 | id: 20     0: empty
//   low_bits_ := by id, the low 20 bits: asked for only when the table grows
//
// A search begins at the slot that the low bits of the hash say, so two stacks are taken for one only where
// 44 bits are equal and the low ones lead to the same run of slots: with probability 0.8 n^2 / 2^64, 4e-8
// at a million stacks.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/tracker/site_limits.h"
#include "instrument/tracker/tags.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::SiteId;
using recording::SiteKind;

// Of the stack's key (CapturedStack), whose every bit depends on every frame, with tag and kind. Its upper
// bits are never all 0.
inline uint64_t hash_site(TagId tag, SiteKind kind, uint64_t stack_key) {
  const uint64_t purpose = static_cast<uint64_t>(tag) << 8 | static_cast<uint64_t>(kind);
  const uint64_t hash = stack_key ^ purpose * 0xD6E8FEB86659FD93ull;
  return likely(hash >> kSiteBits != 0) ? hash : hash | uint64_t{1} << 63;
}

// Of all call sites whose stacks are not recorded any more, by tag, kind and (where it is split) thread.
inline uint64_t hash_without_stack(TagId tag, SiteKind kind, uint32_t thread) {
  return hash_site(tag, kind, (thread + 2) * 0xA24BAED4963EE407ull);
}

// A site's tag and kind, needed when its block is freed.
struct SiteInfo {
  uint8_t tag;
  SiteKind kind;
};

class CallSites {
 public:
  static constexpr SiteId kNone{UINT32_MAX};

  // With room for `most` sites, for good; for kMaxSites if that is more.
  bool start(uint32_t most = UINT32_MAX);

  // Forgets all of them. Nobody may be looking.
  void clear();

  // Gives all memory back. Nobody may be looking, or ever look again before start().
  void release();

  // Lock-free. kNone when the site is not there (yet).
  SiteId find(uint64_t hash) const {
    const Table* table = load_acquire(table_);
    for (uint64_t at = hash;; ++at) {
      const uint64_t slot = load_acquire(table->slots()[at & table->mask]);
      if (likely((slot ^ hash) >> kSiteBits == 0)) return SiteId{static_cast<uint32_t>(slot) & kIdMask};
      if (slot == 0) return kNone;
    }
  }

  // Under the caller's lock. The id of a new site, kNone when the table can hold no more; the caller writes
  // the site's record, then calls publish().
  SiteId next_id();
  // The same from the room that is kept for sites without a stack.
  SiteId next_id_of_last();
  void publish(uint64_t hash, SiteId id);

  uint32_t count() const { return load_relaxed(count_); }

 private:
  static constexpr uint32_t kIdMask = kMaxSites - 1;

  // Followed, behind kHeader bytes, by mask + 1 slots.
  struct Table {
    uint64_t mask;
    uint64_t* slots() { return reinterpret_cast<uint64_t*>(reinterpret_cast<uint8_t*>(this) + kHeader); }
    const uint64_t* slots() const { return const_cast<Table*>(this)->slots(); }
  };
  static constexpr size_t kHeader = 64;  // a cache line: slots begin with one

  static Table* make_table(uint64_t slots);
  static void enter(Table* table, uint64_t hash, SiteId id);
  bool grow();

  Table* table_ = nullptr;
  size_t low_bits_bytes_ = 0;
  uint32_t* low_bits_ = nullptr;
  uint32_t count_ = 0;
  uint32_t most_ = 0;
};

}  // namespace leakhunt::tracker
