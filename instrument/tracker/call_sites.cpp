#include "instrument/tracker/call_sites.h"

#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"
#include "instrument/tracker/counter_rows.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kFirstSlots = 1u << 14;
constexpr uint64_t kLeastSlots = 1u << 9;
constexpr uint64_t kPart = 4;    // of what the tracker may take a first table takes one part at most
constexpr uint32_t kLast = 256;  // sites without a stack

}  // namespace

CallSites::Table* CallSites::make_table(uint64_t slots) {
  Table* table = static_cast<Table*>(map_pages(kPage + slots * sizeof(Slot)));
  if (table != nullptr) table->mask = slots - 1;
  return table;
}

bool CallSites::start(uint32_t most) {
  most_ = most < kMaxSites ? most : kMaxSites;
  uint64_t slots = kFirstSlots;
  while (slots > kLeastSlots && !may_map(kPart * slots * sizeof(Slot))) slots /= 2;
  for (; table_ == nullptr && slots >= kLeastSlots; slots /= 2) table_ = make_table(slots);
  return table_ != nullptr;
}

// Of a table that grew the smaller ones before it stay, for whoever may be in them.
void CallSites::release() {
  if (table_ != nullptr) unmap_pages(table_, kPage + (table_->mask + 1) * sizeof(Slot));
  table_ = nullptr;
  count_ = 0;
}

void CallSites::clear() {
  if (table_ == nullptr) return;
  const uint64_t mask = table_->mask;
  wipe_pages(table_, kPage + (mask + 1) * sizeof(Slot));
  table_->mask = mask;
  count_ = 0;
}

SiteId CallSites::next_id() {
  if (count_ + kLast >= most_) return kNone;
  if (count_ * 2 > table_->mask && !grow()) return kNone;
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
  enter(table_, hash, id);
}

void CallSites::enter(Table* table, uint64_t hash, SiteId id) {
  uint64_t at = hash;
  while (table->slots()[at & table->mask].hash != 0) ++at;
  Slot& slot = table->slots()[at & table->mask];
  slot.id = id;
  store_release(slot.hash, hash);
}

// The old table stays mapped: a reader may still be in it. All old ones together are smaller than the new
// one.
bool CallSites::grow() {
  const uint64_t slots = (table_->mask + 1) * 2;
  Table* larger = may_map(kPage + slots * sizeof(Slot)) ? make_table(slots) : nullptr;
  if (larger == nullptr) return false;
  for (uint64_t i = 0; i <= table_->mask; ++i) {
    if (table_->slots()[i].hash != 0) enter(larger, table_->slots()[i].hash, table_->slots()[i].id);
  }
  store_release(table_, larger);
  return true;
}

}  // namespace leakhunt::tracker
