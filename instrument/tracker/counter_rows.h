// CounterRows: what one thread did at each call site since the start. One table a thread, so that counting is
// a few plain additions: only the owner writes, the snapshot reads and sums over the threads.
//
//   pages_[site / 64] -> RowPage { dirty: one bit a row; rows: 64 x Counters }      made when first needed
//   dirty_pages_      -> one bit a page
//
// A bit is set by the owner when a row changes and taken by the snapshot. A row that is changed at the very
// moment its bit is taken may be seen one snapshot later: the snapshot looks again at every row it saw the
// time before.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/os/page_slab.h"
#include "instrument/tracker/site_limits.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::Counters;
using recording::SiteId;

inline constexpr uint32_t kRowsPerPage = 64;
inline constexpr uint32_t kMaxRowPages = kMaxSites / kRowsPerPage;

struct RowPage {
  uint64_t dirty;
  Counters rows[kRowsPerPage];
};

class CounterRows {
 public:
  // Lets the owning thread change the row of `site`; the snapshot will look at it. False when there is no
  // memory.
  template <typename Change>
  __attribute__((always_inline)) bool change(SiteId site, const Change& change) {
    const uint32_t index = static_cast<uint32_t>(site);
    RowPage* page = load_relaxed(pages_[index / kRowsPerPage]);
    if (unlikely(page == nullptr)) {
      page = make_page(index / kRowsPerPage);
      if (page == nullptr) return false;
    }
    change(page->rows[index % kRowsPerPage]);
    const uint64_t bit = uint64_t{1} << (index % kRowsPerPage);
    if (unlikely((load_relaxed(page->dirty) & bit) == 0)) mark_dirty(page, index / kRowsPerPage, bit);
    return true;
  }

  // All zeros again. The owner may not be counting.
  void clear();

  // --- for the snapshot, from any thread ---
  // Pages changed since the last call, 64 of them a word.
  uint64_t take_dirty_pages(uint32_t word) {
    if (load_relaxed(dirty_pages_[word]) == 0) return 0;
    return __atomic_exchange_n(&dirty_pages_[word], 0, __ATOMIC_ACQ_REL);
  }
  uint64_t take_dirty_rows(uint32_t page);
  void add_to(SiteId site, Counters* sum) const;

 private:
  RowPage* make_page(uint32_t index);
  static void set_bits(uint64_t& word, uint64_t bit) { __atomic_fetch_or(&word, bit, __ATOMIC_ACQ_REL); }
  void mark_dirty(RowPage* page, uint32_t index, uint64_t bit) {
    set_bits(page->dirty, bit);
    set_bits(dirty_pages_[index / 64], uint64_t{1} << (index % 64));
  }

  RowPage* pages_[kMaxRowPages];
  uint64_t dirty_pages_[kMaxRowPages / 64];
  PageSlab slab_;
};

}  // namespace leakhunt::tracker
