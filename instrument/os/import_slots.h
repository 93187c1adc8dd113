// ImportSlots: the places through which the loaded modules call other modules' functions (slots of the global
// offset tables, and pointers to functions in data that the loader filled in). For a library that came after
// everything was bound: it takes the place of functions by changing slots.
//
// A slot is changed only if it holds exactly the function that the replacement will call in turn, or nothing
// yet (bound at the first call). Whatever else is in there belongs to somebody: another allocator, or the
// program. A pointer that was copied out of a slot before is not found.
//
// Other threads run on. A slot is one aligned word; pages that the loader made read-only are writable for the
// moment of the change. Nobody maps or unmaps a module meanwhile (the loader's list is locked), and none is
// half-way relocated (see import_slots.cpp).
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

struct Replacement {
  const char* name;
  uintptr_t real;  // 0: there is none, nothing to replace
  uintptr_t hook;
};

class ImportSlots {
 public:
  // Puts the hooks into the slots of all modules but the loader and the one that `own` lies in. May be called
  // again, for modules that were loaded since. False when there is no memory, or modules never stop coming.
  bool replace(const Replacement* replacements, size_t count, uintptr_t own);

  // Puts back what was there, wherever a hook still is.
  bool restore();

  size_t count() const { return count_; }

 private:
  struct Original {
    uintptr_t* slot;
    uintptr_t value;
  };
  class Walk;

  bool for_all_modules(bool restoring);
  bool remember(uintptr_t* slot, uintptr_t value);
  uintptr_t original(const uintptr_t* slot, uintptr_t otherwise);

  const Replacement* replacements_ = nullptr;
  size_t replacement_count_ = 0;
  uintptr_t own_ = 0;
  Original* originals_ = nullptr;  // in the order of the modules
  size_t count_ = 0;
  size_t capacity_ = 0;
  size_t next_ = 0;  // where the next one looked for is likely to be
};

}  // namespace leakhunt::tracker
