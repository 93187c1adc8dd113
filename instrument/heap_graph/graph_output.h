// GraphOutput: what of a scan goes into the recording, encoded by the child into memory that it shares with
// the parent, which appends it.
//
//   output := ( uint32 record type | uint32 length | payload | padding to 8 )*
//
// Written are the sums of every call site; and of the blocks all, if the heap is small, otherwise the sampled
// ones, who points to them, and the shortest way from a root to each. Of a way longer than sixty blocks (a
// list) the middle is left out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/heap_graph/marks.h"

namespace leakhunt::tracker {

struct OutputRecord {
  uint32_t type;  // recording::RecordType
  uint32_t bytes;
};

class GraphOutput {
 public:
  GraphOutput(const ScanInput& input, const BlockIndex& blocks, const Marks& marks, uint8_t* memory,
              size_t capacity)
      : input_(input), blocks_(blocks), marks_(marks), at_(memory), begin_(memory), end_(memory + capacity) {}

  // The bytes written; 0 when memory is short.
  size_t write(uint64_t scan_ns);

  // Addresses in modules in which roots lie that were written.
  static constexpr size_t kMostModules = 128;
  const uintptr_t* modules() const { return modules_; }
  size_t module_count() const { return module_count_; }

 private:
  // The pointer from a block's holder, where the way between them was shortened.
  struct Shortcut {
    uint32_t block;
    Slot slot;
    uint64_t via;
  };
  static constexpr size_t kMostShortcuts = 4096;

  bool write_sites();
  bool choose_nodes();
  void choose_way(uint32_t block);
  bool has_all_nodes() const { return whole_; }
  bool write_nodes();
  bool write_edges();
  bool write_edge(const Slot& slot, uint32_t to, uint64_t inside, uint64_t via);
  bool write_end(uint64_t scan_ns);
  void note_module(const Slot& slot);
  bool need(uint32_t type, size_t bytes);
  void close_record();

  const ScanInput& input_;
  const BlockIndex& blocks_;
  const Marks& marks_;
  uint8_t* at_;
  uint8_t* begin_;
  uint8_t* end_;
  OutputRecord* open_ = nullptr;
  recording::Encoder out_{nullptr, nullptr};
  bool fresh_ = false;           // no row in the open record yet
  uint32_t* numbers_ = nullptr;  // of the blocks that are nodes, from 1 on; 0: not written
  uint32_t node_count_ = 0;
  uint64_t edge_count_ = 0;
  bool whole_ = false;
  Shortcut* shortcuts_ = nullptr;
  size_t shortcut_count_ = 0;
  uint64_t steps_left_ = 20'000'000;  // along ways
  uintptr_t modules_[kMostModules] = {};
  size_t module_count_ = 0;
  AddressRange last_module_{0, 0};
};

}  // namespace leakhunt::tracker
