#include "instrument/unwind/rule.h"

#include "instrument/unwind/cfa_program.h"
#include "instrument/unwind/expression.h"

namespace leakhunt::tracker {

namespace {

bool fits(int64_t value) {
  return value == static_cast<int32_t>(value);
}

// Symbolic evaluation: only what comes down to rsp or rbp is of use.
bool evaluate(int64_t expression, uintptr_t pc, const Term* cfa, Term* term) {
  const ExpressionInputs inputs{pc, nullptr, nullptr, 0};
  if (!evaluate_expression(expression_at(expression), inputs, cfa, term)) return false;
  return term->kind != Term::kConstant && (term->base == kRsp || term->base == kRbp) && fits(term->offset) &&
         fits(term->added);
}

bool derive_cfa(const CfaRow& row, uintptr_t pc, Rule* rule, Term* cfa) {
  if (row.cfa_by_expression) {
    if (!evaluate(row.cfa, pc, nullptr, cfa)) return false;
  } else {
    *cfa = register_term(row.cfa_register, row.cfa);
    if ((cfa->base != kRsp && cfa->base != kRbp) || !fits(row.cfa)) return false;
  }
  const bool from_sp = cfa->base == kRsp;
  rule->cfa_offset = static_cast<int32_t>(cfa->offset);
  rule->cfa_added = static_cast<int32_t>(cfa->added);
  if (cfa->kind == Term::kLoaded) {
    rule->kind = RuleKind::kWide;
    rule->cfa = from_sp ? CfaBase::kLoadedFromSp : CfaBase::kLoadedFromBp;
  } else {
    rule->kind = from_sp ? RuleKind::kFromSp : RuleKind::kFromBp;
    rule->cfa = from_sp ? CfaBase::kSp : CfaBase::kBp;
  }
  return true;
}

bool derive_saved_bp(const CfaRow& row, uintptr_t pc, const Term& cfa, Rule* rule) {
  const int64_t value = row.values[kRbp];
  Term term;
  switch (row.saved[kRbp]) {
    case Saved::kSame:
    case Saved::kUndefined:
      rule->saved_bp = SavedBp::kUntouched;
      return true;
    case Saved::kAtCfa:
      rule->saved_bp = SavedBp::kAtCfa;
      rule->bp_offset = static_cast<int32_t>(value);
      return fits(value);
    case Saved::kAtExpression:
      if (!evaluate(value, pc, &cfa, &term) || term.kind != Term::kRegister) return false;
      rule->saved_bp = term.base == kRsp ? SavedBp::kAtSp : SavedBp::kAtBp;
      rule->bp_offset = static_cast<int32_t>(term.offset);
      return true;
    default:
      return false;
  }
}

bool derive_from_row(const CfaRow& row, uintptr_t pc, Rule* rule) {
  Term cfa{};
  const bool ordinary_return = row.saved[kReturnAddress] == Saved::kAtCfa &&
                               row.values[kReturnAddress] == -static_cast<int64_t>(sizeof(uintptr_t)) &&
                               row.saved[kRsp] == Saved::kSame;
  return ordinary_return && derive_cfa(row, pc, rule, &cfa) && derive_saved_bp(row, pc, cfa, rule);
}

}  // namespace

bool is_signal_return(uintptr_t pc) {
  static constexpr uint8_t kInstructions[] = {0x48, 0xC7, 0xC0, 0x0F, 0x00, 0x00, 0x00, 0x0F, 0x05};
  for (size_t i = 0; i < sizeof kInstructions; ++i) {
    if (reinterpret_cast<const uint8_t*>(pc)[i] != kInstructions[i]) return false;
  }
  return true;
}

bool derive_rule(uintptr_t pc, bool interrupted, UnwindObject* object, Rule* rule) {
  const uintptr_t address = interrupted ? pc : pc - 1;
  FrameDescription description;
  CfaRow row;
  *rule = Rule{};
  if (!find_unwind_object(address, object) || !find_frame_description(*object, address, &description))
    return false;
  if (!run_cfa_program(description, address, &row)) {
    rule->kind = RuleKind::kComplex;
  } else if (row.saved[kReturnAddress] == Saved::kUndefined) {
    rule->kind = RuleKind::kEnd;
  } else if (description.signal_frame && is_signal_return(pc)) {
    rule->kind = RuleKind::kSignal;
  } else if (description.signal_frame || !derive_from_row(row, pc, rule)) {
    rule->kind = RuleKind::kComplex;
  }
  return true;
}

PackedRule pack(const Rule& rule) {
  if (rule.kind != RuleKind::kFromSp && rule.kind != RuleKind::kFromBp) {
    return rule.kind == RuleKind::kWide ? 0 : pack(rule.kind, 0);
  }
  constexpr int32_t kWord = sizeof(uintptr_t);
  const bool untouched = rule.saved_bp == SavedBp::kUntouched;
  if (!untouched && rule.saved_bp != SavedBp::kAtCfa) return 0;
  const int32_t below = untouched ? 0 : -rule.bp_offset;
  const bool fit = rule.cfa_offset >= 0 && rule.cfa_offset % kWord == 0 &&
                   rule.cfa_offset / kWord < 1 << kCfaBits && below >= 0 && below % kWord == 0 &&
                   below / kWord < 1 << kSlotBits && (untouched || below > 0);
  if (!fit) return 0;
  return pack(rule.kind, static_cast<uint32_t>(below / kWord) << kCfaBits |
                             static_cast<uint32_t>(rule.cfa_offset / kWord));
}

}  // namespace leakhunt::tracker
