// Marks: the scan. Which blocks are held, by which way, and how those are lost that are not.
//
// Conservative: every aligned word is taken for a pointer if it is an address inside a block. The phases, in
// this order (the words are memcheck's):
//   from roots       what a chain of pointers to the beginning of blocks leads to is reachable; by breadth,
//                    so that the way that is kept for each block is the shortest
//   from mappings    what mmap gave is scanned even where nothing points to it: its address may be kept by
//                    the kernel, or in a form that no scan can read
//   possible         what is behind a pointer into the middle of a block; and what a thread that waits in a
//                    system call left below its stack pointer: its registers are there, if they were ever
//                    saved, and the kernel does not tell them
//   lost             the rest: who is pointed to by another lost block is lost indirectly
//   in hand          of those, as many as may be in registers that nobody saw are lost possibly
//
// While it scans it notes all pointers to sampled blocks; of a small heap, to all.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/heap_graph/address_space.h"
#include "instrument/heap_graph/block_index.h"
#include "instrument/heap_graph/scan_input.h"
#include "lib/recording/graph_codec.h"

namespace leakhunt::tracker {

using recording::Reach;
using recording::RootKind;

// Where a pointer lies: in a block, or at a root.
struct Slot {
  uint32_t holder;  // block, or recording::kNoNode: a root
  RootKind root;
  uint32_t thread;
  uintptr_t address;  // of a register its number
};

struct SeenEdge {
  Slot slot;
  uint32_t to;
  uint64_t inside;
};

class EdgeList {
 public:
  bool start(size_t capacity);
  void add(const SeenEdge& edge) {
    if (count_ < capacity_) {
      edges_[count_++] = edge;
    } else {
      ++left_out_;
    }
  }
  const SeenEdge* begin() const { return edges_; }
  const SeenEdge* end() const { return edges_ + count_; }
  size_t left_out() const { return left_out_; }

 private:
  SeenEdge* edges_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
  size_t left_out_ = 0;
};

class Marks {
 public:
  static constexpr uint32_t kNone = recording::kNoNode;

  // False when memory is short. All of them outlive the marks.
  bool start(const ScanInput& input, BlockIndex& blocks, AddressSpace& map);

  // Memory outside of blocks, and single words. What is in it is reachable.
  void scan_root(RootKind root, uint32_t thread, uintptr_t from, uintptr_t to);
  void see_root(RootKind root, uint32_t thread, uintptr_t address, uintptr_t word);
  // The same of a word that holds its block wherever in it it points.
  void see_handle(RootKind root, uint32_t thread, uintptr_t address, uintptr_t word);

  // Everything behind the roots; call it once.
  void finish();

  Reach reach(uint32_t block) const { return static_cast<Reach>(states_[block] & kReachBits); }
  bool is_sampled(uint32_t block) const { return (states_[block] & kSampled) != 0; }
  bool is_growing(uint32_t site) const;
  uint32_t children(uint32_t block) const { return children_[block]; }
  // The first slot by which it was reached; of a block that is lost definitely, or in hand, there is none.
  bool slot_of(uint32_t block, Slot* slot) const;
  const EdgeList& sampled_edges() const { return sampled_edges_; }
  // The other ones, of a heap that is small; else empty.
  const EdgeList& other_edges() const { return other_edges_; }
  bool has_all_edges() const {
    return keeps_all_ && other_edges_.left_out() + sampled_edges_.left_out() == 0;
  }
  uint64_t root_bytes() const { return root_bytes_; }

 private:
  enum class Phase : uint8_t { kReachable, kPossible, kLost, kInHand };

  // Of a block: its Reach in two bits, and
  static constexpr uint8_t kReachBits = 3;
  static constexpr uint8_t kSampled = 4;
  static constexpr uint8_t kGrowing = 8;
  static constexpr uint8_t kScanned = 16;
  static constexpr uint8_t kMayBeInHand = 32;

  bool sample();
  void scan_words(const Slot& slot, uintptr_t from, uintptr_t to);
  void see(const Slot& slot, uintptr_t word);
  void mark(const Slot& slot, uint32_t block, bool to_beginning);
  void take(const Slot& slot, uint32_t block, Reach reach);
  void scan_block(uint32_t block);
  void scan_queue();
  void scan_left_below(const ScannedThread& thread);
  void spare_those_in_hand();
  bool counts_as_beginning(uint32_t block, uint64_t inside) const;

  const ScanInput* input_ = nullptr;
  BlockIndex* blocks_ = nullptr;
  AddressSpace* map_ = nullptr;
  uint8_t* states_ = nullptr;
  uint32_t* children_ = nullptr;
  uint32_t* holders_ = nullptr;
  uint64_t* slots_ = nullptr;  // address in 48 bits, root in 3, thread in 13
  uint32_t* queue_ = nullptr;  // every block comes once per phase at most
  size_t queued_ = 0;
  size_t scanned_ = 0;
  uint32_t* waiting_ = nullptr;  // found by a pointer into their middle
  size_t waiting_count_ = 0;
  EdgeList sampled_edges_;
  EdgeList other_edges_;
  bool keeps_all_ = false;
  Phase phase_ = Phase::kReachable;
  uint32_t leader_ = kNone;  // of the lost blocks that are being scanned
  uint64_t root_bytes_ = 0;
};

}  // namespace leakhunt::tracker
