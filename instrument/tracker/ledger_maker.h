// LedgerMaker: what the process's resident memory consists of, now. Two sources are laid over each other: the
// kernel says which mappings and pages are resident (os/memory_map.h), the tracker knows whose they are.
//
// In order: read_areas() reads every mapping and books those that name themselves (files, modules, stacks);
// find_heap() tells which anonymous ones the allocator has; walk_blocks() lays the live blocks on the heap's
// pages; book_anonymous() cuts the anonymous mappings among their owners.
//
// It runs inside the target, in whatever thread cuts a snapshot: no heap, little stack, an object on pages of
// its own. Other threads go on meanwhile, so that what they do in these milliseconds may be booked as it was
// before or after.
//
// Thread-safety: the recorder's lock is held.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/memory_map.h"
#include "instrument/os/page_list.h"
#include "instrument/os/proc_self.h"
#include "instrument/tracker/address_owners.h"
#include "instrument/tracker/call_sites.h"
#include "instrument/tracker/heap_pages.h"
#include "instrument/tracker/live_blocks.h"
#include "instrument/tracker/mappings.h"
#include "lib/recording/codec.h"

namespace leakhunt::tracker {

struct LedgerSources {
  const LiveBlocks* blocks;
  const SiteInfo* sites;
  size_t site_count;
  bool libc_heap;
  uint64_t deadline_ns;  // monotonic_ns() behind which only large blocks are looked at
};

class LedgerMaker {
 public:
  // On pages of its own; null without memory.
  static LedgerMaker* make();
  void destroy();

  // Before book(): whose the addresses are. False without memory.
  bool add_owner(const OwnedRange& range) { return owners_.add(range); }
  // What the allocator mapped by itself.
  bool add_heap(uintptr_t begin, uintptr_t end) {
    return owners_.add({begin, end, OwnerKind::kHeap, heap_id(recording::HeapRegionKind::kAllocator)});
  }

  // Makes the whole of it. 0, or the errno of what could not be read. `proc` as in MemoryMap::open.
  int book(const LedgerSources& sources, const char* proc);

  // What it came to: the fields that book() knows.
  const recording::LedgerRecord& record() const { return record_; }

  // One after the other; visit returns false to end it, and so does this.
  template <typename Visit>
  bool for_each_line(Visit visit) const {
    for (const Line& line : lines_) {
      if (!visit(recording::LedgerLineRecord{
              line.kind,
              line.id,
              line.count,
              line.reserved,
              line.resident,
              line.dirty,
              {reinterpret_cast<const uint8_t*>(names_.begin()) + line.name_at, line.name_bytes}}))
        return false;
    }
    return true;
  }
  // Of the sites that hold at least a thousandth of what is resident.
  template <typename Visit>
  bool for_each_site(Visit visit) const {
    const uint64_t least = record_.rss_bytes / kShareOfSite;
    size_t left = kMostSites;
    for (size_t i = 0; i < site_count_ && left > 0; ++i) {
      const SiteSum& sum = sums_[i];
      if (sum.count == 0 || (sum.reserved < least && sum.resident < least)) continue;
      --left;
      if (!visit(recording::LedgerSiteRecord{SiteId{static_cast<uint32_t>(i)}, sum.count, sum.reserved,
                                             sum.resident}))
        return false;
    }
    return true;
  }

 private:
  static constexpr uint64_t kShareOfSite = 1000;
  static constexpr size_t kMostSites = 4096;

  struct Line {
    recording::LedgerKind kind;
    uint64_t id;
    uint64_t count;
    uint64_t reserved;
    uint64_t resident;
    uint64_t dirty;
    size_t name_at;
    size_t name_bytes;
  };
  struct SiteSum {
    uint64_t count;
    uint64_t reserved;
    uint64_t resident;
  };
  struct AnonymousArea {
    uintptr_t begin;
    uintptr_t end;
    uint64_t resident;
    bool has_shared;
    bool accessible;
    bool is_break;
    char label[21];  // what the program called it
  };
  struct UnknownPart {
    uintptr_t begin;
    uintptr_t end;
    bool holds_blocks;
  };
  struct AloneBlock {
    uintptr_t begin;  // of its pages
    uintptr_t end;
    uintptr_t block;
    uint64_t size;
    SiteId site;
  };
  struct ModuleName {
    uintptr_t begin;
    size_t name_at;
    size_t name_bytes;
  };
  struct Amounts {
    uint64_t count;
    uint64_t reserved;
    uint64_t resident;
    uint64_t dirty;
  };

  static uint32_t heap_id(recording::HeapRegionKind kind) { return static_cast<uint32_t>(kind); }

  static bool is_own(const LoadedObject& object);
  void add_own_pages();
  int read_areas(const char* proc);
  void book_named(const MemoryArea& area);
  void book_module(const LoadedObject& object, const MemoryArea& area);
  bool remember_anonymous(const MemoryArea& area);

  void find_heap();
  void find_heap_in(size_t area);
  uintptr_t arena_in(size_t area, uintptr_t from, uintptr_t to) const;

  bool walk_blocks(const LedgerSources& sources);
  static void take_block(void* maker, uintptr_t address, const LiveBlock& block);
  void take_loose(uintptr_t address, const LiveBlock& block);
  void mark_resident_pages();
  bool take_found_parts();
  void book_alone();
  uint64_t resident_of(const AloneBlock& alone, const AnonymousArea& area, const OwnedRange& part);

  void book_anonymous();
  bool is_behind_guard(const AnonymousArea& area) const;
  void book_part(const AnonymousArea& area, const OwnedRange& part, uint64_t resident);
  uint64_t resident_bytes(const AnonymousArea& area, uintptr_t begin, uintptr_t end);
  const AnonymousArea* area_of(uintptr_t address) const;
  void book_tags(const LedgerSources& sources);

  size_t put_name(const char* name, size_t bytes);
  void add_line(recording::LedgerKind kind, uint64_t id, const Amounts& amounts, const char* name);
  void add_line_named(recording::LedgerKind kind, uint64_t id, const Amounts& amounts, size_t name_at,
                      size_t name_bytes);

  AddressOwners owners_;
  HeapPages heap_;
  PageMap page_map_;
  MemoryMap memory_map_;
  PageList<AnonymousArea> areas_;
  PageList<UnknownPart> unknown_;
  PageList<AloneBlock> alone_;
  PageList<ModuleName> modules_;
  PageList<Line> lines_;
  PageList<char> names_;
  SiteSum* sums_ = nullptr;  // by site; behind them kMaxTags by tag
  size_t site_count_ = 0;
  size_t sums_bytes_ = 0;
  const LedgerSources* sources_ = nullptr;
  uint64_t rounding_ = 0;
  uint32_t until_clock_ = 0;
  bool late_ = false;
  bool found_parts_ = false;
  recording::LedgerRecord record_ = {};
};

}  // namespace leakhunt::tracker
