// DWARF expressions as .eh_frame uses them: arithmetic on registers, constants and words of the stack.
// Evaluated either with the registers' values, or symbolically, to learn the one simple shape behind an
// expression that a rule can hold.
#pragma once

#include <stdint.h>

#include "instrument/unwind/cfa_program.h"
#include "instrument/unwind/stack_window.h"

namespace leakhunt::tracker {

// kConstant: offset.  kRegister: base + offset.  kLoaded: (the word at base + offset) + added.
struct Term {
  enum Kind : uint8_t { kConstant, kRegister, kLoaded };
  Kind kind;
  uint8_t base;
  int64_t offset;
  int64_t added;
};

inline Term constant_term(uint64_t value) {
  return {Term::kConstant, 0, static_cast<int64_t>(value), 0};
}
inline Term register_term(uint8_t base, int64_t offset) {
  return {Term::kRegister, base, offset, 0};
}

struct ExpressionInputs {
  uint64_t pc;  // the value of register 16; the one register that is known in symbolic evaluation too
  // Both null in symbolic evaluation. known: a bit for each register that has a value.
  const uint64_t* registers;
  StackWindow* window;
  uint32_t known;
};

// `expression`: the length (uleb) and the bytes. `cfa`: pushed before, for the rules of registers; null for
// the CFA's own. False for anything that does not come down to a Term.
bool evaluate_expression(const uint8_t* expression, const ExpressionInputs& inputs, const Term* cfa,
                         Term* result);

}  // namespace leakhunt::tracker
