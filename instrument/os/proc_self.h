// What the process can find out about itself without libc's help: resident memory, faults, names, loaded
// objects.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

struct ResidentMemory {
  uint64_t rss_bytes;
  uint64_t shared_bytes;  // of rss: file-backed and shared
};
// From /proc/self/statm, through a descriptor that is closed again before the call returns. Zeros when there
// is none.
ResidentMemory resident_memory();

// Page faults that needed no I/O, of the whole process.
uint64_t minor_faults();

uint64_t monotonic_ns();
uint64_t thread_cpu_ns();  // that the calling thread has run
uint64_t realtime_ns();

// The target of a link, cut at `capacity`. Bytes put into `buffer`, 0 when there is none.
size_t read_link(const char* path, char* buffer, size_t capacity);

// The mapping that holds an address, from /proc/self/maps. Some 100 ns a line of that file: for once a
// thread.
struct MappedArea {
  uintptr_t begin;
  uintptr_t end;
  int protection;  // PROT_READ, PROT_WRITE, PROT_EXEC
};
bool find_mapped_area(uintptr_t address, MappedArea* area);

// A loaded object, looked up by an address inside of it.
struct LoadedObject {
  uintptr_t bias;
  uintptr_t begin;
  uintptr_t end;
  const char* name;  // as the loader knows it; "" for the executable
  const uint8_t* build_id;
  size_t build_id_bytes;
};
// Lock-free and async-signal-safe (glibc's _dl_find_object, 2.35). False for addresses in no object.
bool find_loaded_object(uintptr_t address, LoadedObject* object);

// Whether a function's address, as dlsym gives it, is that of the function. An executable that takes the
// address of a function of a library has an entry of its own for it, which is its address for everybody.
bool is_definition(uintptr_t address);

// The address of `name` as the object that holds `inside` exports it itself, whoever else does; 0 when it
// does not. Takes the loader's lock.
uintptr_t own_function(uintptr_t inside, const char* name);

// The function that the program is bound to by this name, if it is not in the object that holds `not_in`; 0
// when there is none. Takes the loader's lock.
uintptr_t bound_function(const char* name, uintptr_t not_in);

// Whether the object that holds the address was loaded behind libc: by dlopen, not as a preload or a
// dependency.
bool is_loaded_behind_libc(uintptr_t address);

}  // namespace leakhunt::tracker
