#include "instrument/tracker/ledger_maker.h"

#include <errno.h>

#include "instrument/os/pages.h"
#include "instrument/os/text.h"

namespace leakhunt::tracker {

using recording::HeapRegionKind;
using recording::LedgerKind;

namespace {

constexpr size_t kObjectBytes = (sizeof(LedgerMaker) + kPage - 1) / kPage * kPage;
constexpr uintptr_t kArena = 64 << 20;         // glibc's HEAP_MAX_SIZE: its arenas begin at multiples of it
constexpr uint64_t kSmallestAlone = 64 << 10;  // below glibc's smallest threshold for a mapping of its own
constexpr size_t kAreasAtOnce = 8192;          // address space, touched as far as it is used
constexpr size_t kNamesAtOnce = 256 << 10;
constexpr uint32_t kBlocksBetweenClocks = 4096;

bool begins(const char* text, const char* with) {
  while (*with != '\0' && *text == *with) ++text, ++with;
  return *with == '\0';
}

uintptr_t whole_pages(uintptr_t address) {
  return (address + kPage - 1) / kPage * kPage;
}

bool is_shared_memory(const char* name) {
  return begins(name, "/dev/zero") || begins(name, "/memfd:") || begins(name, "/SYSV") ||
         begins(name, "/dev/shm/");
}

// What glibc's malloc takes for a block of n bytes, beyond the n bytes: malloc.c, request2size.
uint64_t rounding_of(uint64_t n) {
  const uint64_t chunk = (n + 8 + 15) / 16 * 16;
  return (chunk < 32 ? 32 : chunk) - n;
}

}  // namespace

LedgerMaker* LedgerMaker::make() {
  LedgerMaker* maker = static_cast<LedgerMaker*>(map_pages(kObjectBytes));
  if (maker != nullptr) *maker = LedgerMaker();
  return maker;
}

void LedgerMaker::destroy() {
  owners_.release();
  heap_.release();
  page_map_.close();
  memory_map_.close();
  areas_.release();
  unknown_.release();
  alone_.release();
  modules_.release();
  lines_.release();
  names_.release();
  if (sums_ != nullptr) unmap_pages(sums_, sums_bytes_);
  unmap_pages(this, kObjectBytes);
}

int LedgerMaker::book(const LedgerSources& sources, const char* proc) {
  sources_ = &sources;
  site_count_ = sources.site_count;
  sums_bytes_ = ((site_count_ + kMaxTags) * sizeof(SiteSum) + kPage) / kPage * kPage;
  sums_ = static_cast<SiteSum*>(map_pages(sums_bytes_));
  if (sums_ == nullptr) return ENOMEM;
  areas_.reserve(kAreasAtOnce);
  lines_.reserve(kAreasAtOnce / 4);
  names_.reserve(kNamesAtOnce);
  add_own_pages();
  owners_.settle();
  int error = read_areas(proc);
  if (error == 0) error = page_map_.open(proc);
  if (error != 0) return error;
  add_own_pages();
  owners_.settle();
  find_heap();
  record_.heap_examined = walk_blocks(sources);
  book_anonymous();
  book_tags(sources);
  record_.libc_heap = sources.libc_heap;
  record_.rounding_bytes = rounding_;
  record_.free_page_bytes = heap_.free_page_bytes();
  record_.line_count = lines_.size();
  for_each_site([&](const recording::LedgerSiteRecord&) {
    ++record_.site_count;
    return true;
  });
  return lines_.failed() || names_.failed() ? ENOMEM : 0;
}

// Those that are there before the mappings are read, and those that reading them took.
void LedgerMaker::add_own_pages() {
  for_each_mapped(
      [](void* owners, uintptr_t begin, size_t bytes) {
        static_cast<AddressOwners*>(owners)->add({begin, begin + bytes, OwnerKind::kTracker, 0});
      },
      &owners_);
}

bool LedgerMaker::is_own(const LoadedObject& object) {
  const uintptr_t here = reinterpret_cast<uintptr_t>(&rounding_of);
  return here >= object.begin && here < object.end;
}

// --- the mappings, one by one

int LedgerMaker::read_areas(const char* proc) {
  const int error = memory_map_.open(proc, MemoryMap::Detail::kSmaps);
  if (error != 0) return error;
  MemoryArea area{};
  while (memory_map_.next(&area)) {
    ++record_.areas;
    record_.rss_bytes += area.resident;
    const bool is_plain = !area.has_inode && (area.name[0] == '\0' || begins(area.name, "[anon:") ||
                                              begins(area.name, "[heap]"));
    if (!is_plain) {
      book_named(area);
    } else if (!remember_anonymous(area)) {
      return ENOMEM;
    }
  }
  const int end = memory_map_.error();
  memory_map_.close();
  return end;
}

void LedgerMaker::book_named(const MemoryArea& area) {
  const Amounts amounts{1, area.end - area.begin, area.resident, area.dirty};
  const OwnedRange owner = owners_.at(area.begin, area.end, OwnerKind::kHeap);
  if (owner.kind == OwnerKind::kTracker) return add_line(LedgerKind::kTracker, 0, amounts, "recording");
  if (begins(area.name, "[stack")) return add_line(LedgerKind::kMainStack, 0, amounts, "");
  if (!area.has_inode) return add_line(LedgerKind::kKernel, 0, amounts, area.name);
  LoadedObject object{};
  if (find_loaded_object(area.begin, &object)) return book_module(object, area);
  if (!is_shared_memory(area.name)) return add_line(LedgerKind::kFile, 0, amounts, area.name);
  if (begins(area.name, "/dev/zero") && owner.kind == OwnerKind::kMapping && owner.id < site_count_) {
    SiteSum& sum = sums_[owner.id];  // MAP_SHARED without a file
    sum = {sum.count + 1, sum.reserved + amounts.reserved, sum.resident + amounts.resident};
    return;
  }
  add_line(LedgerKind::kSharedMemory, 0, amounts, area.name);
}

void LedgerMaker::book_module(const LoadedObject& object, const MemoryArea& area) {
  const Amounts amounts{1, area.end - area.begin, area.resident, area.dirty};
  if (is_own(object)) return add_line(LedgerKind::kTracker, 0, amounts, "library");
  if (modules_.size() == 0 || modules_[modules_.size() - 1].begin != object.begin) {
    const size_t bytes = text_length(area.name);
    modules_.add({object.begin, put_name(area.name, bytes), bytes});
  }
  const ModuleName name = modules_.size() != 0 ? modules_[modules_.size() - 1] : ModuleName{};
  add_line_named(LedgerKind::kModule, 0, amounts, name.name_at, name.name_bytes);
}

bool LedgerMaker::remember_anonymous(const MemoryArea& area) {
  AnonymousArea kept{area.begin,
                     area.end,
                     area.resident,
                     area.shared != 0,
                     area.protection != 0,
                     begins(area.name, "[heap]"),
                     {}};
  if (begins(area.name, "[anon:")) {
    Text label(kept.label, sizeof kept.label);
    for (const char* at = area.name; *at != '\0'; ++at) label.put(*at);
  }
  return areas_.add(kept);
}

// --- which of the anonymous ones are the heap

void LedgerMaker::find_heap() {
  for (size_t i = 0; i < areas_.size(); ++i) find_heap_in(i);
}

void LedgerMaker::find_heap_in(size_t index) {
  const AnonymousArea& area = areas_[index];
  if (!area.accessible) return;
  for (uintptr_t at = area.begin; at < area.end;) {
    const OwnedRange part = owners_.at(at, area.end, OwnerKind::kIdleStack);
    at = part.end;
    if (part.kind == OwnerKind::kHeap) {
      heap_.add(part.begin, part.end, static_cast<HeapRegionKind>(part.id));
    } else if (part.kind == OwnerKind::kNobody && area.is_break) {
      heap_.add(part.begin, part.end, HeapRegionKind::kBreak);
    } else if (part.kind == OwnerKind::kNobody) {
      LoadedObject object{};
      const bool is_module = find_loaded_object(part.begin, &object);
      const uintptr_t from = is_module ? whole_pages(object.end) : part.begin;
      if (from >= part.end) continue;
      const uintptr_t arena = arena_in(index, from, part.end);
      if (from < arena) unknown_.add({from, arena, false});
      if (arena < part.end) heap_.add(arena, part.end, HeapRegionKind::kArena);
    }
  }
}

// Where glibc's arena begins in the part, or the part's end. It begins at a multiple of 64 MiB and has all of
// that, of which the rest behind what is in use so far is not accessible.
uintptr_t LedgerMaker::arena_in(size_t index, uintptr_t from, uintptr_t to) const {
  const AnonymousArea& area = areas_[index];
  const uintptr_t begin = (from + kArena - 1) / kArena * kArena;
  if (!sources_->libc_heap || begin >= to || to != area.end || to - begin > kArena) return to;
  if (to - begin == kArena) return begin;
  if (index + 1 == areas_.size()) return to;
  const AnonymousArea& next = areas_[index + 1];
  const bool is_rest = next.begin == area.end && !next.accessible && next.end >= begin + kArena;
  return is_rest ? begin : to;
}

// --- live blocks on the heap's pages

// Twice if blocks turn up where no heap was known. False when that cannot be done.
bool LedgerMaker::walk_blocks(const LedgerSources& sources) {
  for (int round = 0;; ++round) {
    found_parts_ = false;
    alone_.shrink(0);
    rounding_ = 0;
    if (!heap_.make_room()) return false;
    mark_resident_pages();
    sources.blocks->for_each(take_block, this);
    if (alone_.failed()) return false;
    if (!found_parts_ || round == 1) break;
    if (!take_found_parts()) return false;
    wipe_pages(sums_, sums_bytes_);
  }
  book_alone();
  for (const HeapRegion& region : heap_.regions())
    owners_.add({region.begin, region.end, OwnerKind::kHeap, heap_id(region.kind)});
  for (const AloneBlock& block : alone_)
    owners_.add({block.begin, block.end, OwnerKind::kHeap, heap_id(HeapRegionKind::kAlone)});
  owners_.settle();
  return !late_;
}

void LedgerMaker::mark_resident_pages() {
  struct Marking {
    HeapPages* heap;
    const HeapRegion* region;
    size_t first_page;
  };
  for (const HeapRegion& region : heap_.regions()) {
    const AnonymousArea* area = area_of(region.begin);
    for (; area != areas_.end() && area->begin < region.end; ++area) {
      if (area->resident == 0) continue;
      const uintptr_t from = area->begin > region.begin ? area->begin : region.begin;
      const uintptr_t to = area->end < region.end ? area->end : region.end;
      Marking marking{&heap_, &region, (from - region.begin) / kPage};
      page_map_.for_each_resident(
          from, to, area->has_shared,
          [](void* context, size_t page) {
            const Marking& to_mark = *static_cast<Marking*>(context);
            to_mark.heap->set_resident(*to_mark.region, to_mark.first_page + page);
          },
          &marking);
    }
  }
}

void LedgerMaker::take_block(void* maker, uintptr_t address, const LiveBlock& block) {
  LedgerMaker& self = *static_cast<LedgerMaker*>(maker);
  const size_t site = static_cast<size_t>(block.site);
  if (address < kPage || site >= self.site_count_) return;  // just gone, or just come
  if (self.until_clock_-- == 0) {
    self.until_clock_ = kBlocksBetweenClocks;
    self.late_ = self.late_ || monotonic_ns() > self.sources_->deadline_ns;
  }
  if (self.late_ && block.size < kSmallestAlone) return;
  const HeapRegion* region = self.heap_.find(address);
  if (region == nullptr) return self.take_loose(address, block);
  SiteSum& sum = self.sums_[site];
  const uint64_t resident = self.heap_.add_live(*region, address, block.size);
  sum = {sum.count + 1, sum.reserved + block.size, sum.resident + resident};
  const uintptr_t last = block.size == 0 ? address : address + block.size - 1;
  if (last < region->end && self.heap_.is_resident(*region, last)) self.rounding_ += rounding_of(block.size);
}

// A large block of libc's has pages of its own; the header lies in front of it. Other blocks show where the
// heap is.
void LedgerMaker::take_loose(uintptr_t address, const LiveBlock& block) {
  constexpr uintptr_t kHeader = 16;
  if (sources_->libc_heap && block.size >= kSmallestAlone) {
    const uintptr_t begin = (address - kHeader) / kPage * kPage;
    alone_.add({begin, whole_pages(address + block.size), address, block.size, block.site});
    return;
  }
  size_t low = 0;
  size_t high = unknown_.size();
  while (low < high) {
    const size_t half = low + (high - low) / 2;
    if (unknown_[half].end <= address) {
      low = half + 1;
    } else {
      high = half;
    }
  }
  if (low == unknown_.size() || address < unknown_[low].begin) return;
  unknown_[low].holds_blocks = true;
  found_parts_ = true;
}

bool LedgerMaker::take_found_parts() {
  bool added = true;
  for (UnknownPart& part : unknown_) {
    if (!part.holds_blocks) continue;
    added = heap_.add(part.begin, part.end, HeapRegionKind::kFound) && added;
    part.holds_blocks = false;
  }
  return added;
}

// A block that a program made a thread's stack of is on that line.
void LedgerMaker::book_alone() {
  for (const AloneBlock& alone : alone_) {
    uint64_t resident = 0;
    for (const AnonymousArea* area = area_of(alone.begin); area != areas_.end() && area->begin < alone.end;
         ++area) {
      uintptr_t at = area->begin > alone.begin ? area->begin : alone.begin;
      const uintptr_t end = area->end < alone.end ? area->end : alone.end;
      while (at < end && area->resident != 0) {
        const OwnedRange part = owners_.at(at, end, OwnerKind::kHeap);
        if (part.kind == OwnerKind::kNobody) resident += resident_of(alone, *area, part);
        at = part.end;
      }
    }
    SiteSum& site = sums_[static_cast<size_t>(alone.site)];
    site = {site.count + 1, site.reserved + alone.size, site.resident + resident};
  }
}

uint64_t LedgerMaker::resident_of(const AloneBlock& alone, const AnonymousArea& area,
                                  const OwnedRange& part) {
  struct Sum {
    uintptr_t from;
    uintptr_t block;
    uintptr_t block_end;
    uint64_t resident;
  } sum{part.begin, alone.block, alone.block + alone.size, 0};
  page_map_.for_each_resident(
      part.begin, part.end, area.has_shared,
      [](void* context, size_t page) {
        Sum& to_add = *static_cast<Sum*>(context);
        const uintptr_t begin = to_add.from + page * kPage;
        const uintptr_t from = begin > to_add.block ? begin : to_add.block;
        const uintptr_t to = begin + kPage < to_add.block_end ? begin + kPage : to_add.block_end;
        if (from < to) to_add.resident += to - from;
      },
      &sum);
  return sum.resident;
}

}  // namespace leakhunt::tracker
