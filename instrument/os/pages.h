// The tracker's own memory: anonymous pages straight from the kernel, never from the target's heap.
//
// Thread-safety: all functions may be called from anywhere, signal handlers included. None touches errno.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

inline constexpr size_t kPage = 4096;

// `bytes` of zeroed pages, readable and writable, physically there only once touched. Null when the kernel
// refuses (RLIMIT_AS, overcommit).
void* map_pages(size_t bytes);

// Asks the kernel for huge pages behind a large table that is read all over: most of what such a read costs
// is finding the page.
void use_huge_pages(void* pages, size_t bytes);

void unmap_pages(void* pages, size_t bytes);

// Pages of map_pages as they came: zeros, physically not there.
void wipe_pages(void* pages, size_t bytes);

// Makes the pages read as zeros in a child of fork, however it was made: the mark of a process that is not
// recorded.
bool wipe_on_fork(void* pages, size_t bytes);

// Bytes mapped by map_pages and not unmapped, plus what others announced: the tracker's own share of the
// address space.
size_t mapped_bytes();
void count_mapped(int64_t bytes);

}  // namespace leakhunt::tracker
