#include "instrument/tracker/counter_rows.h"

namespace leakhunt::tracker {

RowPage* CounterRows::make_page(uint32_t index) {
  RowPage* page = static_cast<RowPage*>(slab_.take(sizeof(RowPage)));
  if (page != nullptr) store_release(pages_[index], page);
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
