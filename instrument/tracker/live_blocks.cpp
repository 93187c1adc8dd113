#include "instrument/tracker/live_blocks.h"

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kFirstBuckets = 1u << 10;  // 8,192 blocks

}  // namespace

class LiveBlocks::Probe {
 public:
  Probe(const Level& level, uintptr_t address) : mask_(level.mask), at_(by_address(address) & mask_) {
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
  return add_level(0);
}

// Past full buckets. Every so often it asks whether the level is full as a whole, and then adds one.
bool LiveBlocks::insert_far(uint32_t level, uintptr_t address, LiveBlock block) {
  constexpr uint64_t kTriesBetweenLooks = 8;
  const Level& at = levels_[level];
  Probe probe(at, address);
  for (;;) {
    if (insert_into(at.buckets[probe.at()], address, block)) return true;
    if (probe.tried() % kTriesBetweenLooks == kTriesBetweenLooks - 1 && is_crowded(at, address)) break;
    go_past(at.passed[probe.at()]);
    if (!probe.advance()) break;
  }
  for (Probe back(at, address); back.at() != probe.at() || back.tried() != probe.tried(); back.advance()) {
    came_back(at.passed[back.at()]);
  }
  return add_level(level + 1) && insert(address, block);
}

bool LiveBlocks::take_far(uintptr_t address, LiveBlock* block) {
  for (uint32_t level = load_acquire(level_count_); level-- > 0;) {
    if (likely(take_from_level(levels_[level], address, block))) return true;
  }
  return false;
}

bool LiveBlocks::take_from_level(const Level& level, uintptr_t address, LiveBlock* block) {
  const uint64_t near = by_address(address) & level.mask;
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

// A sample of 64 buckets that is the same for no two addresses: three fifths of their slots in use.
bool LiveBlocks::is_crowded(const Level& level, uintptr_t seed) {
  constexpr size_t kSample = 64;
  size_t used = 0;
  uint64_t at = seed;
  for (size_t i = 0; i < kSample; ++i) {
    at = at * 6364136223846793005ull + 1442695040888963407ull;
    const Bucket& bucket = level.buckets[(at >> 33) & level.mask];
    for (size_t slot = 0; slot < kSlots; ++slot) used += load_relaxed(bucket.keys[slot]) != 0 ? 1 : 0;
  }
  return used * 5 >= kSample * kSlots * 3;
}

bool LiveBlocks::add_level(uint32_t expected_count) {
  const SpinGuard guard(growing_);
  if (level_count_ != expected_count) return true;  // somebody else did
  if (level_count_ == kMaxLevels) return false;
  const uint64_t buckets = kFirstBuckets << level_count_;
  Bucket* memory = static_cast<Bucket*>(map_pages(buckets * (sizeof(Bucket) + 1)));
  if (memory == nullptr) return false;
  levels_[level_count_] = {memory, reinterpret_cast<uint8_t*>(memory + buckets), buckets - 1};
  store_release(level_count_, level_count_ + 1);
  return true;
}

void LiveBlocks::for_each(Visit visit, void* context) const {
  const uint32_t count = load_acquire(level_count_);
  for (uint32_t level = 0; level < count; ++level) {
    for (uint64_t b = 0; b <= levels_[level].mask; ++b) {
      const Bucket& bucket = levels_[level].buckets[b];
      for (size_t i = 0; i < kSlots; ++i) {
        if (load_acquire(bucket.keys[i]) > kBeingWritten) visit(context, bucket.values[i].get());
      }
    }
  }
}

}  // namespace leakhunt::tracker
