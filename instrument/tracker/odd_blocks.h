// OddBlocks: the few blocks that do not fit a slot of the table of live blocks. A list under a lock: a
// program has a handful of them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

struct LiveBlock {
  recording::SiteId site;
  uint32_t birth;  // clock at its allocation: iterations or ticks completed
  uint64_t size;
};

// Thread-safety: any thread, any time.
class OddBlocks {
 public:
  // False when there is no memory for it.
  bool insert(uintptr_t address, LiveBlock block);

  // Removes and returns it. False for an address that is not there.
  bool take(uintptr_t address, LiveBlock* block);

  // Forgets all of them. Nobody may be looking.
  void clear() { count_ = 0; }

  void for_each(void (*visit)(void* context, uintptr_t address, const LiveBlock& block), void* context) const;

  // The same with addresses, where nobody else can be looking; and the memory that they are in.
  template <typename Visit>
  void for_each_at(const Visit& visit) const {
    for (size_t i = count_; i-- > 0;) visit(entries_[i].address, entries_[i].block);  // may take it out
  }
  template <typename Visit>
  void for_each_table(const Visit& visit) const {
    if (entries_ != nullptr) visit(entries_, bytes_);
  }

 private:
  struct Entry {
    uintptr_t address;
    LiveBlock block;
  };

  bool grow();

  mutable SpinLock lock_;
  Entry* entries_ = nullptr;
  size_t count_ = 0;  // read without the lock: mostly 0
  size_t bytes_ = 0;  // of entries_, whole pages
};

}  // namespace leakhunt::tracker
