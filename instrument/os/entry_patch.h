// EntryPatch: a jump at the entry of a function, to code that says it was entered and then does what stood
// there.
//
//   function    jmp ──> page   call `entered`, with registers and flags kept
//                              the instructions that the jump replaced
//   the rest    <── jmp
//
// Which instructions those are, and how they read elsewhere, was found out before the target was started (it
// asks for a decoder: lib/machine_code/displacement.h) and comes in as text. Here it is held against memory,
// and nothing is written unless every byte is the expected one.
//
// Single-threaded as far as the function is concerned: nobody may run in its first bytes meanwhile.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// Is given what the function is given: its first three arguments, if they are integers or pointers.
using Entered = void (*)(uint64_t first, uint64_t second, uint64_t third);

// What is the same afterwards: every register and flag, of any function; or all but vector registers, which
// is enough where the function is one of C whose parameters are integers and pointers.
enum class Registers { kAll, kGeneral };

class EntryPatch {
 public:
  // "DEVICE INODE ADDRESS COVERED CODE FIXUPS", numbers and bytes in hexadecimal, fixups as
  // "r4:1a20,a1c:1a08," (r relative, a absolute; where in the code; address in the file) or "-". False when
  // it is not of this form.
  bool parse(const char* text);

  // The file that the function is in.
  uint64_t device() const { return device_; }
  uint64_t inode() const { return inode_; }

  // With the file loaded at `bias`. Null, or why not: a literal. `entered` runs at every entry from then on.
  const char* apply(uintptr_t bias, Entered entered, Registers kept = Registers::kAll);

  // Does the jump still stand there? Only for a module that is loaded.
  bool is_applied(uintptr_t bias) const;

 private:
  static constexpr size_t kMaxCovered = 32;
  static constexpr size_t kMaxCode = 192;
  static constexpr size_t kMaxFixups = 12;
  struct Fixup {
    size_t at;
    bool absolute;
    uint64_t target;
  };

  bool parse_fixups(const char* text);
  bool write_page(uint8_t* page, uintptr_t bias, Entered entered, Registers kept) const;

  uint64_t device_ = 0;
  uint64_t inode_ = 0;
  uint64_t address_ = 0;
  uint8_t covered_[kMaxCovered] = {};
  size_t covered_bytes_ = 0;
  uint8_t code_[kMaxCode] = {};
  size_t code_bytes_ = 0;
  Fixup fixups_[kMaxFixups] = {};
  size_t fixup_count_ = 0;
};

}  // namespace leakhunt::tracker
