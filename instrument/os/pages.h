// The tracker's own memory: anonymous pages straight from the kernel, never from the target's heap.
//
// Two kinds, which differ in a forked child:
//   map_pages          reads as zeros there, whatever other threads were writing at that moment; costs no
//   copy map_lasting_pages  holds there what it held in the parent
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
void* map_lasting_pages(size_t bytes);
// The same of pages that had to be mapped at a place of their own. False when there is no memory to note it.
bool adopt_lasting_pages(void* pages, size_t bytes);

// Asks the kernel for huge pages behind a large table that is read all over: most of what such a read costs
// is finding the page.
void use_huge_pages(void* pages, size_t bytes);

// Of either kind.
void unmap_pages(void* pages, size_t bytes);

// The first page of a file, as it is now and as others change it; no descriptor stays open. Null when there
// is none.
const void* map_file_page(const char* path);
// Makes the pages read as zeros in a child of fork, however it was made: the mark of a process that is not
// recorded. keep_on_fork takes it back, for the child that is to look at them.
bool wipe_on_fork(void* pages, size_t bytes);
bool keep_on_fork(void* pages, size_t bytes);
// In a forked child, before it does anything else: gives back all that map_pages ever gave and that reads as
// zeros now. Whoever holds a pointer to it must have forgotten it.
void unmap_pages_of_parent();
// Pages of map_pages as they came: zeros, physically not there.
void wipe_pages(void* pages, size_t bytes);

// Calls visit(context, begin, bytes) for all that was mapped and not unmapped, of either kind; what another
// thread maps or unmaps meanwhile may or may not be visited.
void for_each_mapped(void (*visit)(void* context, uintptr_t begin, size_t bytes), void* context);

// Bytes mapped and not unmapped, plus what others announced: the tracker's own share of the address space.
size_t mapped_bytes();
void count_mapped(int64_t bytes);

// What of it is in physical memory, but for what others announced. One system call for every 4 MiB.
size_t resident_bytes_of_mapped();

}  // namespace leakhunt::tracker
