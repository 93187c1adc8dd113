// brk and sbrk, as the program calls them. (libc's malloc moves the break without coming by here.)
#include <unistd.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/os/atomics.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::is_in_allocator;
using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::tracker::HeldGuard;
using leakhunt::tracker::SiteId;
using leakhunt::tracker::tracker;

LEAKHUNT_HOOK int brk(void* end) noexcept {
  ready();
  if (!tracker.active() || is_in_allocator(__builtin_return_address(0))) return real.brk(end);
  const SiteId site = tracker.mapping_site(__builtin_frame_address(0));
  const HeldGuard guard(tracker.mappings_lock(), __builtin_frame_address(0));
  if (!guard.held()) return real.brk(end);
  const void* before = real.sbrk(0);
  const int result = real.brk(end);
  if (result == 0) tracker.on_break(site, before, real.sbrk(0));
  return result;
}

LEAKHUNT_HOOK void* sbrk(intptr_t change) noexcept {
  ready();
  if (!tracker.active() || change == 0 || is_in_allocator(__builtin_return_address(0)))
    return real.sbrk(change);
  const SiteId site = tracker.mapping_site(__builtin_frame_address(0));
  const HeldGuard guard(tracker.mappings_lock(), __builtin_frame_address(0));
  if (!guard.held()) return real.sbrk(change);
  char* before = static_cast<char*>(real.sbrk(change));
  if (before != reinterpret_cast<char*>(-1)) tracker.on_break(site, before, before + change);
  return before;
}
