// CallSites: (tag, kind, stack) -> SiteId. Looked up at every allocation, without a lock; a new one is
// entered under the recorder's lock, since its record must be in the file before anything refers to it.
//
// Open addressing; the table holds a 64-bit hash of tag, kind and stack, and the id, not the stack itself:
// that is in the recording. Two different stacks are taken for one with probability n^2 / 2^65: 3e-8 at a
// million stacks.
//
//   slot := { hash: 0 when empty, written last | id }
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/tracker/tags.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::SiteId;
using recording::SiteKind;

// Of the stack's key (CapturedStack), whose every bit depends on every frame, with tag and kind. Never 0.
inline uint64_t hash_site(TagId tag, SiteKind kind, uint64_t stack_key) {
  const uint64_t purpose = static_cast<uint64_t>(tag) << 8 | static_cast<uint64_t>(kind);
  const uint64_t hash = stack_key ^ purpose * 0xD6E8FEB86659FD93ull;
  return likely(hash != 0) ? hash : 1;
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
      const Slot& slot = table->slots()[at & table->mask];
      const uint64_t found = load_acquire(slot.hash);
      if (likely(found == hash)) return slot.id;
      if (found == 0) return kNone;
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
  struct Slot {
    uint64_t hash;
    SiteId id;
  };
  // Followed by mask + 1 slots.
  struct alignas(16) Table {
    uint64_t mask;
    Slot* slots() { return reinterpret_cast<Slot*>(this + 1); }
    const Slot* slots() const { return reinterpret_cast<const Slot*>(this + 1); }
  };

  static Table* make_table(uint64_t slots);
  static void enter(Table* table, uint64_t hash, SiteId id);
  bool grow();

  Table* table_ = nullptr;
  uint32_t count_ = 0;
  uint32_t most_ = 0;
};

}  // namespace leakhunt::tracker
