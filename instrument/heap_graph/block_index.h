// BlockIndex: address -> block, for every word that is scanned. Blocks sorted by address; where they lie
// close together they form a stretch, and of each stretch a coarse table says with which block to begin.
//
//   blocks   [a][b][c]....................[d][e]      sorted, disjoint
//   stretch  |________|   far apart       |____|
//   coarse   0 0 1 2 2                                 per granule: the first block that ends behind its
//   start
//
// Two bytes of table for four blocks at most, whatever their sizes; a lookup is one table entry and a few
// blocks beside each other.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/heap_graph/scan_input.h"

namespace leakhunt::tracker {

class BlockIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // False when memory is short.
  bool build(const ScanInput& input);

  uint32_t count() const { return count_; }
  const GraphBlock& operator[](uint32_t at) const { return blocks_[at]; }
  // What is scanned of it. A block of no bytes has an address all the same.
  uintptr_t end_of(uint32_t at) const {
    return blocks_[at].begin + (blocks_[at].size != 0 ? blocks_[at].size : 1);
  }

  // The block that the address lies in. Most words are no address at all: one comparison.
  uint32_t find(uintptr_t address) {
    if (address - lowest_ >= span_) return kNone;
    return find_near(address);
  }
  // The first block that ends behind the address; count() when there is none.
  uint32_t first_behind(uintptr_t address) const;

 private:
  struct Stretch {
    uintptr_t begin;
    uintptr_t end;
    uint32_t first;  // block
    uint32_t count;
    uint32_t* coarse;
    unsigned shift;  // of a granule
  };

  bool sort();
  void remove_containers();
  bool make_stretches();
  bool fill(Stretch& stretch);
  uint32_t find_near(uintptr_t address);

  GraphBlock* blocks_ = nullptr;
  uint32_t count_ = 0;
  Stretch* stretches_ = nullptr;
  uint32_t stretch_count_ = 0;
  uint32_t last_ = 0;  // stretch of the last find
  uintptr_t lowest_ = 0;
  uintptr_t span_ = 0;
};

}  // namespace leakhunt::tracker
