#include "instrument/tracker/call_sites.h"

#include "instrument/os/pages.h"
#include "instrument/tracker/counter_rows.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kFirstSlots = 1u << 14;

}  // namespace

CallSites::Table* CallSites::make_table(uint64_t slots) {
  Table* table = static_cast<Table*>(map_pages(kPage + slots * sizeof(Slot)));
  if (table != nullptr) table->mask = slots - 1;
  return table;
}

bool CallSites::start() {
  if (table_ == nullptr) table_ = make_table(kFirstSlots);
  return table_ != nullptr;
}

void CallSites::clear() {
  if (table_ == nullptr) return;
  const uint64_t mask = table_->mask;
  wipe_pages(table_, kPage + (mask + 1) * sizeof(Slot));
  table_->mask = mask;
  count_ = 0;
}

SiteId CallSites::next_id() {
  if (count_ == kMaxSites) return kNone;
  if (count_ * 2 > table_->mask && !grow()) return kNone;
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
  Table* larger = make_table((table_->mask + 1) * 2);
  if (larger == nullptr) return false;
  for (uint64_t i = 0; i <= table_->mask; ++i) {
    if (table_->slots()[i].hash != 0) enter(larger, table_->slots()[i].hash, table_->slots()[i].id);
  }
  store_release(table_, larger);
  return true;
}

}  // namespace leakhunt::tracker
