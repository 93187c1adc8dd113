// The instructions of a frame description, run up to one address: where the frame's start (CFA, the value of
// rsp before the call) is, and where the caller's registers are.
#pragma once

#include <stdint.h>

#include "instrument/unwind/eh_frame.h"

namespace leakhunt::tracker {

// DWARF's numbers of the registers (System V ABI for x86-64, figure 3.36).
enum : uint8_t {
  kRbx = 3,
  kRbp = 6,
  kRsp = 7,
  kR12 = 12,
  kR13 = 13,
  kR14 = 14,
  kR15 = 15,
  kReturnAddress = 16
};
inline constexpr unsigned kRegisters = 17;

// What became of a caller's register, and what CfaRow::values holds for it.
enum class Saved : uint8_t {
  kSame,          // untouched
  kUndefined,     // lost; of the return address: there is no caller
  kAtCfa,         // in memory at CFA + value
  kCfaPlus,       // it is CFA + value
  kInRegister,    // in register number `value`
  kAtExpression,  // in memory where the expression at `value` says
  kIsExpression,  // what the expression at `value` says
};

struct CfaRow {
  bool cfa_by_expression;
  uint8_t cfa_register;
  Saved saved[kRegisters];
  int64_t cfa;  // distance from the register; or the expression's address
  int64_t values[kRegisters];
};

// An expression lies in .eh_frame as its length (uleb) and its bytes.
inline const uint8_t* expression_at(int64_t value) {
  return reinterpret_cast<const uint8_t*>(value);
}

// The row in force at `address`. False when there is an instruction that is not understood.
bool run_cfa_program(const FrameDescription& description, uintptr_t address, CfaRow* row);

}  // namespace leakhunt::tracker
