// The functions that are hooked, and what stood behind their names before us: the next definition in the
// order of the dynamic loader (libc's, or that of another allocator).
//
// These lists drive declaration and lookup. libc's functions are looked up together: all are there, so the
// lookup allocates nothing, and may happen inside the initialisation of another allocator. The C++ operators
// may be missing, which the loader reports in allocated memory: they are looked up when the first of them is
// called.
#pragma once

#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <wordexp.h>

namespace leakhunt::hooks {

#define LEAKHUNT_SPAWN_PARAMETERS                                                                  \
  (pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const*, \
   char* const*)

#define LEAKHUNT_EXECVEAT_PARAMETERS (int, const char*, char* const*, char* const*, int)
#define LEAKHUNT_CLONE_PARAMETERS (int (*)(void*), void*, int, void*, ...)

// X(name, result, parameters)
#define LEAKHUNT_HOOKED_LIBC(X)                              \
  X(malloc, void*, (size_t))                                 \
  X(calloc, void*, (size_t, size_t))                         \
  X(realloc, void*, (void*, size_t))                         \
  X(reallocarray, void*, (void*, size_t, size_t))            \
  X(free, void, (void*))                                     \
  X(aligned_alloc, void*, (size_t, size_t))                  \
  X(memalign, void*, (size_t, size_t))                       \
  X(posix_memalign, int, (void**, size_t, size_t))           \
  X(valloc, void*, (size_t))                                 \
  X(pvalloc, void*, (size_t))                                \
  X(mmap, void*, (void*, size_t, int, int, int, off_t))      \
  X(mmap64, void*, (void*, size_t, int, int, int, off64_t))  \
  X(munmap, int, (void*, size_t))                            \
  X(mremap, void*, (void*, size_t, size_t, int, ...))        \
  X(brk, int, (void*))                                       \
  X(sbrk, void*, (intptr_t))                                 \
  X(dlclose, int, (void*))                                   \
  X(prctl, int, (int, ...))                                  \
  X(execve, int, (const char*, char* const*, char* const*))  \
  X(execvpe, int, (const char*, char* const*, char* const*)) \
  X(fexecve, int, (int, char* const*, char* const*))         \
  X(posix_spawn, int, LEAKHUNT_SPAWN_PARAMETERS)             \
  X(posix_spawnp, int, LEAKHUNT_SPAWN_PARAMETERS)            \
  X(system, int, (const char*))                              \
  X(popen, FILE*, (const char*, const char*))                \
  X(execveat, int, LEAKHUNT_EXECVEAT_PARAMETERS)             \
  X(wordexp, int, (const char*, wordexp_t*, int))            \
  X(clone, int, LEAKHUNT_CLONE_PARAMETERS)                   \
  X(syscall, long, (long, ...))                              \
  X(_Fork, pid_t, ())                                        \
  X(_exit, void, (int))                                      \
  X(_Exit, void, (int))                                      \
  X(quick_exit, void, (int))

#define LEAKHUNT_HOOKED_THREADS(X) \
  X(pthread_create, int, (pthread_t*, const pthread_attr_t*, void* (*)(void*), void*))

#define LEAKHUNT_HOOKED_OPERATORS(X)                                          \
  X(_Znwm, void*, (size_t))                                                   \
  X(_Znam, void*, (size_t))                                                   \
  X(_ZnwmRKSt9nothrow_t, void*, (size_t, const void*))                        \
  X(_ZnamRKSt9nothrow_t, void*, (size_t, const void*))                        \
  X(_ZnwmSt11align_val_t, void*, (size_t, size_t))                            \
  X(_ZnamSt11align_val_t, void*, (size_t, size_t))                            \
  X(_ZnwmSt11align_val_tRKSt9nothrow_t, void*, (size_t, size_t, const void*)) \
  X(_ZnamSt11align_val_tRKSt9nothrow_t, void*, (size_t, size_t, const void*)) \
  X(_ZdlPv, void, (void*))                                                    \
  X(_ZdaPv, void, (void*))                                                    \
  X(_ZdlPvm, void, (void*, size_t))                                           \
  X(_ZdaPvm, void, (void*, size_t))                                           \
  X(_ZdlPvRKSt9nothrow_t, void, (void*, const void*))                         \
  X(_ZdaPvRKSt9nothrow_t, void, (void*, const void*))                         \
  X(_ZdlPvSt11align_val_t, void, (void*, size_t))                             \
  X(_ZdaPvSt11align_val_t, void, (void*, size_t))                             \
  X(_ZdlPvmSt11align_val_t, void, (void*, size_t, size_t))                    \
  X(_ZdaPvmSt11align_val_t, void, (void*, size_t, size_t))                    \
  X(_ZdlPvSt11align_val_tRKSt9nothrow_t, void, (void*, size_t, const void*))  \
  X(_ZdaPvSt11align_val_tRKSt9nothrow_t, void, (void*, size_t, const void*))

struct RealFunctions {
#define LEAKHUNT_DECLARE(name, result, parameters) result(*name) parameters;
  LEAKHUNT_HOOKED_LIBC(LEAKHUNT_DECLARE)
  LEAKHUNT_HOOKED_THREADS(LEAKHUNT_DECLARE)
  LEAKHUNT_HOOKED_OPERATORS(LEAKHUNT_DECLARE)
#undef LEAKHUNT_DECLARE

  bool operators_resolved;
  // The C++ operators are those of libstdc++ or libc++, which are malloc and a loop around a handler.
  bool standard_operators;
  // They are those of the library that malloc comes from, and do not call it by its name.
  bool allocators_operators;
};

extern RealFunctions real;

// Of `real`, for assembly.
extern "C" __attribute__((visibility("hidden"))) void* leakhunt_real_syscall;

// Looks up all of them, once; may be called before any constructor has run. False for calls that the lookup
// itself makes: there is nothing to pass them on to yet.
bool resolve();
extern bool resolved;

inline bool ready() {
  return __builtin_expect(resolved, true) || resolve();
}

void resolve_operators();

// False when the program's own malloc stands in front of ours: its heap is not seen.
bool heap_is_hooked();

// Inside a library that replaces libc's malloc: what it maps is handed out as blocks, which are counted.
extern uintptr_t allocator_begin;
extern uintptr_t allocator_end;
inline bool is_in_allocator(const void* code) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(code);
  return __builtin_expect(address >= allocator_begin && address < allocator_end, false);
}
// Whether the library came into a running program (leakhunt attach): its names are behind everybody else's,
// and the real functions are those that the program is bound to already.
bool attached();

inline void operators_ready() {
  if (__builtin_expect(!real.operators_resolved, false)) resolve_operators();
}

// Memory for whoever allocates while malloc itself is being looked up (the loader's error messages). Never
// freed.
void* bootstrap_allocate(size_t bytes);
bool is_bootstrap(const void* block);
// Bytes from `block` to the end of all of it: at most so much can be copied out.
size_t bootstrap_bytes_behind(const void* block);

}  // namespace leakhunt::hooks

#define LEAKHUNT_HOOK extern "C" __attribute__((visibility("default")))
