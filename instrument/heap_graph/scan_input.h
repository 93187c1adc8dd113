// ScanInput: what the scan of a frozen process is given. Filled by the parent right before the fork; the
// child reads its own copy.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

struct ThreadState;

struct GraphBlock {
  uintptr_t begin;
  uint64_t size;
  uint32_t site;
  uint32_t birth;  // iterations or ticks completed at its allocation
  bool is_mapping;
};

// Of one thread, as it stands. Everything from `sp` up to the control block is scanned.
struct ScannedThread {
  static constexpr size_t kWords = 6;
  uint32_t number;
  uint32_t tid;
  uintptr_t stack_low;
  uintptr_t stack_high;    // the thread pointer, or the end of the first thread's stack
  uintptr_t sp;            // 0: it runs; all of its stack is scanned
  uintptr_t pc;            // of one that waits; 0: not known
  bool takes_it;           // the graph: it is the calling one
  bool waits;              // in a system call: of the registers only its arguments are known
  bool gone;               // it has ended, and nobody has taken over what was kept for it
  uint64_t times_run;      // how often it had a processor when it was looked at
  uint64_t words[kWords];  // registers that are known otherwise: arguments of the system call it waits in
  GraphBlock moved;        // by realloc, and not in the tables; begin 0: none
  bool moves;              // a block that nobody knows the place of
  bool allocates;          // often enough to be waited for
  bool runs;               // it was waited for in vain
  ThreadState* state;
};

struct AddressRange {
  uintptr_t begin;
  uintptr_t end;
};

struct ScanInput {
  uint64_t number;  // of the graph
  uint32_t clock;   // iterations or ticks completed

  // Calls visit(to, block) for every live block and mapping.
  void (*for_each_block)(const void* tables, void (*visit)(void* to, const GraphBlock& block), void* to);
  const void* tables;

  ScannedThread* threads;
  size_t thread_count;
  // In the copy, before anything else: how the threads stand in it, and what follows here.
  void (*settle)(ScanInput* input, const uint64_t* has_run);
  uint64_t threads_parked;
  uint64_t threads_waiting;
  uint64_t words_in_hand;  // pointers that may be in registers which nobody saw
  static constexpr uint64_t kAnyNumber = UINT64_MAX;
  uintptr_t first_thread_pointer;  // thread-local data of the first thread; 0: not known

  const uint64_t* growing;  // a bit a site
  uint32_t site_count;
  bool growing_known;     // otherwise blocks of all sites are sampled
  uint32_t sampled_from;  // of them, those born at this clock or later

  AddressRange own_code;         // the tracker's data is no root
  AddressRange libc_code;        // pointers to headers of free chunks are none
  const AddressRange* excluded;  // tables of the tracker
  size_t excluded_count;

  // The program ran before: blocks that are not known lie in its heap, and threads that are not in theirs.
  bool has_older_heap;
};

}  // namespace leakhunt::tracker
