#include "instrument/tracker/pools.h"

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

uint32_t slot_of(SiteId site, uint32_t slots) {
  return (static_cast<uint32_t>(site) * 0x9E3779B1u) & (slots - 1);
}

size_t uses_bytes(uint32_t capacity) {
  return (capacity * sizeof(PoolUse) + kPage - 1) / kPage * kPage;
}

size_t index_bytes(uint32_t capacity) {
  return (capacity * 2 * sizeof(uint32_t) + kPage - 1) / kPage * kPage;
}

void enter(uint32_t* index, uint32_t slots, SiteId site, uint32_t position) {
  uint32_t at = slot_of(site, slots);
  while (index[at] != 0) at = (at + 1) & (slots - 1);
  index[at] = position + 1;
}

}  // namespace

PoolUse* Pool::use(SiteId site) {
  const uint32_t slots = capacity_ * 2;
  if (slots != 0) {
    for (uint32_t at = slot_of(site, slots); index_[at] != 0; at = (at + 1) & (slots - 1)) {
      PoolUse& found = uses_[index_[at] - 1];
      if (found.site == site) return &found;
    }
  }
  if (count_ == capacity_ && !grow()) return nullptr;
  uses_[count_] = {site, 0, 0};
  enter(index_, capacity_ * 2, site, count_);
  return &uses_[count_++];
}

bool Pool::grow() {
  const uint32_t capacity = capacity_ == 0 ? 128 : capacity_ * 2;
  PoolUse* uses = static_cast<PoolUse*>(map_pages(uses_bytes(capacity)));
  uint32_t* index = static_cast<uint32_t*>(map_pages(index_bytes(capacity)));
  if (uses == nullptr || index == nullptr) {
    if (uses != nullptr) unmap_pages(uses, uses_bytes(capacity));
    if (index != nullptr) unmap_pages(index, index_bytes(capacity));
    return false;
  }
  for (uint32_t i = 0; i < count_; ++i) {
    uses[i] = uses_[i];
    enter(index, capacity * 2, uses[i].site, i);
  }
  release_memory();
  uses_ = uses;
  index_ = index;
  capacity_ = capacity;
  return true;
}

void Pool::release_memory() {
  if (uses_ != nullptr) unmap_pages(uses_, uses_bytes(capacity_));
  if (index_ != nullptr) unmap_pages(index_, index_bytes(capacity_));
  uses_ = nullptr;
  index_ = nullptr;
}

}  // namespace leakhunt::tracker
