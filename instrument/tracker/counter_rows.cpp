#include "instrument/tracker/counter_rows.h"

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {
constexpr size_t kSlabBytes = 16 * kPage;  // about twenty row pages
}

RowPage* CounterRows::make_page(uint32_t index) {
  if (slab_left_ < sizeof(RowPage)) {
    slab_ = static_cast<uint8_t*>(map_pages(kSlabBytes));
    slab_left_ = slab_ != nullptr ? kSlabBytes : 0;
    if (slab_ == nullptr) return nullptr;
  }
  RowPage* page = reinterpret_cast<RowPage*>(slab_);
  slab_ += sizeof(RowPage);
  slab_left_ -= sizeof(RowPage);
  store_release(pages_[index], page);
  return page;
}

void CounterRows::clear() {
  for (RowPage* page : pages_) {
    if (page != nullptr) *page = RowPage{};
  }
  for (uint64_t& word : dirty_pages_) word = 0;
}

uint64_t CounterRows::take_dirty_rows(uint32_t page) {
  RowPage* rows = load_acquire(pages_[page]);
  return rows != nullptr ? __atomic_exchange_n(&rows->dirty, 0, __ATOMIC_ACQ_REL) : 0;
}

void CounterRows::add_to(SiteId site, Counters* sum) const {
  const uint32_t index = static_cast<uint32_t>(site);
  const RowPage* page = load_acquire(pages_[index / kRowsPerPage]);
  if (page == nullptr) return;
  const Counters& row = page->rows[index % kRowsPerPage];
  sum->allocations += load_relaxed(row.allocations);
  sum->allocated_bytes += load_relaxed(row.allocated_bytes);
  sum->frees += load_relaxed(row.frees);
  sum->freed_bytes += load_relaxed(row.freed_bytes);
  sum->temporary_blocks += load_relaxed(row.temporary_blocks);
  sum->temporary_bytes += load_relaxed(row.temporary_bytes);
}

}  // namespace leakhunt::tracker
