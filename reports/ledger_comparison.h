// ledger_comparison: what one run's memory has beside another's, line by line and tag by tag: what a defect
// reserves, what of it is resident, and what is saved without it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/analysis/ledger.h"

namespace leakhunt::reports {

struct LedgerChange {
  LedgerPart part{};
  std::string tag;  // as recorded; empty: the whole line
  int64_t reserved_bytes = 0;
  int64_t resident_bytes = 0;
  int64_t base_reserved_bytes = 0;
  int64_t base_resident_bytes = 0;

  int64_t reserved_difference() const { return reserved_bytes - base_reserved_bytes; }
  int64_t resident_difference() const { return resident_bytes - base_resident_bytes; }
};

// What differs by a five-hundredth of the base's resident memory at least, largest first. The tracker's own
// memory, and files and modules, are nobody's claim and left out. Empty unless both were measured.
std::vector<LedgerChange> compare_ledgers(const Ledger& base, const Ledger& ledger);

}  // namespace leakhunt::reports
