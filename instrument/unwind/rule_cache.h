// RuleCache: program counter -> packed rule, for the whole process. No reader and no writer waits, and a
// signal handler may come in between anything.
//
// An entry is one 64-bit word, so it is never seen half written, and a full bucket is overwritten without
// asking:
//
//   key    := pc * 2 + (1 if a signal struck there)           48 bits
//   mixed  := key * an odd number, modulo 2^48                 can be undone: no two keys mix to the same
//   bucket := the highest bits of mixed                        8 words, one cache line
//   word   := the low 39 bits of mixed | packed rule: 25 bits  0 when empty
//
// With 2^9 buckets or more, bucket and word together hold all of mixed: a hit is the key itself, not a
// likeness.
//
// Validity: rules belong to loaded code. An entry outlives a dlclose, and would be wrong if another library
// came to lie there with a return address in the same place. So forget() empties the table; it is for the
// hooks of dlclose. Unloading that no hook sees (iconv's and NSS's modules) is noticed at the new library's
// first address that is not in the table: its object is compared with the one known to have been there
// (objects_).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/unwind/rule.h"

namespace leakhunt::tracker {

class RuleCache {
 public:
  // The rule, or 0 when it is not there.
  PackedRule find(uintptr_t pc, bool interrupted = false) const {
    const uint64_t mixed = mix(pc, interrupted);
    const Table* table = load_acquire(table_);
    if (unlikely(table == nullptr)) return 0;
    const uint64_t* bucket = table->bucket(mixed);
    const uint64_t word = load_relaxed(bucket[0]);
    if (likely(is_of(word, mixed))) return rule_in(word);
    return find_further(bucket, mixed);
  }

  // Derives the rule and enters it. kNone when there is none: that is not kept, since a library may come to
  // lie there.
  __attribute__((noinline)) PackedRule learn(uintptr_t pc, bool interrupted, Rule* wide);

  // Of a packed rule of kind kWide.
  const Rule& wide(PackedRule rule) const { return load_acquire(wide_rules_)[payload_of(rule)].rule; }

  void forget();

  // In a forked child: nobody is left who could be holding the lock. The tables lie on lasting pages.
  void unlock_in_child() { objects_lock_ = SpinLock(); }

  // Changes at every forget().
  uint32_t generation() const { return load_acquire(generation_); }

 private:
  static constexpr unsigned kWays = 8;
  static constexpr unsigned kMixedBits = 48;
  static constexpr unsigned kTagBits = 64 - kRuleBits;
  static constexpr unsigned kFirstBucketBits = 9;  // 32 KiB; four times as much when half full
  static constexpr unsigned kLastBucketBits = 15;  // 2 MiB
  static constexpr uint32_t kMaxWide = 1u << 12;
  static constexpr uint32_t kMaxObjects = 4096;
  static_assert(kFirstBucketBits + kTagBits >= kMixedBits);

  struct alignas(64) Table {
    unsigned bucket_bits;
    uint32_t used;
    size_t bytes() const { return sizeof(Table) + (sizeof(uint64_t) * kWays << bucket_bits); }
    uint64_t* words() { return reinterpret_cast<uint64_t*>(this + 1); }
    uint64_t* bucket(uint64_t mixed) { return words() + (mixed >> (kMixedBits - bucket_bits)) * kWays; }
    const uint64_t* bucket(uint64_t mixed) const { return const_cast<Table*>(this)->bucket(mixed); }
  };
  struct WideRule {
    Rule rule;
    uint32_t ready;  // written last
  };
  struct Object {
    uintptr_t begin;
    uintptr_t end;
    uint64_t fingerprint;
  };

  // The golden ratio of 2^47: neighbouring addresses, two keys apart, come to lie far from each other.
  static uint64_t mix(uintptr_t pc, bool interrupted) {
    return ((pc << 1 | uint64_t{interrupted}) * 0x4F1BBCDCBFA5u) & ((uint64_t{1} << kMixedBits) - 1);
  }
  // An empty word may pass for one with rule 0, which means the same.
  static bool is_of(uint64_t word, uint64_t mixed) { return ((word ^ mixed << kRuleBits) >> kRuleBits) == 0; }
  static PackedRule rule_in(uint64_t word) { return static_cast<PackedRule>(word & ((1u << kRuleBits) - 1)); }
  static PackedRule find_further(const uint64_t* bucket, uint64_t mixed);

  static Table* make_table(unsigned bucket_bits);
  static bool insert(Table* table, uint64_t mixed, PackedRule rule);
  Table* table_with_room();
  Table* publish_grown(Table* old);
  bool know_object(const UnwindObject& object);
  WideRule* wide_rules();
  PackedRule keep_wide(const Rule& rule);

  Table* table_ = nullptr;
  WideRule* wide_rules_ = nullptr;
  uint32_t wide_used_ = 0;
  uint32_t generation_ = 0;
  SpinLock objects_lock_;  // only ever tried, never waited for
  Object* objects_ = nullptr;
  uint32_t object_count_ = 0;
};

}  // namespace leakhunt::tracker
