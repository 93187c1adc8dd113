// The C++ operators, so that a stack begins at the line with `new` and not inside libstdc++, whose frames
// frame pointers do not show. All eight forms of new and twelve of delete.
//
// libstdc++'s operator new is malloc, and on failure a loop around the new-handler. The hook does the first
// and leaves the second to the real operator, so no state of ours is open when it throws. Those of a library
// that brings malloc as well (jemalloc, mimalloc, tcmalloc) do not call it by its name: what they give and
// take is counted here. Any others are passed on to untouched, and seen where they call malloc.
#include "instrument/hooks/real_functions.h"
#include "instrument/os/atomics.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::operators_ready;
using leakhunt::hooks::real;
using leakhunt::tracker::likely;
using leakhunt::tracker::tracker;

namespace {

// As in libstdc++: never a request for nothing.
inline void* plain(size_t size) {
  return real.malloc(size != 0 ? size : 1);
}

// Aligned forms: the size is a multiple of the alignment for aligned_alloc; libstdc++ rounds in the same way.
inline void* aligned(size_t size, size_t alignment) {
  if (alignment == 0 || (alignment & (alignment - 1)) != 0) return nullptr;  // the real one refuses it
  if (alignment < sizeof(void*)) alignment = sizeof(void*);
  const size_t rounded = ((size != 0 ? size : 1) + alignment - 1) & ~(alignment - 1);
  return rounded >= size ? real.aligned_alloc(alignment, rounded) : nullptr;
}

// By the real operator, which may throw.
template <typename Operator>
inline __attribute__((always_inline)) void* passed_on(size_t size, const void* frame, Operator really) {
  void* block = really();
  if (real.allocators_operators && block != nullptr) tracker.on_alloc_once(block, size, frame);
  return block;
}

}  // namespace

// NAME(parameters): try `allocate`, count it at the caller; otherwise the real operator decides.
#define LEAKHUNT_NEW(name, parameters, arguments, allocate)                                  \
  LEAKHUNT_HOOK void* name parameters {                                                      \
    operators_ready();                                                                       \
    if (likely(real.standard_operators)) {                                                   \
      void* block = allocate;                                                                \
      if (likely(block != nullptr)) {                                                        \
        tracker.on_alloc(block, size, __builtin_frame_address(0));                           \
        return block;                                                                        \
      }                                                                                      \
    }                                                                                        \
    return passed_on(size, __builtin_frame_address(0), [=] { return real.name arguments; }); \
  }

#define LEAKHUNT_DELETE(name, parameters, arguments)                                \
  LEAKHUNT_HOOK void name parameters {                                              \
    operators_ready();                                                              \
    if (block != nullptr && (real.standard_operators || real.allocators_operators)) \
      tracker.on_free(block, __builtin_frame_address(0));                           \
    if (likely(real.standard_operators)) return real.free(block);                   \
    real.name arguments;                                                            \
  }

LEAKHUNT_NEW(_Znwm, (size_t size), (size), plain(size))
LEAKHUNT_NEW(_Znam, (size_t size), (size), plain(size))
LEAKHUNT_NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void* tag), (size, tag), plain(size))
LEAKHUNT_NEW(_ZnamRKSt9nothrow_t, (size_t size, const void* tag), (size, tag), plain(size))
LEAKHUNT_NEW(_ZnwmSt11align_val_t, (size_t size, size_t alignment), (size, alignment),
             aligned(size, alignment))
LEAKHUNT_NEW(_ZnamSt11align_val_t, (size_t size, size_t alignment), (size, alignment),
             aligned(size, alignment))
LEAKHUNT_NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void* tag),
             (size, alignment, tag), aligned(size, alignment))
LEAKHUNT_NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void* tag),
             (size, alignment, tag), aligned(size, alignment))

// libstdc++ hands all of them to free.
LEAKHUNT_DELETE(_ZdlPv, (void* block), (block))
LEAKHUNT_DELETE(_ZdaPv, (void* block), (block))
LEAKHUNT_DELETE(_ZdlPvm, (void* block, size_t size), (block, size))
LEAKHUNT_DELETE(_ZdaPvm, (void* block, size_t size), (block, size))
LEAKHUNT_DELETE(_ZdlPvRKSt9nothrow_t, (void* block, const void* tag), (block, tag))
LEAKHUNT_DELETE(_ZdaPvRKSt9nothrow_t, (void* block, const void* tag), (block, tag))
LEAKHUNT_DELETE(_ZdlPvSt11align_val_t, (void* block, size_t alignment), (block, alignment))
LEAKHUNT_DELETE(_ZdaPvSt11align_val_t, (void* block, size_t alignment), (block, alignment))
LEAKHUNT_DELETE(_ZdlPvmSt11align_val_t, (void* block, size_t size, size_t alignment),
                (block, size, alignment))
LEAKHUNT_DELETE(_ZdaPvmSt11align_val_t, (void* block, size_t size, size_t alignment),
                (block, size, alignment))
LEAKHUNT_DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void* block, size_t alignment, const void* tag),
                (block, alignment, tag))
LEAKHUNT_DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void* block, size_t alignment, const void* tag),
                (block, alignment, tag))
