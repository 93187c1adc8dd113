// MallocArenas: where glibc's malloc keeps its books. What lies there holds nothing: the addresses are those
// of free chunks, and a chunk begins in the last word that the block before it may use.
//
// No symbol names them. The main arena is found in libc's data by its 127 lists of free chunks, most of which
// are empty and so point to themselves; the others by the circle in which all arenas are linked.
//
//   struct malloc_state (malloc/malloc.c)
//     ... top  last_remainder | bins[254]: fd bk  fd bk  ... | binmap[4] | next | ... | max_system_mem
//                               an empty one's: 16 bytes before itself
#pragma once

#include <stddef.h>

#include "instrument/heap_graph/address_space.h"
#include "instrument/heap_graph/scan_input.h"

namespace leakhunt::tracker {

class MallocArenas {
 public:
  // Looks for them in the data of libc; another allocator's process may have none.
  void find(const AddressRange& libc, const AddressSpace& map);

  size_t count() const { return count_; }
  const AddressRange& operator[](size_t at) const { return arenas_[at]; }

 private:
  static constexpr size_t kMost = 1024;  // glibc makes eight for each processor

  bool look_around(uintptr_t at, uintptr_t from, uintptr_t to, const AddressSpace& map);
  bool take_circle(uintptr_t arena, uintptr_t bins, const AddressSpace& map);

  AddressRange arenas_[kMost] = {};
  size_t count_ = 0;
};

}  // namespace leakhunt::tracker
