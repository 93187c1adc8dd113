#include "instrument/tracker/call_sites.h"

#include "instrument/os/pages.h"
#include "instrument/tracker/counter_rows.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kFirstSlots = 1u << 14;

// The finaliser of MurmurHash3, 64 bits: every bit of the input reaches every bit of the output.
uint64_t mix(uint64_t value) {
  value ^= value >> 33;
  value *= 0xFF51AFD7ED558CCDull;
  value ^= value >> 33;
  value *= 0xC4CEB9FE1A85EC53ull;
  return value ^ (value >> 33);
}

}  // namespace

uint64_t hash_stack(TagId tag, SiteKind kind, const uint64_t* frames, size_t count) {
  // Two independent chains, so that the multiplications of neighbouring frames overlap.
  uint64_t even = (static_cast<uint64_t>(tag) << 8 | static_cast<uint64_t>(kind)) + 0x9E3779B97F4A7C15ull;
  uint64_t odd = count;
  size_t i = 0;
  for (; i + 1 < count; i += 2) {
    even = (even ^ frames[i]) * 0x9FB21C651E98DF25ull;
    even ^= even >> 32;
    odd = (odd ^ frames[i + 1]) * 0xD6E8FEB86659FD93ull;
    odd ^= odd >> 32;
  }
  if (i < count) even = (even ^ frames[i]) * 0x9FB21C651E98DF25ull;
  const uint64_t hash = mix(even ^ mix(odd));
  return hash != 0 ? hash : 1;
}

CallSites::Table* CallSites::make_table(uint64_t slots) {
  Table* table = static_cast<Table*>(map_pages(kPage + slots * sizeof(Slot)));
  if (table != nullptr) table->mask = slots - 1;
  return table;
}

bool CallSites::start() {
  table_ = make_table(kFirstSlots);
  return table_ != nullptr;
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
