// instruction: one x86-64 instruction in 64-bit mode: how long it is, and what depends on where it stands.
//
// A table of lengths and flow, no disassembler: the operands' names are of no interest. An encoding that is
// not known (3DNow, XOP, what the manuals leave undefined) is no instruction here. Source: Intel 64 and IA-32
// Architectures Software Developer's Manual, volume 2, appendix A (opcode maps) and chapter 2 (VEX, EVEX).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace leakhunt::machine_code {

enum class Flow : uint8_t {
  kNext,          // goes on with the next instruction
  kCall,          // relative; comes back
  kIndirectCall,  // through a register or memory; comes back
  kJump,          // relative, always
  kConditional,   // relative, or goes on
  kShortLoop,     // loop, jrcxz: relative by one byte, and there is no longer form
  kTransaction,   // xbegin: relative, when the transaction fails
  kIndirectJump,  // through a register or memory
  kReturn,        // ret and its like
  kStop,          // hlt, ud2, int3: nothing is meant to come behind it
};

struct Instruction {
  uint8_t length = 0;
  Flow flow = Flow::kNext;
  uint8_t opcode = 0;           // the last byte of it
  bool in_second_map = false;   // behind 0F
  bool is_padding = false;      // a nop or int3, as compilers put between functions
  bool is_landing_pad = false;  // endbr64
  uint8_t displacement_at = 0;  // of a disp32 that is relative to rip; 0: there is none
  // Of a relative jump or call: where it goes, seen from the instruction's first byte.
  int64_t target = 0;

  bool is_relative() const {
    return flow == Flow::kCall || flow == Flow::kJump || flow == Flow::kConditional ||
           flow == Flow::kShortLoop || flow == Flow::kTransaction;
  }
  // Nothing that follows is reached from here.
  bool ends_here() const {
    return flow == Flow::kJump || flow == Flow::kIndirectJump || flow == Flow::kReturn || flow == Flow::kStop;
  }
};

// The instruction that begins with the first byte; nothing when it is not known or is cut off.
std::optional<Instruction> decode(std::span<const uint8_t> code);

}  // namespace leakhunt::machine_code
