#include "instrument/os/pages.h"

#include <sys/mman.h>

#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {
int64_t mapped = 0;  // relaxed atomic
}

void* map_pages(size_t bytes) {
  const long result = system_call(SYS_mmap, 0L, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1L, 0L);
  if (is_error(result)) return nullptr;
  count_mapped(static_cast<int64_t>(bytes));
  return reinterpret_cast<void*>(result);
}

void unmap_pages(void* pages, size_t bytes) {
  system_call(SYS_munmap, pages, bytes);
  count_mapped(-static_cast<int64_t>(bytes));
}

void use_huge_pages(void* pages, size_t bytes) {
  system_call(SYS_madvise, pages, bytes, MADV_HUGEPAGE);
}

void wipe_pages(void* pages, size_t bytes) {
  system_call(SYS_madvise, pages, bytes, MADV_DONTNEED);
}

bool wipe_on_fork(void* pages, size_t bytes) {
  return !is_error(system_call(SYS_madvise, pages, bytes, MADV_WIPEONFORK));
}

size_t mapped_bytes() {
  return static_cast<size_t>(__atomic_load_n(&mapped, __ATOMIC_RELAXED));
}

void count_mapped(int64_t bytes) {
  __atomic_fetch_add(&mapped, bytes, __ATOMIC_RELAXED);
}

}  // namespace leakhunt::tracker
