// Mappings: what mmap gave and munmap took, as disjoint ranges sorted by address. A range may be unmapped in
// part, or mapped over; every byte belongs to the site that mapped it last.
//
// Thread-safety: the caller holds lock() around the system call and the change of the table, so that the
// table is in the order of the kernel's own.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/held_lock.h"
#include "instrument/tracker/live_blocks.h"

namespace leakhunt::tracker {

struct MappedRange {
  uintptr_t begin;
  uintptr_t end;
  SiteId site;
  uint32_t birth;
};

class Mappings {
 public:
  HeldLock& lock() { return lock_; }

  // Enters [begin, end), which overlaps no range (call remove first). False when there is no memory for it.
  bool insert(const MappedRange& range);

  // What of [begin, end) is in the table goes. For every range touched calls removed(context, range, bytes,
  // ...): `bytes` of it are gone; `whole` when nothing of it is left; `split` when two pieces are left.
  using Removed = void (*)(void* context, const MappedRange& range, uint64_t bytes, bool whole, bool split);
  void remove(uintptr_t begin, uintptr_t end, Removed removed, void* context);

  // The same without a word.
  void forget(uintptr_t begin, uintptr_t end);

  // Forgets all of them.
  void clear() { count_ = 0; }

  void for_each(LiveBlocks::Visit visit, void* context) const;

  // As of LiveBlocks.
  template <typename VisitAt>
  void for_each_at(const VisitAt& visit) const {
    for (size_t i = 0; i < count_; ++i) visit(ranges_[i]);
  }
  template <typename VisitTable>
  void for_each_table(const VisitTable& visit) const {
    if (ranges_ != nullptr) visit(ranges_, capacity_ * sizeof(MappedRange));
  }

 private:
  bool make_room();
  void erase(size_t from, size_t to);
  void cut_hole(size_t at, uintptr_t from, uintptr_t to, Removed removed, void* context);

  HeldLock lock_;
  MappedRange* ranges_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
};

}  // namespace leakhunt::tracker
