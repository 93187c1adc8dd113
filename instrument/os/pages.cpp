#include "instrument/os/pages.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "instrument/os/atomics.h"
#include "instrument/os/memory_limit.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

int64_t mapped = 0;          // relaxed atomic
int64_t mapped_lasting = 0;  // of it: map_lasting_pages

// Where the pages are. Without a lock, since a thread that forks cannot wait for one: whatever a child finds
// here is right, but for what another thread was mapping at that very moment.
struct Area {
  uintptr_t begin;  // kFree, kBeingWritten, or an address
  size_t size;      // bytes, and kLasting where they do not read as zeros in a child
};
constexpr uintptr_t kFree = 0;
constexpr uintptr_t kBeingWritten = 1;
constexpr size_t kLasting = 1;

size_t bytes_of(const Area& area) {
  return area.size & ~kLasting;
}

struct AreaList {
  static constexpr size_t kAreas = (kPage - 2 * sizeof(void*)) / sizeof(Area);
  AreaList* older;
  uint32_t used;  // areas that are not free
  Area areas[kAreas];
};
static_assert(sizeof(AreaList) <= kPage);

AreaList first_list{};
AreaList* newest_list = &first_list;

// Where physical memory is short a table shall take what is touched of it, and not huge pages.
void* map_anonymous(size_t bytes) {
  const long result = system_call(SYS_mmap, 0L, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1L, 0L);
  if (is_error(result)) return nullptr;
  if (is_in_limited_group()) system_call(SYS_madvise, result, bytes, MADV_NOHUGEPAGE);
  return reinterpret_cast<void*>(result);
}

bool enter_into(AreaList& list, uintptr_t begin, size_t size) {
  for (Area& area : list.areas) {
    if (load_relaxed(area.begin) != kFree || !compare_exchange(area.begin, kFree, kBeingWritten)) continue;
    store_relaxed(area.size, size);
    store_release(area.begin, begin);
    __atomic_fetch_add(&list.used, 1u, __ATOMIC_RELAXED);
    return true;
  }
  return false;
}

void count_lasting(int64_t bytes) {
  count_mapped(bytes);
  __atomic_fetch_add(&mapped_lasting, bytes, __ATOMIC_RELAXED);
}

// The lists themselves stay, and are in none.
AreaList* make_list(AreaList* older) {
  AreaList* made = static_cast<AreaList*>(map_anonymous(kPage));
  if (made != nullptr) made->older = older;
  return made;
}

bool enter(uintptr_t begin, size_t size) {
  for (;;) {
    AreaList* newest = load_acquire(newest_list);
    for (AreaList* list = newest; list != nullptr; list = list->older) {
      if (load_relaxed(list->used) < AreaList::kAreas && enter_into(*list, begin, size)) return true;
    }
    AreaList* made = make_list(newest);
    if (made == nullptr) return false;
    if (compare_exchange(newest_list, newest, made)) {
      count_lasting(static_cast<int64_t>(kPage));
    } else {
      system_call(SYS_munmap, made, kPage);
    }
  }
}

// The newest come first: what is unmapped again rarely lives long.
bool is_lasting_when_taken_out(uintptr_t begin) {
  for (AreaList* list = load_acquire(newest_list); list != nullptr; list = list->older) {
    for (Area& area : list->areas) {
      if (load_acquire(area.begin) != begin) continue;
      const bool lasting = (load_relaxed(area.size) & kLasting) != 0;
      store_release(area.begin, kFree);
      __atomic_fetch_sub(&list->used, 1u, __ATOMIC_RELAXED);
      return lasting;
    }
  }
  return false;
}

}  // namespace

void* map_pages(size_t bytes) {
  void* pages = map_anonymous(bytes);
  if (pages == nullptr) return nullptr;
  if (!wipe_on_fork(pages, bytes) || !enter(reinterpret_cast<uintptr_t>(pages), bytes)) {
    system_call(SYS_munmap, pages, bytes);
    return nullptr;
  }
  count_mapped(static_cast<int64_t>(bytes));
  return pages;
}

void* map_lasting_pages(size_t bytes) {
  void* pages = map_anonymous(bytes);
  if (pages == nullptr) return nullptr;
  if (adopt_lasting_pages(pages, bytes)) return pages;
  system_call(SYS_munmap, pages, bytes);
  return nullptr;
}

bool adopt_lasting_pages(void* pages, size_t bytes) {
  if (!enter(reinterpret_cast<uintptr_t>(pages), bytes | kLasting)) return false;
  count_lasting(static_cast<int64_t>(bytes));
  return true;
}

void unmap_pages(void* pages, size_t bytes) {
  const bool lasting = is_lasting_when_taken_out(reinterpret_cast<uintptr_t>(pages));
  system_call(SYS_munmap, pages, bytes);
  if (lasting) {
    count_lasting(-static_cast<int64_t>(bytes));
  } else {
    count_mapped(-static_cast<int64_t>(bytes));
  }
}

void unmap_pages_of_parent() {
  for (AreaList* list = newest_list; list != nullptr; list = list->older) {
    for (Area& area : list->areas) {
      if (area.begin > kBeingWritten && (area.size & kLasting) != 0) continue;
      if (area.begin > kBeingWritten) system_call(SYS_munmap, area.begin, area.size);
      if (area.begin == kFree) continue;
      area.begin = kFree;
      if (list->used > 0) --list->used;
    }
  }
  mapped = mapped_lasting;
}

void for_each_mapped(void (*visit)(void* context, uintptr_t begin, size_t bytes), void* context) {
  for (const AreaList* list = load_acquire(newest_list); list != nullptr; list = list->older) {
    if (list != &first_list) visit(context, reinterpret_cast<uintptr_t>(list), kPage);
    for (const Area& area : list->areas) {
      const uintptr_t begin = load_acquire(area.begin);
      if (begin > kBeingWritten) visit(context, begin, bytes_of(area));
    }
  }
}

void use_huge_pages(void* pages, size_t bytes) {
  if (is_in_limited_group()) return;
  system_call(SYS_madvise, pages, bytes, MADV_HUGEPAGE);
}

const void* map_file_page(const char* path) {
  const long file = system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (is_error(file)) return nullptr;
  const long page = system_call(SYS_mmap, 0L, kPage, PROT_READ, MAP_SHARED, file, 0L);
  system_call(SYS_close, file);
  return is_error(page) ? nullptr : reinterpret_cast<const void*>(page);
}

void wipe_pages(void* pages, size_t bytes) {
  system_call(SYS_madvise, pages, bytes, MADV_DONTNEED);
}

bool wipe_on_fork(void* pages, size_t bytes) {
  return !is_error(system_call(SYS_madvise, pages, bytes, MADV_WIPEONFORK));
}

bool keep_on_fork(void* pages, size_t bytes) {
  return !is_error(system_call(SYS_madvise, pages, bytes, MADV_KEEPONFORK));
}

size_t mapped_bytes() {
  return static_cast<size_t>(__atomic_load_n(&mapped, __ATOMIC_RELAXED));
}

size_t resident_bytes_of_mapped() {
  size_t resident = 0;
  for_each_mapped(
      [](void* sum, uintptr_t begin, size_t bytes) {
        constexpr size_t kAtOnce = 1024;
        uint8_t there[kAtOnce];
        const size_t pages = (bytes + kPage - 1) / kPage;
        for (size_t from = 0; from < pages; from += kAtOnce) {
          const size_t count = pages - from < kAtOnce ? pages - from : kAtOnce;
          // ENOMEM: another thread has unmapped it
          if (is_error(system_call(SYS_mincore, begin + from * kPage, count * kPage, there))) return;
          for (size_t i = 0; i < count; ++i) *static_cast<size_t*>(sum) += (there[i] & 1u) * kPage;
        }
      },
      &resident);
  return resident;
}

void count_mapped(int64_t bytes) {
  __atomic_fetch_add(&mapped, bytes, __ATOMIC_RELAXED);
}

}  // namespace leakhunt::tracker
