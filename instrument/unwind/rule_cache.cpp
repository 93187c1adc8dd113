#include "instrument/unwind/rule_cache.h"

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

// A bucket is searched from the way its key prefers, round to it again; where an empty word is met, the key
// is nowhere.
PackedRule RuleCache::find_further(const Table* table, uint64_t key) {
  const Place places[] = {near_place(key, table->bucket_bits), far_place(key, table->bucket_bits)};
  for (const Place& place : places) {
    const uint64_t* bucket = table->bucket(place);
    for (unsigned i = 0; i < kWays; ++i) {
      const uint64_t word = load_relaxed(bucket[(place.first_way + i) % kWays]);
      if (is_of(word, place)) return rule_in(word);
      if (word == 0) return 0;
    }
  }
  return 0;
}

namespace {

// Of an odd number, modulo 2^64: each step doubles the bits that are right (Newton).
constexpr uint64_t inverse_of(uint64_t odd) {
  uint64_t inverse = odd;
  for (int i = 0; i < 6; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

}  // namespace

uint64_t RuleCache::key_at(uint64_t bucket, uint64_t word, unsigned bucket_bits) {
  const uint64_t tag = word >> kRuleBits & low_bits(kTagBits);
  if (word >> (kRuleBits + kTagBits) != 0) {
    const uint64_t far = bucket << (kKeyBits - bucket_bits) | tag;
    return far * inverse_of(kFarFactor) & low_bits(kKeyBits);
  }
  const uint64_t near = bucket << (kNearBits - bucket_bits) | tag >> kLineBits;
  const uint64_t line = near * inverse_of(kNearFactor) & low_bits(kNearBits);
  return line << kLineBits | (tag & low_bits(kLineBits));
}

RuleCache::Table* RuleCache::make_table(unsigned bucket_bits) {
  Table sized{};
  sized.bucket_bits = bucket_bits;
  Table* table = static_cast<Table*>(map_lasting_pages(sized.bytes()));
  if (table == nullptr) return nullptr;
  if (bucket_bits == kLastBucketBits) use_huge_pages(table, sized.bytes());
  table->bucket_bits = bucket_bits;
  return table;
}

// True when an empty word was taken, false when another entry had to go (or it was there already).
bool RuleCache::insert(Table* table, uint64_t key, PackedRule rule) {
  const Place places[] = {near_place(key, table->bucket_bits), far_place(key, table->bucket_bits)};
  for (const Place& place : places) {
    const uint64_t word = place.tag << kRuleBits | rule;
    uint64_t* bucket = table->bucket(place);
    for (unsigned i = 0; i < kWays; ++i) {
      uint64_t& way = bucket[(place.first_way + i) % kWays];
      const uint64_t there = load_relaxed(way);
      if (there == word) return false;
      if (there == 0 && compare_exchange(way, uint64_t{0}, word)) return true;
    }
  }
  const Place& far = places[1];
  store_relaxed(table->bucket(far)[far.first_way], far.tag << kRuleBits | rule);
  return false;
}

// A bigger table with the same entries. The old one stays mapped, since readers may be in it; all old ones
// together are smaller than the new one.
RuleCache::Table* RuleCache::publish_grown(Table* old) {
  const uint32_t generation = this->generation();
  const unsigned larger = old == nullptr ? kFirstBucketBits : old->bucket_bits + 2;
  Table* table = make_table(larger < kLastBucketBits ? larger : kLastBucketBits);
  if (table == nullptr) return old;
  for (uint64_t at = 0; old != nullptr && at < uint64_t{kWays} << old->bucket_bits; ++at) {
    const uint64_t word = load_relaxed(old->words()[at]);
    if (word == 0) continue;
    if (insert(table, key_at(at / kWays, word, old->bucket_bits), rule_in(word))) ++table->used;
  }
  if (!compare_exchange(table_, old, table)) {  // another thread was first
    unmap_pages(table, table->bytes());
    return load_acquire(table_);
  }
  // A forget() in between has emptied the old table; the copy must not bring its entries back.
  if (this->generation() != generation) forget();
  return table;
}

RuleCache::Table* RuleCache::table_with_room() {
  Table* table = load_acquire(table_);
  if (table == nullptr) return publish_grown(nullptr);
  const bool half_full = load_relaxed(table->used) >= kWays << table->bucket_bits >> 1;
  return half_full && table->bucket_bits < kLastBucketBits ? publish_grown(table) : table;
}

// Whether rules of this object may be entered. Another object in the same place means that one was unloaded
// unseen.
bool RuleCache::know_object(const UnwindObject& object) {
  for (uint32_t i = 0; i < load_acquire(object_count_); ++i) {
    if (objects_[i].fingerprint == object.fingerprint) return true;
  }
  if (!objects_lock_.try_lock()) return false;  // held by another thread, or by what this signal interrupted
  if (objects_ == nullptr) objects_ = static_cast<Object*>(map_lasting_pages(kMaxObjects * sizeof(Object)));
  bool stale = object_count_ == kMaxObjects;
  for (uint32_t i = 0; i < object_count_; ++i) {
    stale = stale || (object.begin < objects_[i].end && objects_[i].begin < object.end);
  }
  if (stale) {
    store_release(object_count_, 0u);
    forget();
  }
  const bool known = objects_ != nullptr;
  if (known) {
    objects_[object_count_] = {object.begin, object.end, object.fingerprint};
    store_release(object_count_, object_count_ + 1);
  }
  objects_lock_.unlock();
  return known;
}

namespace {

bool is_same(const Rule& a, const Rule& b) {
  return a.cfa == b.cfa && a.saved_bp == b.saved_bp && a.cfa_offset == b.cfa_offset &&
         a.cfa_added == b.cfa_added && a.bp_offset == b.bp_offset;
}

}  // namespace

RuleCache::WideRule* RuleCache::wide_rules() {
  WideRule* rules = load_acquire(wide_rules_);
  if (rules != nullptr) return rules;
  rules = static_cast<WideRule*>(map_lasting_pages(kMaxWide * sizeof(WideRule)));
  if (rules == nullptr) return nullptr;
  if (compare_exchange(wide_rules_, static_cast<WideRule*>(nullptr), rules)) return rules;
  unmap_pages(rules, kMaxWide * sizeof(WideRule));
  return load_acquire(wide_rules_);
}

// Each shape once, and never taken back: what a reader holds stays what it was. There are some dozens in a
// process (functions that align their stack, frames above 256 KiB); where there is no more room they are
// derived each time.
PackedRule RuleCache::keep_wide(const Rule& rule) {
  WideRule* rules = wide_rules();
  if (rules == nullptr) return 0;
  for (uint32_t i = 0; i < load_relaxed(wide_used_) && i < kMaxWide; ++i) {
    if (load_acquire(rules[i].ready) != 0 && is_same(rules[i].rule, rule)) return pack(RuleKind::kWide, i);
  }
  if (load_relaxed(wide_used_) >= kMaxWide) return 0;
  const uint32_t number = __atomic_fetch_add(&wide_used_, 1u, __ATOMIC_RELAXED);
  if (number >= kMaxWide) return 0;
  rules[number].rule = rule;
  store_release(rules[number].ready, 1u);
  return pack(RuleKind::kWide, number);
}

PackedRule RuleCache::learn(uintptr_t pc, bool interrupted, Rule* wide) {
  UnwindObject object;
  if (!derive_rule(pc, interrupted, &object, wide)) return 0;
  const PackedRule narrow = pack(*wide);
  if (narrow == 0) wide->kind = RuleKind::kWide;
  const PackedRule seen = pack(RuleKind::kWide, 0);  // what to follow `wide` for, entered or not
  if (!know_object(object)) return narrow != 0 ? narrow : seen;
  const PackedRule rule = narrow != 0 ? narrow : keep_wide(*wide);
  Table* table = rule != 0 ? table_with_room() : nullptr;
  if (table != nullptr && insert(table, key_of(pc, interrupted), rule)) {
    __atomic_fetch_add(&table->used, 1u, __ATOMIC_RELAXED);
  }
  return narrow != 0 ? narrow : seen;
}

void RuleCache::forget() {
  __atomic_fetch_add(&generation_, 1u, __ATOMIC_SEQ_CST);
  Table* table = load_acquire(table_);
  if (table == nullptr) return;
  for (uint64_t at = 0; at < uint64_t{kWays} << table->bucket_bits; ++at)
    store_relaxed(table->words()[at], uint64_t{0});
  store_relaxed(table->used, 0u);
}

}  // namespace leakhunt::tracker
