#include "instrument/heap_graph/marks.h"

#include "instrument/heap_graph/scratch.h"
#include "instrument/os/atomics.h"
#include "instrument/os/heap_sort.h"

namespace leakhunt::tracker {

namespace {

constexpr uint32_t kSmallHeap = 1 << 15;  // blocks; below it all pointers are kept
constexpr size_t kMostEdges = 1 << 18;
constexpr uint32_t kMostSampledOfSite = 256;
constexpr uint32_t kFewSampledOfSite = 8;
constexpr uint32_t kMostSampled = 1 << 15;

constexpr uintptr_t kLeftBelow = 8 << 10;  // bytes: a call of malloc's, with the tracker's own frames

constexpr unsigned kAddressBits = 48;
constexpr unsigned kRootBits = 3;

bool bit(const uint64_t* bits, uint32_t at) {
  return (bits[at / 64] >> (at % 64) & 1) != 0;
}

// The same blocks are chosen again in the next graph, and of twice as many half of them.
bool is_chosen(uintptr_t address, unsigned halvings) {
  const uint64_t hash = (address >> 4) * 0x9E3779B97F4A7C15ull >> 32;
  return (hash & ((uint64_t{1} << halvings) - 1)) == 0;
}

}  // namespace

bool EdgeList::start(size_t capacity) {
  edges_ = map_scratch<SeenEdge>(capacity);
  capacity_ = edges_ != nullptr ? capacity : 0;
  return edges_ != nullptr;
}

bool Marks::start(const ScanInput& input, BlockIndex& blocks, AddressSpace& map) {
  input_ = &input;
  blocks_ = &blocks;
  map_ = &map;
  const uint64_t count = blocks.count();
  states_ = map_scratch<uint8_t>(count);
  children_ = map_scratch<uint32_t>(count);
  holders_ = map_scratch<uint32_t>(count);
  slots_ = map_scratch<uint64_t>(count);
  queue_ = map_scratch<uint32_t>(count);
  waiting_ = map_scratch<uint32_t>(count);
  keeps_all_ = count <= kSmallHeap;
  return states_ != nullptr && children_ != nullptr && holders_ != nullptr && slots_ != nullptr &&
         queue_ != nullptr && waiting_ != nullptr && sampled_edges_.start(kMostEdges) &&
         (!keeps_all_ || other_edges_.start(kMostEdges)) && sample();
}

bool Marks::is_growing(uint32_t site) const {
  return input_->growing_known && site < input_->site_count && bit(input_->growing, site);
}

// Of each growing site some of the younger blocks: those are still held now and may be lost in the next
// graph.
bool Marks::sample() {
  const uint32_t site_count = input_->site_count;
  uint32_t* of_site = map_scratch<uint32_t>(site_count);
  if (of_site == nullptr) return false;
  const auto is_candidate = [&](const GraphBlock& block) {
    const bool wanted = !input_->growing_known || is_growing(block.site);
    return wanted && block.site < site_count && block.birth >= input_->sampled_from;
  };
  uint32_t sites = 0;
  for (uint32_t i = 0; i < blocks_->count(); ++i) {
    const GraphBlock& block = (*blocks_)[i];
    if (is_growing(block.site)) states_[i] |= kGrowing;
    if (is_candidate(block) && of_site[block.site]++ == 0) ++sites;
  }
  uint32_t most = sites == 0 ? 0 : kMostSampled / sites;
  if (most > kMostSampledOfSite) most = kMostSampledOfSite;
  if (most < kFewSampledOfSite) most = kFewSampledOfSite;
  for (uint32_t i = 0; i < blocks_->count(); ++i) {
    const GraphBlock& block = (*blocks_)[i];
    if (!is_candidate(block)) continue;
    unsigned halvings = 0;
    while (of_site[block.site] >> halvings > most) ++halvings;
    if (is_chosen(block.begin, halvings)) states_[i] |= kSampled;
  }
  return true;
}

// --- words

void Marks::scan_words(const Slot& slot, uintptr_t from, uintptr_t to) {
  map_->for_each_readable(from, to, [&](uintptr_t begin, uintptr_t end) {
    Slot at = slot;
    if (slot.holder == kNone) root_bytes_ += end - begin;
    begin = (begin + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    for (at.address = begin; at.address + sizeof(uintptr_t) <= end; at.address += sizeof(uintptr_t)) {
      see(at, *reinterpret_cast<const uintptr_t*>(at.address));
    }
  });
}

inline void Marks::see(const Slot& slot, uintptr_t word) {
  const uint32_t block = blocks_->find(word);
  if (likely(block == BlockIndex::kNone) || block == slot.holder) return;
  const uint64_t inside = word - (*blocks_)[block].begin;
  if (phase_ == Phase::kInHand) return mark(slot, block, false);  // its pointers are noted already
  if ((states_[block] & kSampled) != 0) {
    sampled_edges_.add({slot, block, inside});
  } else if (keeps_all_) {
    other_edges_.add({slot, block, inside});
  }
  if (slot.holder != kNone && (states_[block] & kGrowing) != 0) ++children_[slot.holder];
  mark(slot, block, inside == 0 || counts_as_beginning(block, inside));
}

// Two ways in which C++ keeps a block by a pointer behind its beginning, which memcheck knows as well: an
// array of objects with destructors, whose length stands in front; an object seen as its second base class,
// when both begin with a table of virtual functions.
bool Marks::counts_as_beginning(uint32_t block, uint64_t inside) const {
  const GraphBlock& at = (*blocks_)[block];
  if (at.size < 16 || inside % 8 != 0 ||
      (states_[block] & kReachBits) == static_cast<uint8_t>(Reach::kReachable))
    return false;
  const Area* area = map_->at(at.begin);
  if (area == nullptr || !area->readable || inside + 8 > at.size) return false;
  const uint64_t* words = reinterpret_cast<const uint64_t*>(at.begin);
  if (inside == 8 && words[0] != 0 && (at.size - 8) % words[0] == 0 && words[0] <= at.size - 8) return true;
  const auto is_table = [&](uint64_t word) {
    const Area* table = word % 8 == 0 ? map_->at(word) : nullptr;
    return table != nullptr && table->kind == Area::Kind::kFile && table->readable && !table->writable;
  };
  return is_table(words[0]) && is_table(words[inside / 8]);
}

// --- marking

inline void Marks::take(const Slot& slot, uint32_t block, Reach reach) {
  states_[block] = static_cast<uint8_t>((states_[block] & ~kReachBits) | static_cast<uint8_t>(reach));
  holders_[block] = slot.holder;
  slots_[block] = slot.address | static_cast<uint64_t>(slot.root) << kAddressBits |
                  static_cast<uint64_t>(slot.thread) << (kAddressBits + kRootBits);
}

void Marks::mark(const Slot& slot, uint32_t block, bool to_beginning) {
  const Reach now = reach(block);
  if (phase_ == Phase::kInHand) {
    if (now != Reach::kDefinite && now != Reach::kIndirect) return;
    take(slot, block, Reach::kPossible);
    waiting_[waiting_count_++] = block;
  } else if (phase_ == Phase::kLost) {
    if (block == leader_ || now != Reach::kDefinite) return;
    take(slot, block, Reach::kIndirect);  // also who was taken for a leader before
    if ((states_[block] & kScanned) == 0) queue_[queued_++] = block;
  } else if (phase_ == Phase::kReachable && to_beginning) {
    if (now == Reach::kReachable) return;
    take(slot, block, Reach::kReachable);
    queue_[queued_++] = block;
  } else if (now == Reach::kDefinite) {
    take(slot, block, Reach::kPossible);
    waiting_[waiting_count_++] = block;
  }
}

bool Marks::slot_of(uint32_t block, Slot* slot) const {
  if (reach(block) == Reach::kDefinite || (states_[block] & kMayBeInHand) != 0) return false;
  const uint64_t packed = slots_[block];
  *slot = {holders_[block], static_cast<RootKind>(packed >> kAddressBits & ((1u << kRootBits) - 1)),
           static_cast<uint32_t>(packed >> (kAddressBits + kRootBits)),
           static_cast<uintptr_t>(packed & ((uint64_t{1} << kAddressBits) - 1))};
  return true;
}

void Marks::scan_block(uint32_t block) {
  if ((states_[block] & kScanned) != 0) return;
  states_[block] |= kScanned;
  const GraphBlock& at = (*blocks_)[block];
  scan_words({block, RootKind::kData, 0, 0}, at.begin, at.begin + at.size);
}

void Marks::scan_queue() {
  while (scanned_ < queued_) scan_block(queue_[scanned_++]);
}

// --- phases

void Marks::scan_root(RootKind root, uint32_t thread, uintptr_t from, uintptr_t to) {
  scan_words({kNone, root, thread, 0}, from, to);
}

void Marks::see_root(RootKind root, uint32_t thread, uintptr_t address, uintptr_t word) {
  see({kNone, root, thread, address}, word);
}

// The pointer itself is noted when the memory that it lies in is scanned.
void Marks::see_handle(RootKind root, uint32_t thread, uintptr_t address, uintptr_t word) {
  const uint32_t block = blocks_->find(word);
  if (block != kNone) mark({kNone, root, thread, address}, block, true);
}

void Marks::scan_left_below(const ScannedThread& thread) {
  if (!thread.waits || thread.sp == 0 || thread.sp <= thread.stack_low) return;
  const uintptr_t deepest =
      thread.sp - thread.stack_low > kLeftBelow ? thread.sp - kLeftBelow : thread.stack_low;
  scan_words({kNone, RootKind::kStack, thread.number, 0}, deepest, thread.sp);
}

void Marks::finish() {
  scan_queue();
  for (uint32_t i = 0; i < blocks_->count(); ++i) {
    if (!(*blocks_)[i].is_mapping || (states_[i] & kScanned) != 0) continue;
    scan_block(i);
    scan_queue();
  }
  phase_ = Phase::kPossible;
  for (size_t i = 0; i < input_->thread_count; ++i) scan_left_below(input_->threads[i]);
  for (size_t i = 0; i < waiting_count_; ++i) scan_block(waiting_[i]);  // which may make it longer

  phase_ = Phase::kLost;
  queued_ = scanned_ = 0;
  for (uint32_t i = 0; i < blocks_->count(); ++i) {
    if (reach(i) != Reach::kDefinite || (states_[i] & kScanned) != 0) continue;
    leader_ = i;
    scan_block(i);
    scan_queue();
  }
  if (input_->words_in_hand != 0) spare_those_in_hand();
}

// Of n registers that nobody saw at most n blocks are held which are lost definitely otherwise: each can
// point to one only, and whatever that leads to is lost indirectly. So of every call site the youngest n are
// said to be lost possibly; if there are more of them, so many really are lost, whichever they are.
void Marks::spare_those_in_hand() {
  uint64_t* spared = map_scratch<uint64_t>(input_->site_count);
  uint32_t* leaders = queue_;
  size_t count = 0;
  for (uint32_t i = 0; i < blocks_->count(); ++i) {
    if (reach(i) == Reach::kDefinite) leaders[count++] = i;
  }
  heap_sort(leaders, count,
            [&](uint32_t a, uint32_t b) { return (*blocks_)[a].birth > (*blocks_)[b].birth; });
  phase_ = Phase::kInHand;
  waiting_count_ = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t site = (*blocks_)[leaders[i]].site;
    const bool is_known = spared != nullptr && site < input_->site_count;
    if (is_known && spared[site]++ >= input_->words_in_hand) continue;
    waiting_[waiting_count_++] = leaders[i];
    states_[leaders[i]] = static_cast<uint8_t>((states_[leaders[i]] & ~kReachBits) | kMayBeInHand |
                                               static_cast<uint8_t>(Reach::kPossible));
  }
  for (size_t i = 0; i < waiting_count_; ++i) {
    const GraphBlock& at = (*blocks_)[waiting_[i]];
    scan_words({waiting_[i], RootKind::kData, 0, 0}, at.begin, at.begin + at.size);
  }
}

}  // namespace leakhunt::tracker
