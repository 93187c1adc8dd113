// Where the unwind rules of an address are: the loaded object it lies in, that object's .eh_frame_hdr, and in
// .eh_frame the description (FDE, with the CIE it refers to) of the function around it.
//
// Everything here reads what the linker wrote into loaded objects; nothing is kept. Lock-free and
// async-signal-safe with glibc 2.35 and later; before, dl_iterate_phdr takes the loader's lock.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// A loaded object with unwind rules, or one of its segments where those do not lie close together: the rules
// may lie outside.
struct UnwindObject {
  uintptr_t begin;
  uintptr_t end;
  const uint8_t* header;  // .eh_frame_hdr
  uint64_t
      fingerprint;  // of where it lies and how many rules it has: tells it from another one in the same place
};

// What .eh_frame says of one function, its programs not yet run.
struct FrameDescription {
  uintptr_t begin;  // of the function
  uintptr_t end;
  const uint8_t* common_program;  // the CIE's instructions, run first
  const uint8_t* common_program_end;
  const uint8_t* program;  // the FDE's
  const uint8_t* program_end;
  uint64_t code_alignment;
  int64_t data_alignment;
  uint64_t return_column;
  uint8_t pointer_encoding;
  bool signal_frame;  // augmentation `S`: what it returns to was interrupted, not calling
};

// False for an address in no loaded object (code made at run time), or in one without .eh_frame_hdr.
bool find_unwind_object(uintptr_t address, UnwindObject* object);

// False when no function of the object covers the address, or its description is not understood.
bool find_frame_description(const UnwindObject& object, uintptr_t address, FrameDescription* description);

}  // namespace leakhunt::tracker
