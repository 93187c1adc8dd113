// RuleCache: program counter -> packed rule, for the whole process. No reader and no writer waits, and a
// signal handler may come in between anything.
//
// An entry is one 64-bit word, so it is never seen half written, and a full bucket is overwritten without
// asking. Return addresses that lie together are used together, so they share a cache line: the first bucket
// of a program counter is that of its 64 bytes of code, and only where that one is full it is another,
// anywhere:
//
//   key     := pc * 2 + (1 if a signal struck there)                     48 bits
//   near    := (pc / 64) * an odd number, modulo 2^41                    can be undone: no two are the same
//   far     := key * an odd number, modulo 2^48                          so can this
//   bucket  := the highest bits of near, or of far                       8 words, one cache line
//   word    := 0 | low 31 bits of near | low 7 bits of key | packed rule: 25 bits
//           or 1 | low 38 bits of far                      | packed rule          0 when empty
//
// With 2^10 buckets or more, bucket and word together hold all of the key: a hit is the key itself, not a
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
    const Table* table = load_acquire(table_);
    if (unlikely(table == nullptr)) return 0;
    const uint64_t key = key_of(pc, interrupted);
    const Place place = near_place(key, table->bucket_bits);
    const uint64_t word = load_relaxed(table->bucket(place)[place.first_way]);
    if (likely(is_of(word, place))) return rule_in(word);
    return find_further(table, key);
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
  static constexpr unsigned kKeyBits = 48;
  static constexpr unsigned kLineBits = 7;  // of the key: which byte of its 64
  static constexpr unsigned kNearBits = kKeyBits - kLineBits;
  static constexpr unsigned kTagBits = 64 - kRuleBits - 1;
  static constexpr unsigned kFirstBucketBits = 10;  // 64 KiB; four times as much when half full
  static constexpr unsigned kLastBucketBits = 15;   // 2 MiB
  static constexpr uint32_t kMaxWide = 1u << 12;
  static constexpr uint32_t kMaxObjects = 4096;
  static_assert(kFirstBucketBits + kTagBits >= kKeyBits);

  // Where a key may be, and what its word says there above the rule.
  struct Place {
    uint64_t bucket;
    uint64_t tag;
    unsigned first_way;
  };
  struct alignas(64) Table {
    unsigned bucket_bits;
    uint32_t used;
    size_t bytes() const { return sizeof(Table) + (sizeof(uint64_t) * kWays << bucket_bits); }
    uint64_t* words() { return reinterpret_cast<uint64_t*>(this + 1); }
    uint64_t* bucket(const Place& place) { return words() + place.bucket * kWays; }
    const uint64_t* bucket(const Place& place) const { return const_cast<Table*>(this)->bucket(place); }
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

  static constexpr uint64_t low_bits(unsigned count) { return (uint64_t{1} << count) - 1; }
  static uint64_t key_of(uintptr_t pc, bool interrupted) { return pc << 1 | uint64_t{interrupted}; }

  // The golden ratio of 2^40: neighbouring lines of code come to lie far from each other.
  static constexpr uint64_t kNearFactor = 0x9E3779B97Fu;
  static Place near_place(uint64_t key, unsigned bucket_bits) {
    const uint64_t near = (key >> kLineBits) * kNearFactor & low_bits(kNearBits);
    const uint64_t tag = (near & low_bits(kTagBits - kLineBits)) << kLineBits | (key & low_bits(kLineBits));
    return {near >> (kNearBits - bucket_bits), tag, static_cast<unsigned>(key >> 1 ^ key >> 4) % kWays};
  }
  static constexpr uint64_t kFarFactor = 0x4F1BBCDCBFA5u;  // of 2^47
  static Place far_place(uint64_t key, unsigned bucket_bits) {
    const uint64_t far = key * kFarFactor & low_bits(kKeyBits);
    return {far >> (kKeyBits - bucket_bits), uint64_t{1} << kTagBits | (far & low_bits(kTagBits)),
            static_cast<unsigned>(far % kWays)};
  }
  static uint64_t key_at(uint64_t bucket, uint64_t word, unsigned bucket_bits);

  // An empty word may pass for one with rule 0, which means the same.
  static bool is_of(uint64_t word, const Place& place) { return word >> kRuleBits == place.tag; }
  static PackedRule rule_in(uint64_t word) { return static_cast<PackedRule>(word & ((1u << kRuleBits) - 1)); }
  static PackedRule find_further(const Table* table, uint64_t key);

  static Table* make_table(unsigned bucket_bits);
  static bool insert(Table* table, uint64_t key, PackedRule rule);
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
