// Rule: what a walk that follows rsp and rbp only has to know of one program counter. And its packed form, 25
// bits, for the few shapes that almost all code has; the others are kept beside (see rule_cache.h).
#pragma once

#include <stdint.h>

#include "instrument/unwind/eh_frame.h"

namespace leakhunt::tracker {

enum class RuleKind : uint8_t {
  kNone,     // not known
  kFromSp,   // CFA = rsp + cfa_offset; return address at CFA - 8, as in the next three
  kFromBp,   // CFA = rbp + cfa_offset
  kWide,     // as `cfa` says: the shapes that do not fit
  kEnd,      // no caller: _start, the start of a thread or of a context
  kSignal,   // the kernel's signal frame: the interrupted registers are in the ucontext at rsp
  kComplex,  // needs other registers too: complete_walk.h
};

// Where the caller's rbp is.
enum class SavedBp : uint8_t { kUntouched, kAtCfa, kAtSp, kAtBp };

// Where a wide rule's CFA is: in rsp or rbp + cfa_offset, or (the word there) + cfa_added. The last is how
// functions that align their stack remember it.
enum class CfaBase : uint8_t { kSp, kBp, kLoadedFromSp, kLoadedFromBp };

struct Rule {
  RuleKind kind;
  CfaBase cfa;
  SavedBp saved_bp;
  int32_t cfa_offset;
  int32_t cfa_added;
  int32_t bp_offset;
};

// kind: 3 bits | slot of rbp: 7 | CFA: 15. Distances in words: CFA up to 256 KiB above the register, rbp up
// to 127 words below the CFA; slot 0 is "untouched". Of a wide rule the low 22 bits are its number. 0 is "not
// known".
using PackedRule = uint32_t;
inline constexpr unsigned kCfaBits = 15;
inline constexpr unsigned kSlotBits = 7;
inline constexpr unsigned kPayloadBits = kCfaBits + kSlotBits;
inline constexpr unsigned kRuleBits = 3 + kPayloadBits;

inline RuleKind kind_of(PackedRule rule) {
  return static_cast<RuleKind>(rule >> kPayloadBits);
}
inline uint32_t payload_of(PackedRule rule) {
  return rule & ((1u << kPayloadBits) - 1);
}
inline uintptr_t cfa_distance(PackedRule rule) {
  return uintptr_t{rule & ((1u << kCfaBits) - 1)} * sizeof(uintptr_t);
}
inline uintptr_t bp_distance(PackedRule rule) {
  return uintptr_t{payload_of(rule) >> kCfaBits} * sizeof(uintptr_t);
}
inline PackedRule pack(RuleKind kind, uint32_t payload) {
  return static_cast<uint32_t>(kind) << kPayloadBits | payload;
}

// The packed form, or 0 when the rule is wide.
PackedRule pack(const Rule& rule);

// The rule at `pc`, a return address or, when `interrupted`, the place where a signal struck. A return
// address is looked up one byte before: a call that does not return may be its function's last instruction.
// False when no loaded object covers it, or has no rule for it. Reads .eh_frame; about a microsecond.
bool derive_rule(uintptr_t pc, bool interrupted, UnwindObject* object, Rule* rule);

// Whether the instructions at `pc` are the ones that return from a signal handler: mov $SYS_rt_sigreturn,
// %rax; syscall. The caller knows that there is code.
bool is_signal_return(uintptr_t pc);

}  // namespace leakhunt::tracker
