#include "instrument/heap_graph/block_index.h"

#include "instrument/heap_graph/scratch.h"
#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

namespace {

constexpr uintptr_t kFarApart = 1 << 20;
constexpr unsigned kDigitBits = 11;
constexpr size_t kDigits = size_t{1} << kDigitBits;
constexpr unsigned kAddressBits = 47;

}  // namespace

bool BlockIndex::build(const ScanInput& input) {
  uint64_t most = 0;
  input.for_each_block(
      input.tables, [](void* to, const GraphBlock&) { ++*static_cast<uint64_t*>(to); }, &most);
  most += input.thread_count;
  if (most >= kNone) return false;
  blocks_ = map_scratch<GraphBlock>(most);
  if (blocks_ == nullptr) return false;
  input.for_each_block(
      input.tables,
      [](void* to, const GraphBlock& block) {
        BlockIndex& self = *static_cast<BlockIndex*>(to);
        self.blocks_[self.count_++] = block;
      },
      this);
  for (size_t i = 0; i < input.thread_count; ++i) {
    if (input.threads[i].moved.begin != 0) blocks_[count_++] = input.threads[i].moved;
  }
  if (!sort()) return false;
  remove_containers();
  return make_stretches();
}

// By radix: eleven bits of the address a pass, passes whose bits are all the same left out.
bool BlockIndex::sort() {
  GraphBlock* other = map_scratch<GraphBlock>(count_);
  uint32_t* places = map_scratch<uint32_t>(kDigits);
  if (other == nullptr || places == nullptr) return false;
  for (unsigned shift = 0; shift < kAddressBits; shift += kDigitBits) {
    for (size_t digit = 0; digit < kDigits; ++digit) places[digit] = 0;
    const auto digit_of = [shift](const GraphBlock& block) { return block.begin >> shift & (kDigits - 1); };
    for (uint32_t i = 0; i < count_; ++i) ++places[digit_of(blocks_[i])];
    if (count_ == 0 || places[digit_of(blocks_[0])] == count_) continue;
    uint32_t place = 0;
    for (size_t digit = 0; digit < kDigits; ++digit) {
      const uint32_t here = places[digit];
      places[digit] = place;
      place += here;
    }
    for (uint32_t i = 0; i < count_; ++i) other[places[digit_of(blocks_[i])]++] = blocks_[i];
    GraphBlock* const sorted = other;
    other = blocks_;
    blocks_ = sorted;
  }
  unmap_scratch(other, count_);
  unmap_scratch(places, kDigits);
  return true;
}

// A mapping with blocks in it is an allocator's memory: the blocks are what counts. Of blocks that overlap
// otherwise (one was entered while the other was being removed) the first stays.
void BlockIndex::remove_containers() {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    const GraphBlock block = blocks_[i];
    while (kept > 0 && blocks_[kept - 1].is_mapping && !block.is_mapping && end_of(kept - 1) > block.begin)
      --kept;
    if (kept > 0 && end_of(kept - 1) > block.begin) continue;
    blocks_[kept++] = block;
  }
  count_ = kept;
}

bool BlockIndex::make_stretches() {
  if (count_ == 0) return true;
  stretch_count_ = 1;
  for (uint32_t i = 1; i < count_; ++i)
    stretch_count_ += blocks_[i].begin - end_of(i - 1) > kFarApart ? 1 : 0;
  stretches_ = map_scratch<Stretch>(stretch_count_);
  if (stretches_ == nullptr) return false;
  uint32_t stretch = 0;
  uint32_t first = 0;
  for (uint32_t i = 1; i <= count_; ++i) {
    if (i < count_ && blocks_[i].begin - end_of(i - 1) <= kFarApart) continue;
    stretches_[stretch] = {blocks_[first].begin, end_of(i - 1), first, i - first, nullptr, 0};
    if (!fill(stretches_[stretch++])) return false;
    first = i;
  }
  lowest_ = stretches_[0].begin;
  span_ = stretches_[stretch_count_ - 1].end - lowest_;
  return true;
}

bool BlockIndex::fill(Stretch& stretch) {
  const uintptr_t span = stretch.end - stretch.begin;
  stretch.shift = 6;
  while (span >> stretch.shift > uintptr_t{4} * stretch.count + 1) ++stretch.shift;
  const uintptr_t granules = (span >> stretch.shift) + 1;
  stretch.coarse = map_scratch<uint32_t>(granules);
  if (stretch.coarse == nullptr) return false;
  uint32_t block = stretch.first;
  for (uintptr_t granule = 0; granule < granules; ++granule) {
    const uintptr_t start = stretch.begin + (granule << stretch.shift);
    while (block + 1 < stretch.first + stretch.count && end_of(block) <= start) ++block;
    stretch.coarse[granule] = block;
  }
  return true;
}

uint32_t BlockIndex::find_near(uintptr_t address) {
  const Stretch* stretch = &stretches_[last_];
  if (unlikely(address - stretch->begin >= stretch->end - stretch->begin)) {
    uint32_t low = 0;
    uint32_t high = stretch_count_;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (stretches_[middle].end <= address) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == stretch_count_ || stretches_[low].begin > address) return kNone;
    last_ = low;
    stretch = &stretches_[low];
  }
  const uintptr_t granule = (address - stretch->begin) >> stretch->shift;
  uint32_t block = stretch->coarse[granule];
  // Many small blocks may share a granule with a large one: then by halves.
  uint32_t beyond = stretch->first + stretch->count;
  if (granule < (stretch->end - stretch->begin) >> stretch->shift) beyond = stretch->coarse[granule + 1] + 1;
  while (beyond - block > 8) {
    const uint32_t middle = block + (beyond - block) / 2;
    if (end_of(middle) <= address) {
      block = middle + 1;
    } else {
      beyond = middle + 1;
    }
  }
  while (block < beyond && end_of(block) <= address) ++block;
  return block < beyond && blocks_[block].begin <= address ? block : kNone;
}

uint32_t BlockIndex::first_behind(uintptr_t address) const {
  uint32_t low = 0;
  uint32_t high = count_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (end_of(middle) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace leakhunt::tracker
