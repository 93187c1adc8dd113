// The malloc family: the real function, then one word to the tracker. Nothing else happens here.
//
// Every hook keeps its frame (compiled with frame pointers, never inlined, no tail call): the stack begins at
// it.
#include <errno.h>
#include <stdlib.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/os/atomics.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::bootstrap_allocate;
using leakhunt::hooks::bootstrap_bytes_behind;
using leakhunt::hooks::is_bootstrap;
using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::tracker::LiveBlock;
using leakhunt::tracker::tracker;
using leakhunt::tracker::unlikely;

#define HOOK_FRAME __builtin_frame_address(0)

namespace {

// What was refused: asked for again if it was the tracker that had taken the memory.
template <typename Allocate>
__attribute__((noinline, cold)) void* refused(size_t size, Allocate again) {
  return tracker.made_room_for(size) ? again() : nullptr;
}

}  // namespace

LEAKHUNT_HOOK void* malloc(size_t size) {
  if (unlikely(!ready())) return bootstrap_allocate(size);
  void* block = real.malloc(size);
  if (unlikely(block == nullptr)) return refused(size, [=] { return real.malloc(size); });
  tracker.on_alloc(block, size, HOOK_FRAME);
  return block;
}

LEAKHUNT_HOOK void* calloc(size_t count, size_t size) {
  if (unlikely(!ready())) return bootstrap_allocate(count * size);  // small, and zero from the start
  void* block = real.calloc(count, size);
  size_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(count, size, &bytes);
  if (unlikely(block == nullptr))
    return overflows ? nullptr : refused(bytes, [=] { return real.calloc(count, size); });
  tracker.on_alloc(block, bytes, HOOK_FRAME);
  return block;
}

LEAKHUNT_HOOK void free(void* block) {
  if (block == nullptr || unlikely(is_bootstrap(block))) return;
  if (unlikely(!ready())) return;
  tracker.on_free(block, HOOK_FRAME);
  real.free(block);
}

namespace {

// Both forms of realloc. The old block leaves the table before the real call and comes back if that fails.
template <typename Reallocate>
inline __attribute__((always_inline)) void* reallocate(void* block, size_t size, const void* frame,
                                                       Reallocate really) {
  LiveBlock moved{};
  const bool known = block != nullptr && tracker.before_move(block, &moved);
  void* result = really();
  if (unlikely(result == nullptr && size != 0)) result = refused(size, really);
  tracker.on_move(known, moved, block, result, size, frame);
  return result;
}

void* leave_bootstrap(const void* block, size_t size) {
  uint8_t* moved = static_cast<uint8_t*>(ready() ? real.malloc(size) : bootstrap_allocate(size));
  if (moved == nullptr || block == nullptr) return moved;
  const size_t available = bootstrap_bytes_behind(block);
  for (size_t i = 0; i < size && i < available; ++i) moved[i] = static_cast<const uint8_t*>(block)[i];
  return moved;
}

}  // namespace

LEAKHUNT_HOOK void* realloc(void* block, size_t size) {
  if (unlikely(!ready() || is_bootstrap(block))) return leave_bootstrap(block, size);
  return reallocate(block, size, HOOK_FRAME, [=] { return real.realloc(block, size); });
}

LEAKHUNT_HOOK void* reallocarray(void* block, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {  // libc refuses, and the block stays
    errno = ENOMEM;
    return nullptr;
  }
  if (unlikely(!ready() || is_bootstrap(block))) return leave_bootstrap(block, bytes);
  return reallocate(block, bytes, HOOK_FRAME, [=] { return real.realloc(block, bytes); });
}

LEAKHUNT_HOOK void* aligned_alloc(size_t alignment, size_t size) {
  if (unlikely(!ready())) return nullptr;
  void* block = real.aligned_alloc(alignment, size);
  if (unlikely(block == nullptr)) return refused(size, [=] { return real.aligned_alloc(alignment, size); });
  tracker.on_alloc(block, size, HOOK_FRAME);
  return block;
}

LEAKHUNT_HOOK void* memalign(size_t alignment, size_t size) {
  if (unlikely(!ready())) return nullptr;
  void* block = real.memalign(alignment, size);
  if (unlikely(block == nullptr)) return refused(size, [=] { return real.memalign(alignment, size); });
  tracker.on_alloc(block, size, HOOK_FRAME);
  return block;
}

LEAKHUNT_HOOK int posix_memalign(void** result, size_t alignment, size_t size) {
  if (unlikely(!ready())) return ENOMEM;
  int error = real.posix_memalign(result, alignment, size);
  if (unlikely(error == ENOMEM) && tracker.made_room_for(size))
    error = real.posix_memalign(result, alignment, size);
  if (error == 0) tracker.on_alloc(*result, size, HOOK_FRAME);
  return error;
}

LEAKHUNT_HOOK void* valloc(size_t size) {
  if (unlikely(!ready())) return nullptr;
  void* block = real.valloc(size);
  if (unlikely(block == nullptr)) return refused(size, [=] { return real.valloc(size); });
  tracker.on_alloc(block, size, HOOK_FRAME);
  return block;
}

LEAKHUNT_HOOK void* pvalloc(size_t size) {
  if (unlikely(!ready())) return nullptr;
  void* block = real.pvalloc(size);
  if (unlikely(block == nullptr)) return refused(size, [=] { return real.pvalloc(size); });
  tracker.on_alloc(block, size, HOOK_FRAME);
  return block;
}
