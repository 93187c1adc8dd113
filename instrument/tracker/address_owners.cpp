#include "instrument/tracker/address_owners.h"

#include "instrument/os/heap_sort.h"

namespace leakhunt::tracker {

bool AddressOwners::add(const OwnedRange& range) {
  const uintptr_t begin = range.begin / kPage * kPage;
  const uintptr_t end = (range.end + kPage - 1) / kPage * kPage;
  return begin >= end || ranges_.add({begin, end, range.kind, range.id});
}

void AddressOwners::settle() {
  heap_sort(ranges_.begin(), ranges_.size(), [](const OwnedRange& a, const OwnedRange& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.begin < b.begin;
  });
  size_t kept = 0;
  for (const OwnedRange& each : ranges_) {
    OwnedRange range = each;
    if (kept > 0 && ranges_[kept - 1].kind == range.kind && ranges_[kept - 1].end > range.begin)
      range.begin = ranges_[kept - 1].end;
    if (range.begin < range.end) ranges_[kept++] = range;
  }
  ranges_.shrink(kept);
  size_t at = 0;
  for (size_t kind = 0; kind <= kOwnerKinds; ++kind) {
    while (at < kept && static_cast<size_t>(ranges_[at].kind) < kind) ++at;
    first_[kind] = at;
  }
}

OwnedRange AddressOwners::at(uintptr_t address, uintptr_t limit, OwnerKind weakest) const {
  for (size_t kind = 0; kind < static_cast<size_t>(weakest); ++kind) {
    size_t low = first_[kind];
    size_t high = first_[kind + 1];
    while (low < high) {
      const size_t half = low + (high - low) / 2;
      if (ranges_[half].end <= address) {
        low = half + 1;
      } else {
        high = half;
      }
    }
    if (low == first_[kind + 1]) continue;
    const OwnedRange& range = ranges_[low];
    if (range.begin <= address) return {address, range.end < limit ? range.end : limit, range.kind, range.id};
    if (range.begin < limit) limit = range.begin;
  }
  return {address, limit, OwnerKind::kNobody, 0};
}

}  // namespace leakhunt::tracker
