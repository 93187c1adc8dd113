// LedgerBuilder: lines and sites of the ledger until the record that ends them. Trusts nothing, as
// RunBuilder.
//
// What belongs to a ledger that never came, or that is damaged, is dropped: a Run has whole ledgers only.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/recording/codec.h"
#include "lib/recording/run.h"

namespace leakhunt::recording {

class LedgerBuilder {
 public:
  // False when a record holds what cannot be.
  bool add_lines(Decoder& in);
  bool add_sites(Decoder& in);

  // The record that ends it: the whole ledger, or nothing if something of it is missing. False as above.
  bool end(Decoder& in, std::optional<MemoryLedger>* ledger);

  // Forgets what waits.
  void drop() { *this = LedgerBuilder(); }

  // One more than the largest site that waits.
  uint64_t sites_needed() const { return sites_needed_; }

 private:
  MemoryLedger open_;
  uint64_t sites_needed_ = 0;
};

}  // namespace leakhunt::recording
