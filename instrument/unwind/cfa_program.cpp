// Instructions: DWARF 5, 6.4.2 and 7.24; GNU's additions: Linux Standard Base, core, 10.5.2.
#include "instrument/unwind/cfa_program.h"

#include "instrument/unwind/dwarf_cursor.h"

namespace leakhunt::tracker {

namespace {

enum : uint8_t {
  kAdvance = 0x40,  // the high two bits; the low six are the operand
  kOffset = 0x80,
  kRestore = 0xC0,
  kNop = 0x00,
  kSetLocation = 0x01,
  kAdvance1 = 0x02,
  kAdvance2 = 0x03,
  kAdvance4 = 0x04,
  kOffsetExtended = 0x05,
  kRestoreExtended = 0x06,
  kUndefined = 0x07,
  kSameValue = 0x08,
  kRegister = 0x09,
  kRememberState = 0x0A,
  kRestoreState = 0x0B,
  kDefineCfa = 0x0C,
  kDefineCfaRegister = 0x0D,
  kDefineCfaOffset = 0x0E,
  kDefineCfaExpression = 0x0F,
  kExpression = 0x10,
  kOffsetExtendedSigned = 0x11,
  kDefineCfaSigned = 0x12,
  kDefineCfaOffsetSigned = 0x13,
  kValueOffset = 0x14,
  kValueOffsetSigned = 0x15,
  kValueExpression = 0x16,
  kGnuArgumentsSize = 0x2E,
  kGnuNegativeOffsetExtended = 0x2F,
};

// Compilers nest remembered states once; more than this ends the walk.
constexpr unsigned kMaxRemembered = 4;

class CfaMachine {
 public:
  CfaMachine(const FrameDescription& description, uintptr_t address, CfaRow* row)
      : description_(description), address_(address), location_(description.begin), row_(*row) {}

  bool run() {
    row_ = CfaRow{};
    initial_ = row_;
    if (!run(description_.common_program, description_.common_program_end)) return false;
    initial_ = row_;
    return run(description_.program, description_.program_end);
  }

 private:
  // To the end, or to the first row that begins behind the address.
  bool run(const uint8_t* at, const uint8_t* end) {
    DwarfCursor cursor(at, end);
    while (cursor.more() && location_ <= address_) {
      const uint8_t instruction = cursor.read<uint8_t>();
      const uint8_t operand = instruction & 0x3F;
      bool understood = true;
      switch (instruction & 0xC0) {
        case kAdvance:
          advance(operand);
          break;
        case kOffset:
          save(operand, Saved::kAtCfa, factored(cursor.uleb()));
          break;
        case kRestore:
          restore(operand);
          break;
        default:
          understood = run_extended(operand, &cursor);
          break;
      }
      if (!understood || cursor.failed()) return false;
    }
    return true;
  }

  bool run_extended(uint8_t instruction, DwarfCursor* cursor) {
    switch (instruction) {
      case kNop:
        return true;
      case kSetLocation:
        location_ = cursor->pointer(description_.pointer_encoding, 0);
        return true;
      case kAdvance1:
        advance(cursor->read<uint8_t>());
        return true;
      case kAdvance2:
        advance(cursor->read<uint16_t>());
        return true;
      case kAdvance4:
        advance(cursor->read<uint32_t>());
        return true;
      case kRememberState:
        return remember();
      case kRestoreState:
        return recall();
      case kGnuArgumentsSize:
        cursor->uleb();
        return true;  // what the callee pops: no concern of the caller's frame
      case kDefineCfa:
      case kDefineCfaSigned:
      case kDefineCfaRegister:
      case kDefineCfaOffset:
      case kDefineCfaOffsetSigned:
      case kDefineCfaExpression:
        return define_cfa(instruction, cursor);
      default:
        return save_extended(instruction, cursor);
    }
  }

  bool define_cfa(uint8_t instruction, DwarfCursor* cursor) {
    if (instruction == kDefineCfaExpression) {
      row_.cfa_by_expression = true;
      row_.cfa = take_expression(cursor);
      return true;
    }
    const bool names_register = instruction != kDefineCfaOffset && instruction != kDefineCfaOffsetSigned;
    if (names_register) {
      const uint64_t number = cursor->uleb();
      if (number >= kRegisters) return false;
      row_.cfa_register = static_cast<uint8_t>(number);
      row_.cfa_by_expression = false;
    }
    if (instruction == kDefineCfaRegister) return true;
    const bool is_signed = instruction == kDefineCfaSigned || instruction == kDefineCfaOffsetSigned;
    row_.cfa =
        is_signed ? cursor->sleb() * description_.data_alignment : static_cast<int64_t>(cursor->uleb());
    return true;
  }

  // The instructions that begin with a register's number.
  bool save_extended(uint8_t instruction, DwarfCursor* cursor) {
    const uint64_t number = cursor->uleb();
    switch (instruction) {
      case kOffsetExtended:
        save(number, Saved::kAtCfa, factored(cursor->uleb()));
        return true;
      case kOffsetExtendedSigned:
        save(number, Saved::kAtCfa, factored(cursor->sleb()));
        return true;
      case kGnuNegativeOffsetExtended:
        save(number, Saved::kAtCfa, -factored(cursor->uleb()));
        return true;
      case kValueOffset:
        save(number, Saved::kCfaPlus, factored(cursor->uleb()));
        return true;
      case kValueOffsetSigned:
        save(number, Saved::kCfaPlus, factored(cursor->sleb()));
        return true;
      case kExpression:
        save(number, Saved::kAtExpression, take_expression(cursor));
        return true;
      case kValueExpression:
        save(number, Saved::kIsExpression, take_expression(cursor));
        return true;
      case kRegister:
        save(number, Saved::kInRegister, static_cast<int64_t>(cursor->uleb()));
        return true;
      case kUndefined:
        save(number, Saved::kUndefined, 0);
        return true;
      case kSameValue:
        save(number, Saved::kSame, 0);
        return true;
      case kRestoreExtended:
        restore(number);
        return true;
      default:
        return false;
    }
  }

  template <typename Integer>
  int64_t factored(Integer offset) const {
    return static_cast<int64_t>(offset) * description_.data_alignment;
  }

  void advance(uint64_t units) { location_ += units * description_.code_alignment; }

  // Vector and flag registers have rules too; nobody asks for them.
  void save(uint64_t number, Saved saved, int64_t value) {
    if (number >= kRegisters) return;
    row_.saved[number] = saved;
    row_.values[number] = value;
  }

  void restore(uint64_t number) {
    if (number < kRegisters) save(number, initial_.saved[number], initial_.values[number]);
  }

  bool remember() {
    if (remembered_ == kMaxRemembered) return false;
    states_[remembered_++] = row_;
    return true;
  }

  bool recall() {
    if (remembered_ == 0) return false;
    row_ = states_[--remembered_];
    return true;
  }

  static int64_t take_expression(DwarfCursor* cursor) {
    const int64_t at = reinterpret_cast<int64_t>(cursor->at());
    cursor->skip(cursor->uleb());
    return at;
  }

  const FrameDescription& description_;
  const uintptr_t address_;
  uintptr_t location_;
  CfaRow& row_;
  CfaRow initial_;  // as the CIE leaves it
  CfaRow states_[kMaxRemembered];
  unsigned remembered_ = 0;
};

}  // namespace

bool run_cfa_program(const FrameDescription& description, uintptr_t address, CfaRow* row) {
  if (description.return_column != kReturnAddress) return false;
  CfaMachine machine(description, address, row);
  return machine.run();
}

}  // namespace leakhunt::tracker
