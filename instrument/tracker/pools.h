// Pool: the sub-allocations of one custom allocator, by call site. They lie inside blocks that are counted
// already, and go all at once when the allocator is reset, so they need no entry in the table of live blocks:
// per site, what the running epoch handed out is enough.
//
// The program holds pointers to pools, so they outlive a fork; their tables do not.
//
// Thread-safety: one thread at a time, as the allocator it describes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/tracker/tags.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::SiteId;

struct PoolUse {
  SiteId site;
  uint64_t blocks;  // of this epoch
  uint64_t bytes;
};

class Pool {
 public:
  explicit Pool(TagId tag, uint32_t process = 0) : tag_(tag), process_(process) {}

  TagId tag() const { return tag_; }

  // Empties the pool without touching its memory if it was last used in another process, that is before a
  // fork: the memory is gone. `process` is Tracker's number of this one.
  void enter_process(uint32_t process) {
    if (process_ != process) *this = Pool(tag_, process);
  }

  // Clock at the epoch's first sub-allocation.
  uint32_t birth() const { return birth_; }
  void begin_epoch(uint32_t clock) { birth_ = clock, begun_ = true; }
  bool epoch_begun() const { return begun_; }
  void end_epoch() { begun_ = false; }

  // What this epoch handed out at `site`, to be changed by the caller. Null when there is no memory.
  PoolUse* use(SiteId site);

  // Every site the pool ever saw.
  PoolUse* begin() { return uses_; }
  PoolUse* end() { return uses_ + count_; }

  void release_memory();

 private:
  bool grow();

  TagId tag_;
  uint32_t process_;
  uint32_t birth_ = 0;
  bool begun_ = false;
  PoolUse* uses_ = nullptr;    // dense, in the order of their first use
  uint32_t* index_ = nullptr;  // open addressing by site: position in uses_ + 1
  uint32_t count_ = 0;
  uint32_t capacity_ = 0;  // of uses_; index_ has twice as many
};

}  // namespace leakhunt::tracker
