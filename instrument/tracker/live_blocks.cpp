#include "instrument/tracker/live_blocks.h"

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kFirstBuckets = 1u << 10;  // 8,192 blocks
constexpr uintptr_t kBeingWritten = 1;

// glibc's smallest chunk is 32 bytes: 256 bytes of the address space hold at most the 8 blocks of a bucket.
uint64_t by_address(uintptr_t address) {
  const uint64_t line = address >> 8;
  return line ^ (line >> 20) * 0x9E3779B1u;
}

uint64_t by_hash(uintptr_t address) {
  const uint64_t hash = (address >> 4) * 0x9E3779B97F4A7C15ull;
  return hash >> 24;
}

}  // namespace

bool LiveBlocks::start() {
  return add_level(0);
}

bool LiveBlocks::insert(uintptr_t address, LiveBlock block) {
  for (;;) {
    const uint32_t count = load_acquire(level_count_);
    const Level& newest = levels_[count - 1];
    if (likely(insert_into(newest.buckets[by_address(address) & newest.mask], address, block))) return true;
    if (insert_into(newest.buckets[by_hash(address) & newest.mask], address, block)) return true;
    if (!add_level(count)) return false;
  }
}

bool LiveBlocks::take(uintptr_t address, LiveBlock* block) {
  for (uint32_t level = load_acquire(level_count_); level-- > 0;) {
    const Level& at = levels_[level];
    if (take_from(at.buckets[by_address(address) & at.mask], address, block)) return true;
    if (take_from(at.buckets[by_hash(address) & at.mask], address, block)) return true;
  }
  return false;
}

bool LiveBlocks::insert_into(Bucket& bucket, uintptr_t address, LiveBlock block) {
  for (size_t i = 0; i < kSlots; ++i) {
    if (load_relaxed(bucket.keys[i]) != 0) continue;
    if (!compare_exchange(bucket.keys[i], uintptr_t{0}, kBeingWritten)) continue;
    bucket.values[i] = block;
    store_release(bucket.keys[i], address);
    return true;
  }
  return false;
}

bool LiveBlocks::take_from(Bucket& bucket, uintptr_t address, LiveBlock* block) {
  for (size_t i = 0; i < kSlots; ++i) {
    if (load_acquire(bucket.keys[i]) != address) continue;
    *block = bucket.values[i];
    store_release(bucket.keys[i], uintptr_t{0});
    return true;
  }
  return false;
}

bool LiveBlocks::add_level(uint32_t expected_count) {
  const SpinGuard guard(growing_);
  if (level_count_ != expected_count) return true;  // somebody else did
  if (level_count_ == kMaxLevels) return false;
  const uint64_t buckets = kFirstBuckets << level_count_;
  Bucket* memory = static_cast<Bucket*>(map_pages(buckets * sizeof(Bucket)));
  if (memory == nullptr) return false;
  levels_[level_count_] = {memory, buckets - 1};
  store_release(level_count_, level_count_ + 1);
  return true;
}

void LiveBlocks::for_each(Visit visit, void* context) const {
  const uint32_t count = load_acquire(level_count_);
  for (uint32_t level = 0; level < count; ++level) {
    for (uint64_t b = 0; b <= levels_[level].mask; ++b) {
      const Bucket& bucket = levels_[level].buckets[b];
      for (size_t i = 0; i < kSlots; ++i) {
        if (load_acquire(bucket.keys[i]) > kBeingWritten) visit(context, bucket.values[i]);
      }
    }
  }
}

}  // namespace leakhunt::tracker
