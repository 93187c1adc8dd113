// The scan's own memory. Shared, for what is shared is no root: the scan must not find the addresses in its
// own tables. It goes with the child.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

// Zeros; null when memory is short.
template <typename T>
T* map_scratch(uint64_t count) {
  const uint64_t bytes = (count * sizeof(T) + kPage) / kPage * kPage;
  const long memory = system_call(SYS_mmap, 0L, bytes, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1L, 0L);
  return is_error(memory) ? nullptr : reinterpret_cast<T*>(memory);
}

template <typename T>
void unmap_scratch(T* memory, uint64_t count) {
  system_call(SYS_munmap, memory, (count * sizeof(T) + kPage) / kPage * kPage);
}

}  // namespace leakhunt::tracker
