/* leakhunt.h: the public C interface of the tracker.
 *
 * Include it, link nothing: every function is a weak symbol. Without libleakhunt.so in the process
 * (preloaded, or linked into an instrumented build) the wrappers below cost one test of a null address and do
 * nothing.
 *
 * Glossary, from large to small:
 *   iteration  the program's own clock: a training step, a request, a frame. Counters are cut at its end.
 *   tag        what a byte is for ("optimizer.m"). A thread has one current tag; allocations made meanwhile
 * carry it. pool       a custom allocator inside memory that is already counted (an arena in its chunks).
 * What it hands out is accounted per tag and call site, as nested bytes: never added to the heap a second
 * time.
 *
 * Thread-safety: every function may be called from any thread, except that one pool is used by one thread at
 * a time (as the allocator it describes). None allocates from the heap, blocks, or changes errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t leakhunt_tag_id; /* 0 is "heap": no tag */
typedef struct leakhunt_pool leakhunt_pool;

#define LEAKHUNT_WEAK __attribute__((weak, visibility("default")))

/* The id of a tag's name; the same name gives the same id. At most 63 bytes of it are kept, at most 255 tags
 * exist; beyond that 0 ("heap") is returned. */
LEAKHUNT_WEAK leakhunt_tag_id leakhunt_tag(const char* name);

/* Makes `tag` the calling thread's current tag and returns the one before, to be restored by a second call.
 */
LEAKHUNT_WEAK leakhunt_tag_id leakhunt_tag_switch(leakhunt_tag_id tag);

/* Iteration `number` (counted from 0) has ended: a snapshot of every counter is appended to the recording. */
LEAKHUNT_WEAK void leakhunt_iteration(uint64_t number);

/* A pool whose sub-allocations carry `tag`. NULL when there is no tracker or no memory for it; every other
 * pool function accepts NULL. */
LEAKHUNT_WEAK leakhunt_pool* leakhunt_pool_create(leakhunt_tag_id tag);

/* `size` bytes were handed out of the pool. */
LEAKHUNT_WEAK void leakhunt_pool_allocate(leakhunt_pool* pool, size_t size);

/* Everything handed out so far is gone: an epoch ends. */
LEAKHUNT_WEAK void leakhunt_pool_reset(leakhunt_pool* pool);

/* Ends an epoch and gives the pool back. */
LEAKHUNT_WEAK void leakhunt_pool_destroy(leakhunt_pool* pool);

/* What the process has done in the heap since the recording began: blocks of the malloc family and operator
 * new, without the tracker's own. Exact when no other thread allocates meanwhile; the peak to within 64 KiB
 * for each other thread. Counters only rise: of two calls, the difference is what happened between them. */
struct leakhunt_heap_counters {
  uint64_t allocations;
  uint64_t allocated_bytes;
  uint64_t frees;
  uint64_t freed_bytes;
  uint64_t peak_live_bytes; /* since the last call with restart_peak, or the beginning */
};

/* Fills `counters` and returns 1; 0 when nothing is recorded. With `restart_peak` the next peak is counted
 * from what is live now. Its cost grows with the number of call sites: some microseconds. */
LEAKHUNT_WEAK int leakhunt_heap_use(struct leakhunt_heap_counters* counters, int restart_peak);

#ifdef __cplusplus
}
#endif
