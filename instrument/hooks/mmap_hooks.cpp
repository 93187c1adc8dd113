// mmap, munmap, mremap, as the program calls them. (libc's own mappings, for large blocks and stacks, do not
// come by here: large blocks are counted as blocks.)
// An allocator in a library of its own, jemalloc for one, is treated alike: what it maps is passed through.
//
// The lock is held around the system call, so that the table of mappings changes in the kernel's order. A
// signal handler that maps something while its thread does is passed through: what it maps is not counted.
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/os/atomics.h"
#include "instrument/os/system_call.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::is_in_allocator;
using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::tracker::HeldGuard;
using leakhunt::tracker::SiteId;
using leakhunt::tracker::tracker;

namespace {

template <typename Map>
inline __attribute__((always_inline)) void* map(size_t size, const void* frame, const void* caller,
                                                Map really) {
  ready();
  if (!tracker.active()) return really();
  if (is_in_allocator(caller)) {
    const HeldGuard guard(tracker.mappings_lock(), frame);
    void* begin = really();
    if (begin != MAP_FAILED && guard.held()) tracker.on_allocator_map(begin, size);
    return begin;
  }
  const SiteId site = tracker.mapping_site(frame);
  {
    const HeldGuard guard(tracker.mappings_lock(), frame);
    if (!guard.held()) return really();
    void* begin = really();
    if (begin != MAP_FAILED) {
      tracker.on_unmap(begin, size);  // MAP_FIXED may have replaced something
      tracker.on_map(site, begin, size);
      return begin;
    }
  }
  return errno == ENOMEM && tracker.made_room_for(size) ? really() : MAP_FAILED;
}

// Of what is reserved only, little is ever touched.
inline void make_room(size_t size, int protection, int flags) {
  if ((protection & PROT_WRITE) != 0 && (flags & MAP_ANONYMOUS) != 0 && (flags & MAP_NORESERVE) == 0)
    tracker.make_room_before(size);
}

}  // namespace

LEAKHUNT_HOOK void* mmap(void* address, size_t size, int protection, int flags, int file,
                         off_t offset) noexcept {
  make_room(size, protection, flags);
  return map(size, __builtin_frame_address(0), __builtin_return_address(0),
             [=] { return real.mmap(address, size, protection, flags, file, offset); });
}

LEAKHUNT_HOOK void* mmap64(void* address, size_t size, int protection, int flags, int file,
                           off64_t offset) noexcept {
  make_room(size, protection, flags);
  return map(size, __builtin_frame_address(0), __builtin_return_address(0),
             [=] { return real.mmap64(address, size, protection, flags, file, offset); });
}

LEAKHUNT_HOOK int munmap(void* begin, size_t size) noexcept {
  ready();
  if (!tracker.active()) return real.munmap(begin, size);
  tracker.before_unmap();
  const HeldGuard guard(tracker.mappings_lock(), __builtin_frame_address(0));
  const int result = real.munmap(begin, size);
  if (result == 0 && guard.held()) tracker.on_unmap(begin, size);
  return result;
}

LEAKHUNT_HOOK void* mremap(void* old_begin, size_t old_size, size_t new_size, int flags, ...) noexcept {
  ready();
  va_list rest;
  va_start(rest, flags);
  void* wanted = (flags & MREMAP_FIXED) != 0 ? va_arg(rest, void*) : nullptr;
  va_end(rest);
  if (!tracker.active()) return real.mremap(old_begin, old_size, new_size, flags, wanted);
  if (is_in_allocator(__builtin_return_address(0))) {
    const HeldGuard guard(tracker.mappings_lock(), __builtin_frame_address(0));
    void* begin = real.mremap(old_begin, old_size, new_size, flags, wanted);
    if (begin == MAP_FAILED || !guard.held()) return begin;
    if ((flags & MREMAP_DONTUNMAP) == 0) tracker.on_unmap(old_begin, old_size);
    tracker.on_allocator_map(begin, new_size);
    return begin;
  }
  const SiteId site = tracker.mapping_site(__builtin_frame_address(0));
  {
    const HeldGuard guard(tracker.mappings_lock(), __builtin_frame_address(0));
    void* begin = real.mremap(old_begin, old_size, new_size, flags, wanted);
    if (!guard.held()) return begin;
    if (begin != MAP_FAILED) {
      if ((flags & MREMAP_DONTUNMAP) == 0) tracker.on_unmap(old_begin, old_size);
      tracker.on_unmap(begin, new_size);
      tracker.on_map(site, begin, new_size);
      return begin;
    }
  }
  const bool again = errno == ENOMEM && tracker.made_room_for(new_size);
  return again ? real.mremap(old_begin, old_size, new_size, flags, wanted) : MAP_FAILED;
}
