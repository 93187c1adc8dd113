// UnloadedCode: where modules lay that were unloaded (dlclose). Another one that is loaded there may make the
// same return addresses, so a stack through such a place is told apart by the module that is there now. One
// that comes back to its old place is the old one.
//
// Costs one comparison at an event as long as nothing was unloaded that a stack had led through.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/os/proc_self.h"

namespace leakhunt::tracker {

// What is loaded there: its place and its build-id, or without one its ELF header. Never 0.
uint64_t identity_of(const LoadedObject& object);

class UnloadedCode {
 public:
  bool any() const { return load_acquire(count_) != 0; }

  // Under the caller's lock. The place of a module that is gone; the first one there keeps its plain keys.
  void add(uintptr_t begin, uintptr_t end, uint64_t identity);

  // The stack's key, with the modules that now lie where others were. Lock-free.
  uint64_t key_of(uint64_t key, const uint64_t* frames, size_t count) const;

 private:
  // Beyond it the last one grows: it only says where to look.
  static constexpr size_t kMaxPlaces = 128;
  struct Place {
    uintptr_t begin;
    uintptr_t end;
    uint64_t first;  // the identity of who was there first
  };
  const Place* place_of(uintptr_t address, size_t count) const;

  size_t count_ = 0;
  Place places_[kMaxPlaces] = {};
};

}  // namespace leakhunt::tracker
