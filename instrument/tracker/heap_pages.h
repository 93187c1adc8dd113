// HeapPages: the pages of the allocator's memory - which of them are resident, and how much of each is live.
//
//   regions := disjoint ranges of the address space, ascending
//   pages   := one 16-bit word a page, region after region: resident 1 bit | live bytes 13 bits
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/page_list.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

struct HeapRegion {
  uintptr_t begin;
  uintptr_t end;
  recording::HeapRegionKind kind;
  size_t first_page;
};

// Thread-safety: none.
class HeapPages {
 public:
  // Whole pages that are in no region yet.
  bool add(uintptr_t begin, uintptr_t end, recording::HeapRegionKind kind);

  // After the last add(): room for the pages, all of them neither resident nor live. False without memory:
  // then no address is found.
  bool make_room();

  const PageList<HeapRegion>& regions() const { return regions_; }

  // The region that holds an address, or null.
  const HeapRegion* find(uintptr_t address);

  void set_resident(const HeapRegion& region, size_t page) { pages_[region.first_page + page] |= kResident; }

  // A live block in the region: bytes of it that are resident. What reaches out of the region is left out.
  uint64_t add_live(const HeapRegion& region, uintptr_t begin, uint64_t bytes);
  bool is_resident(const HeapRegion& region, uintptr_t address) const {
    return (pages_[region.first_page + (address - region.begin) / kPage] & kResident) != 0;
  }

  // Bytes of resident pages without anything live.
  uint64_t free_page_bytes() const;

  void release();

 private:
  static constexpr uint16_t kResident = 0x8000;
  static constexpr uint16_t kLive = 0x7FFF;

  PageList<HeapRegion> regions_;
  uint16_t* pages_ = nullptr;
  size_t page_count_ = 0;
  size_t bytes_ = 0;
  size_t last_found_ = 0;
};

}  // namespace leakhunt::tracker
