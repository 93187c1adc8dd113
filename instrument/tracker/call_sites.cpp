#include "instrument/tracker/call_sites.h"

#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kFirstSlots = 1u << 14;
constexpr uint64_t kLeastSlots = 1u << 9;
constexpr uint64_t kPart = 4;    // of what the tracker may take a first table takes one part at most
constexpr uint32_t kLast = 256;  // sites without a stack
constexpr uint64_t kSlotsOfHugePage = 1u << 18;  // from here on huge pages are asked for

}  // namespace

CallSites::Table* CallSites::make_table(uint64_t slots) {
  const size_t bytes = kHeader + slots * sizeof(uint64_t);
  Table* table = static_cast<Table*>(map_pages(bytes));
  if (table == nullptr) return nullptr;
  if (slots >= kSlotsOfHugePage) use_huge_pages(table, bytes);
  table->mask = slots - 1;
  return table;
}

bool CallSites::start(uint32_t most) {
  most_ = most < kMaxSites ? most : kMaxSites;
  if (low_bits_ == nullptr) {
    low_bits_bytes_ = most_ * sizeof(uint32_t);
    low_bits_ = static_cast<uint32_t*>(map_pages(low_bits_bytes_));
  }
  uint64_t slots = kFirstSlots;
  while (slots > kLeastSlots && !may_map(kPart * slots * sizeof(uint64_t))) slots /= 2;
  for (; table_ == nullptr && slots >= kLeastSlots; slots /= 2) table_ = make_table(slots);
  return table_ != nullptr && low_bits_ != nullptr;
}

// Of a table that grew the smaller ones before it stay, for whoever may be in them.
void CallSites::release() {
  if (table_ != nullptr) unmap_pages(table_, kHeader + (table_->mask + 1) * sizeof(uint64_t));
  if (low_bits_ != nullptr) unmap_pages(low_bits_, low_bits_bytes_);
  table_ = nullptr;
  low_bits_ = nullptr;
  count_ = 0;
}

void CallSites::clear() {
  if (table_ == nullptr) return;
  const uint64_t mask = table_->mask;
  wipe_pages(table_, kHeader + (mask + 1) * sizeof(uint64_t));
  table_->mask = mask;
  count_ = 0;
}

// A table is at most half full: a search that has to look further than where it begins is one that the
// processor did not foresee.
SiteId CallSites::next_id() {
  if (count_ + kLast >= most_) return kNone;
  if (count_ >= (table_->mask + 1) / 2 && !grow()) return kNone;
  const SiteId id{count_};
  store_relaxed(count_, count_ + 1);
  return id;
}

SiteId CallSites::next_id_of_last() {
  if (count_ == most_ || count_ * 4 > table_->mask * 3) return kNone;
  const SiteId id{count_};
  store_relaxed(count_, count_ + 1);
  return id;
}

void CallSites::publish(uint64_t hash, SiteId id) {
  low_bits_[static_cast<uint32_t>(id)] = static_cast<uint32_t>(hash) & kIdMask;
  enter(table_, hash, id);
}

void CallSites::enter(Table* table, uint64_t hash, SiteId id) {
  uint64_t at = hash;
  while (table->slots()[at & table->mask] != 0) ++at;
  store_release(table->slots()[at & table->mask], hash >> kSiteBits << kSiteBits | static_cast<uint32_t>(id));
}

// Where other threads may be reading, the old table stays mapped: all old ones together are smaller than the
// new one.
bool CallSites::grow() {
  Table* old = table_;
  const uint64_t slots = (old->mask + 1) * 2;
  Table* larger = may_map(kHeader + slots * sizeof(uint64_t)) ? make_table(slots) : nullptr;
  if (larger == nullptr) return false;
  for (uint64_t i = 0; i <= old->mask; ++i) {
    const uint64_t slot = old->slots()[i];
    if (slot == 0) continue;
    const uint32_t id = static_cast<uint32_t>(slot) & kIdMask;
    enter(larger, slot >> kSiteBits << kSiteBits | low_bits_[id], SiteId{id});
  }
  store_release(table_, larger);
  if (single_threaded()) unmap_pages(old, kHeader + (old->mask + 1) * sizeof(uint64_t));
  return true;
}

}  // namespace leakhunt::tracker
