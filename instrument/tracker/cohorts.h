// Cohorts: live blocks counted by call site and birth, so that the host can tell a cache (old ones die when
// new ones come) from a leak (none ever dies). Made by walking the table of live blocks, from time to time
// and at the end.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/tracker/live_blocks.h"
#include "instrument/tracker/mappings.h"
#include "lib/recording/codec.h"

namespace leakhunt::tracker {

class CohortTable {
 public:
  ~CohortTable();

  // False when memory for the table ran out.
  // Blocks count for as many as the sampling's level says.
  bool count(const LiveBlocks& blocks, const Mappings& mappings, unsigned level = 0);

  // Sorted by (site, birth); invalid after the next call of count().
  const recording::CohortRow* rows() const { return rows_; }
  size_t size() const { return count_; }

  // Are there live blocks of the site? O(log size).
  bool has(SiteId site) const;

 private:
  static void add(void* table, uintptr_t address, const LiveBlock& block);
  static void add_sampled(void* table, uintptr_t address, const LiveBlock& block);
  void add_weighted(const LiveBlock& block, uint64_t weight);
  recording::CohortRow* find(SiteId site, uint64_t birth);
  bool grow();
  void compact_and_sort();

  recording::CohortRow* rows_ = nullptr;  // while counting: open addressing, blocks == 0 is empty
  size_t capacity_ = 0;                   // power of two
  size_t count_ = 0;
  unsigned level_ = 0;
  bool failed_ = false;
};

}  // namespace leakhunt::tracker
