// Roots: the memory outside of blocks from which a program reaches them, in the order in which a person would
// want to be told of it.
//
//   data of modules      writable, but the tracker's own and malloc's books (malloc_arenas.h)
//   thread-local data    of each thread, with what pthread keeps in its control block
//   unclaimed memory     private and anonymous, in no block and no stack: what libc or the program mapped by
//                        a bare system call
//   stacks, registers    of living threads, from the stack pointer on
//
// In a program that ran before it was recorded (attached to, or forked) also the allocator's heaps outside of
// the blocks that are known, and the stacks of threads that are not: what is there may be as good as any
// other.
//
// Otherwise not: the allocator's heaps (what lies there outside of blocks is its bookkeeping, and what was
// freed), stacks of threads that have ended, memory that is shared with others.
#pragma once

#include "instrument/heap_graph/marks.h"

namespace leakhunt::tracker {

void scan_roots(const ScanInput& input, const BlockIndex& blocks, AddressSpace& map, Marks& marks);

}  // namespace leakhunt::tracker
