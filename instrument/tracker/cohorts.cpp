#include "instrument/tracker/cohorts.h"

#include "instrument/os/heap_sort.h"
#include "instrument/os/pages.h"
#include "instrument/tracker/sampling.h"

namespace leakhunt::tracker {

using recording::CohortRow;

namespace {

constexpr size_t kFirstCapacity = 1024;

bool before(const CohortRow& a, const CohortRow& b) {
  return a.site != b.site ? a.site < b.site : a.birth < b.birth;
}

}  // namespace

CohortTable::~CohortTable() {
  if (rows_ != nullptr) unmap_pages(rows_, capacity_ * sizeof(CohortRow));
}

bool CohortTable::count(const LiveBlocks& blocks, const Mappings& mappings, unsigned level) {
  if (!grow()) return false;
  level_ = level;
  blocks.for_each(level != 0 ? add_sampled : add, this);
  mappings.for_each(add, this);
  compact_and_sort();
  return !failed_;
}

void CohortTable::add(void* table, uintptr_t, const LiveBlock& block) {
  static_cast<CohortTable*>(table)->add_weighted(block, 1);
}

void CohortTable::add_sampled(void* table, uintptr_t, const LiveBlock& block) {
  CohortTable& self = *static_cast<CohortTable*>(table);
  self.add_weighted(block, Sampling::weight(self.level_, block.size));
}

void CohortTable::add_weighted(const LiveBlock& block, uint64_t weight) {
  if (failed_ || (count_ * 2 > capacity_ && !grow())) return;
  CohortRow* row = find(block.site, block.birth);
  if (row->blocks == 0) {
    *row = {block.site, block.birth, 0, 0};
    ++count_;
  }
  row->blocks += weight;
  row->bytes += weight * block.size;
}

CohortRow* CohortTable::find(SiteId site, uint64_t birth) {
  size_t at = (static_cast<uint64_t>(site) * 0x9E3779B97F4A7C15ull ^ birth * 0xD6E8FEB86659FD93ull) >> 20;
  for (;; ++at) {
    CohortRow& row = rows_[at & (capacity_ - 1)];
    if (row.blocks == 0 || (row.site == site && row.birth == birth)) return &row;
  }
}

bool CohortTable::grow() {
  CohortRow* old_rows = rows_;
  const size_t old_capacity = capacity_;
  const size_t capacity = old_capacity == 0 ? kFirstCapacity : old_capacity * 2;
  CohortRow* larger = static_cast<CohortRow*>(map_pages(capacity * sizeof(CohortRow)));
  if (larger == nullptr) {
    failed_ = true;
    return false;
  }
  rows_ = larger;
  capacity_ = capacity;
  for (size_t i = 0; i < old_capacity; ++i) {
    if (old_rows[i].blocks != 0) *find(old_rows[i].site, old_rows[i].birth) = old_rows[i];
  }
  if (old_rows != nullptr) unmap_pages(old_rows, old_capacity * sizeof(CohortRow));
  return true;
}

void CohortTable::compact_and_sort() {
  size_t kept = 0;
  for (size_t i = 0; i < capacity_; ++i) {
    if (rows_[i].blocks != 0) rows_[kept++] = rows_[i];
  }
  heap_sort(rows_, kept, before);
}

bool CohortTable::has(SiteId site) const {
  size_t from = 0;
  size_t to = count_;
  while (from < to) {
    const size_t middle = from + (to - from) / 2;
    if (rows_[middle].site < site) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from < count_ && rows_[from].site == site;
}

}  // namespace leakhunt::tracker
