// AddressOwners: who a range of addresses belongs to, as far as somebody said so. Ranges of different owners
// may overlap; the kind that comes first below has the better claim.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/page_list.h"

namespace leakhunt::tracker {

enum class OwnerKind : uint8_t {
  kTracker,
  kThreadStack,  // id: the thread's number
  kMapping,      // id: the site that mapped it
  kHeap,         // id: recording::HeapRegionKind
  // Only where nothing else is known: these may be gone, and something else be in their place.
  kIdleStack,
  kOlder,
  kNobody,
};
inline constexpr size_t kOwnerKinds = static_cast<size_t>(OwnerKind::kNobody);

struct OwnedRange {
  uintptr_t begin;
  uintptr_t end;
  OwnerKind kind;
  uint32_t id;
};

// Thread-safety: none.
class AddressOwners {
 public:
  // Whole pages: every page that the range touches. Before settle(), or again behind it.
  bool add(const OwnedRange& range);

  // After the last add() and before the first at().
  void settle();

  // Who owns `address`: a part of his range that begins there, ends at `limit` at the latest, and that nobody
  // with a better claim owns. Kinds from `weakest` on count as nobody. O(kinds x log ranges).
  OwnedRange at(uintptr_t address, uintptr_t limit, OwnerKind weakest = OwnerKind::kNobody) const;

  void release() { ranges_.release(); }

 private:
  PageList<OwnedRange> ranges_;
  size_t first_[kOwnerKinds + 1] = {};
};

}  // namespace leakhunt::tracker
