#include "instrument/tracker/live_blocks.h"

#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

// 2 MiB of address space for heaps of up to 4 MiB, touched only as far as they reach.
constexpr unsigned kFirstBits = 15;
constexpr unsigned kLeastBits = 8;  // 16 kB, where memory is short

// Of a level's buckets and their counts.
constexpr size_t bytes_of(uint64_t buckets) {
  return buckets * (64 + 1);
}

}  // namespace

class LiveBlocks::Probe {
 public:
  Probe(const Level& level, uintptr_t address) : mask_(level.mask), at_(level.near(address)) {
    uint64_t hash = (address >> 4) * 0x9E3779B97F4A7C15ull;
    hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93ull;
    next_ = hash >> 32;
    step_ = hash | 1;  // odd: every bucket is reached
  }
  uint64_t at() const { return at_; }
  uint64_t tried() const { return tried_; }
  bool advance() {
    at_ = next_ & mask_;
    next_ += step_;
    return tried_++ <= mask_;
  }

 private:
  uint64_t mask_;
  uint64_t at_;
  uint64_t next_;
  uint64_t step_;
  uint64_t tried_ = 0;
};

bool LiveBlocks::start() {
  return level_count_ != 0 || add_level(0);
}

// The levels stay, as address space: whoever needed them may need them again.
void LiveBlocks::clear() {
  for (uint32_t level = 0; level < level_count_; ++level) {
    wipe_pages(levels_[level].buckets, bytes_of(levels_[level].mask + 1));
  }
  odd_.clear();
}

void LiveBlocks::release() {
  for (uint32_t level = 0; level < level_count_; ++level)
    unmap_pages(levels_[level].buckets, bytes_of(levels_[level].mask + 1));
  level_count_ = 0;
  odd_.clear();
}

// Past full buckets. Every so often it asks whether the level is full as a whole: then there has to be
// another, and nothing was entered.
bool LiveBlocks::insert_into_level(const Level& level, uintptr_t address, LiveBlock block) {
  constexpr uint64_t kTriesBetweenLooks = 8;
  Probe probe(level, address);
  for (;;) {
    if (insert_into(level.buckets[probe.at()], address, block)) return true;
    if (probe.tried() % kTriesBetweenLooks == kTriesBetweenLooks - 1 && is_crowded(level, address)) break;
    go_past(level.passed[probe.at()]);
    if (!probe.advance()) break;
  }
  for (Probe back(level, address); back.at() != probe.at() || back.tried() != probe.tried(); back.advance()) {
    came_back(level.passed[back.at()]);
  }
  return false;
}

bool LiveBlocks::insert_far(uint32_t level, uintptr_t address, LiveBlock block) {
  if (insert_into_level(levels_[level], address, block)) return true;
  return add_level(level + 1) && insert(address, block);
}

bool LiveBlocks::take_far(uintptr_t address, LiveBlock* block) {
  for (uint32_t level = load_acquire(level_count_); level-- > 0;) {
    if (likely(take_from_level(levels_[level], address, block))) return true;
  }
  return odd_.take(address, block);
}

bool LiveBlocks::take_from_level(const Level& level, uintptr_t address, LiveBlock* block) {
  const uint64_t near = level.near(address);
  if (likely(take_from(level.buckets[near], address, block))) return true;
  if (load_relaxed(level.passed[near]) == 0) return false;
  Probe probe(level, address);
  while (load_relaxed(level.passed[probe.at()]) != 0) {
    if (!probe.advance()) return false;
    if (!take_from(level.buckets[probe.at()], address, block)) continue;
    for (Probe back(level, address); back.tried() != probe.tried(); back.advance()) {
      came_back(level.passed[back.at()]);
    }
    return true;
  }
  return false;
}

void LiveBlocks::go_past(uint8_t& passed) {
  uint8_t seen = load_relaxed(passed);
  while (seen != kManyPassed && !__atomic_compare_exchange_n(&passed, &seen, static_cast<uint8_t>(seen + 1),
                                                             true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
}

void LiveBlocks::came_back(uint8_t& passed) {
  uint8_t seen = load_relaxed(passed);
  while (seen != kManyPassed && !__atomic_compare_exchange_n(&passed, &seen, static_cast<uint8_t>(seen - 1),
                                                             true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
}

// A sample of 64 buckets that is the same for no two addresses: seven tenths of their slots in use.
bool LiveBlocks::is_crowded(const Level& level, uintptr_t seed) {
  constexpr size_t kSample = 64;
  size_t used = 0;
  uint64_t at = seed;
  for (size_t i = 0; i < kSample; ++i) {
    at = at * 6364136223846793005ull + 1442695040888963407ull;
    const Bucket& bucket = level.buckets[(at >> 33) & level.mask];
    for (const Slot& slot : bucket.slots) used += load_relaxed(slot.head) != 0 ? 1 : 0;
  }
  return used * 10 >= kSample * kSlots * 7;
}

bool LiveBlocks::make_level(unsigned bits, Level* level) const {
  const uint64_t buckets = uint64_t{1} << bits;
  const bool is_least = level_count_ == 0 && bits == kLeastBits;  // with less there is nothing to begin with
  if (!is_least && !may_map(bytes_of(buckets))) return false;
  Bucket* memory = static_cast<Bucket*>(map_pages(bytes_of(buckets)));
  if (memory == nullptr) return false;
  if (bits > kFirstBits) use_huge_pages(memory, bytes_of(buckets));
  *level = {memory, reinterpret_cast<uint8_t*>(memory + buckets), buckets - 1, bits};
  return true;
}

bool LiveBlocks::add_level(uint32_t expected_count) {
  const SpinGuard guard(growing_);
  if (level_count_ != expected_count) return true;  // somebody else did
  if (level_count_ == kMaxLevels) return false;
  unsigned bits = level_count_ == 0 ? kFirstBits : levels_[level_count_ - 1].bits + 1;
  while (!make_level(bits, &levels_[level_count_])) {
    if (level_count_ != 0 || bits == kLeastBits) return false;
    --bits;
  }
  store_release(level_count_, level_count_ + 1);
  if (level_count_ > 1 && single_threaded()) merge_levels();
  return true;
}

unsigned LiveBlocks::smaller_bits() const {
  const unsigned bits = levels_[level_count_ - 1].bits;
  if (level_count_ == 1 && bits == kLeastBits) return 0;
  return bits >= kLeastBits + 2 ? bits - 2 : kLeastBits;
}

bool LiveBlocks::move_into(unsigned bits) {
  const SpinGuard guard(growing_);
  if (level_count_ == kMaxLevels) return false;
  Bucket* memory = static_cast<Bucket*>(map_pages(bytes_of(uint64_t{1} << bits)));
  if (memory == nullptr) return false;
  const uint64_t buckets = uint64_t{1} << bits;
  levels_[level_count_] = {memory, reinterpret_cast<uint8_t*>(memory + buckets), buckets - 1, bits};
  store_release(level_count_, level_count_ + 1);
  merge_levels();
  return true;
}

// Nobody else can be reading: all that older levels hold moves to the newest, which is larger than they are
// together, and they are given back.
void LiveBlocks::merge_levels() {
  const Level newest = levels_[level_count_ - 1];
  const uint32_t older = level_count_ - 1;
  constexpr uint64_t kAhead = 8;  // buckets; the places their blocks go to lie all over the new level
  for (uint32_t level = 0; level < older; ++level) {
    for (uint64_t b = 0; b <= levels_[level].mask; ++b) {
      for (const Slot& slot : levels_[level].buckets[(b + kAhead) & levels_[level].mask].slots)
        __builtin_prefetch(&newest.buckets[newest.near(slot.address())], 1);
      for (const Slot& slot : levels_[level].buckets[b].slots) {
        if (slot.head == 0) continue;
        const LiveBlock block = slot.get();
        if (!insert_into_level(newest, slot.address(), block)) odd_.insert(slot.address(), block);
      }
    }
    unmap_pages(levels_[level].buckets, bytes_of(levels_[level].mask + 1));
  }
  levels_[0] = newest;
  level_count_ = 1;
}

void LiveBlocks::for_each(Visit visit, void* context) const {
  const uint32_t count = load_acquire(level_count_);
  for (uint32_t level = 0; level < count; ++level) {
    for (uint64_t b = 0; b <= levels_[level].mask; ++b) {
      for (const Slot& slot : levels_[level].buckets[b].slots) {
        if (load_acquire(slot.head) > kBeingWritten) visit(context, slot.address(), slot.get());
      }
    }
  }
  odd_.for_each(visit, context);
}

}  // namespace leakhunt::tracker
