#include "lib/machine_code/instruction.h"

#include <cstddef>
#include <cstring>

namespace leakhunt::machine_code {

namespace {

// What follows an opcode. Immediates: 8 = one byte, z = four (two behind an operand-size prefix).
enum class Form : uint8_t {
  kUnknown,
  kNone,
  kImmediate8,
  kImmediateZ,
  kImmediate16,
  kImmediate24,    // enter: 16 and 8
  kImmediateFull,  // mov r64, imm64
  kAddressFull,    // mov al, [moffs64]
  kRelative8,
  kRelative32,
  kOperand,   // modrm, and what it asks for
  kOperand8,  // and one byte more
  kOperandZ,  // and four
  kGroup3,    // modrm; test has an immediate, the others have none
  kGroup3Z,
};

constexpr size_t kLongest = 15;

bool is_between(uint8_t value, uint8_t low, uint8_t high) {
  return value >= low && value <= high;
}

// One-byte opcodes that take no operand: up to 3F they are arithmetic, in rows of eight.
Form form_of_arithmetic(uint8_t opcode) {
  switch (opcode & 7) {
    case 4:
      return Form::kImmediate8;
    case 5:
      return Form::kImmediateZ;
    case 6:
    case 7:
      return Form::kUnknown;  // pushes of segments and decimal arithmetic: not in 64-bit mode
    default:
      return Form::kOperand;
  }
}

Form form_of_upper_half(uint8_t opcode) {
  if (is_between(opcode, 0xA0, 0xA3)) return Form::kAddressFull;
  if (opcode == 0xA8 || is_between(opcode, 0xB0, 0xB7)) return Form::kImmediate8;
  if (opcode == 0xA9) return Form::kImmediateZ;
  if (is_between(opcode, 0xB8, 0xBF)) return Form::kImmediateFull;
  if (opcode == 0xC0 || opcode == 0xC1 || opcode == 0xC6) return Form::kOperand8;
  if (opcode == 0xC7) return Form::kOperandZ;
  if (opcode == 0xC2 || opcode == 0xCA) return Form::kImmediate16;
  if (opcode == 0xC8) return Form::kImmediate24;
  if (opcode == 0xCD || is_between(opcode, 0xE4, 0xE7)) return Form::kImmediate8;
  if (is_between(opcode, 0xD0, 0xD3) || is_between(opcode, 0xD8, 0xDF)) return Form::kOperand;
  if (is_between(opcode, 0xE0, 0xE3) || opcode == 0xEB) return Form::kRelative8;
  if (opcode == 0xE8 || opcode == 0xE9) return Form::kRelative32;
  if (opcode == 0xF6) return Form::kGroup3;
  if (opcode == 0xF7) return Form::kGroup3Z;
  if (opcode == 0xFE || opcode == 0xFF) return Form::kOperand;
  const bool undefined = opcode == 0xC4 || opcode == 0xC5 || opcode == 0xCE ||
                         is_between(opcode, 0xD4, 0xD6) || opcode == 0xEA || opcode == 0xF0 ||
                         opcode == 0xF2 || opcode == 0xF3 || opcode == 0x9A;
  return undefined ? Form::kUnknown : Form::kNone;
}

Form form_of_first_map(uint8_t opcode) {
  if (opcode < 0x40) return form_of_arithmetic(opcode);
  if (opcode == 0x63) return Form::kOperand;
  if (opcode == 0x68) return Form::kImmediateZ;
  if (opcode == 0x69) return Form::kOperandZ;
  if (opcode == 0x6A) return Form::kImmediate8;
  if (opcode == 0x6B || opcode == 0x80 || opcode == 0x83) return Form::kOperand8;
  if (is_between(opcode, 0x70, 0x7F)) return Form::kRelative8;
  if (opcode == 0x81) return Form::kOperandZ;
  if (opcode == 0x82 || opcode == 0x9A || is_between(opcode, 0x60, 0x67)) return Form::kUnknown;
  if (is_between(opcode, 0x84, 0x8F)) return Form::kOperand;
  return opcode < 0xA0 ? Form::kNone : form_of_upper_half(opcode);
}

bool has_immediate_in_second_map(uint8_t opcode) {
  return is_between(opcode, 0x70, 0x73) || opcode == 0xA4 || opcode == 0xAC || opcode == 0xBA ||
         opcode == 0xC2 || is_between(opcode, 0xC4, 0xC6);
}

Form form_of_second_map(uint8_t opcode) {
  if (is_between(opcode, 0x80, 0x8F)) return Form::kRelative32;
  const bool plain = is_between(opcode, 0x05, 0x09) || opcode == 0x0B || is_between(opcode, 0x30, 0x35) ||
                     opcode == 0x37 || opcode == 0x77 || is_between(opcode, 0xA0, 0xA2) ||
                     is_between(opcode, 0xA8, 0xAA) || is_between(opcode, 0xC8, 0xCF);
  if (plain) return Form::kNone;
  const bool unknown = opcode == 0x04 || opcode == 0x0A || opcode == 0x0C || opcode == 0x0E ||
                       opcode == 0x0F || is_between(opcode, 0x24, 0x27) || opcode == 0x36 ||
                       is_between(opcode, 0x38, 0x3F) || opcode == 0x78 || opcode == 0x79 || opcode == 0x7A ||
                       opcode == 0x7B || opcode == 0xA6 || opcode == 0xA7 || opcode == 0xB9 || opcode == 0xFF;
  if (unknown) return Form::kUnknown;
  return has_immediate_in_second_map(opcode) ? Form::kOperand8 : Form::kOperand;
}

class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> code) : code_(code.first(std::min(code.size(), kLongest))) {}

  std::optional<Instruction> run() {
    read_prefixes();
    const Form form = read_opcode();
    if (form == Form::kUnknown || !read_rest(form) || cut_off_) return std::nullopt;
    out_.length = static_cast<uint8_t>(at_);
    if (!set_flow(form)) return std::nullopt;
    return out_;
  }

 private:
  uint8_t next() {
    if (at_ < code_.size()) return code_[at_++];
    cut_off_ = true;
    return 0;
  }

  uint8_t peek() const { return at_ < code_.size() ? code_[at_] : 0; }

  bool skip(size_t bytes) {
    at_ += bytes;
    cut_off_ = cut_off_ || at_ > code_.size();
    return !cut_off_;
  }

  void read_prefixes() {
    for (;; ++at_) {
      const uint8_t byte = peek();
      if (byte == 0x66) {
        operand_size_ = true;
      } else if (byte == 0x67) {
        address_size_ = true;
      } else if (byte == 0xF3) {
        repeat_ = true;
      } else if (byte != 0xF0 && byte != 0xF2 && byte != 0x26 && byte != 0x2E && byte != 0x36 &&
                 byte != 0x3E && byte != 0x64 && byte != 0x65) {
        break;
      }
      has_prefix_ = true;
    }
    if ((peek() & 0xF0) == 0x40) rex_ = next();
  }

  Form read_opcode() {
    out_.opcode = next();
    if (out_.opcode == 0xC5 || out_.opcode == 0xC4) return read_vex(out_.opcode == 0xC4);
    if (out_.opcode == 0x62) return read_evex();
    if (out_.opcode != 0x0F) return form_of_first_map(out_.opcode);
    out_.opcode = next();
    out_.in_second_map = true;
    if (out_.opcode != 0x38 && out_.opcode != 0x3A) return form_of_second_map(out_.opcode);
    const bool third = out_.opcode == 0x3A;
    out_.in_second_map = false;
    out_.opcode = next();
    extended_ = true;
    return third ? Form::kOperand8 : Form::kOperand;
  }

  Form form_of_extension(unsigned map) {
    extended_ = true;
    if (map == 1) {
      const bool flow_or_none = is_between(out_.opcode, 0x80, 0x8F) || out_.opcode < 0x10;
      if (flow_or_none) return Form::kUnknown;
      if (out_.opcode == 0x77) return Form::kNone;  // vzeroupper
      return has_immediate_in_second_map(out_.opcode) ? Form::kOperand8 : Form::kOperand;
    }
    if (map == 3) return Form::kOperand8;
    return map == 2 || map == 5 || map == 6 ? Form::kOperand : Form::kUnknown;
  }

  Form read_vex(bool three_bytes) {
    const uint8_t first = next();
    const unsigned map = three_bytes ? first & 0x1F : 1;
    if (three_bytes) next();
    out_.opcode = next();
    if (rex_ != 0 || operand_size_ || repeat_ || map > 3) return Form::kUnknown;
    // Mask registers: 41-4B, 90-93, 98, 99 of map 1; 30-33 of map 3. The same forms.
    return form_of_extension(map);
  }

  Form read_evex() {
    const uint8_t first = next();
    const uint8_t second = next();
    next();
    out_.opcode = next();
    if (rex_ != 0 || operand_size_ || repeat_ || (first & 0x08) != 0 || (second & 0x04) == 0)
      return Form::kUnknown;
    if (out_.opcode == 0x77) return Form::kUnknown;
    return form_of_extension(first & 7);
  }

  bool read_operand() {
    modrm_ = next();
    const unsigned mode = modrm_ >> 6;
    const unsigned base = modrm_ & 7;
    if (mode == 3) return true;
    if (base == 4) {
      const uint8_t sib = next();
      if (mode == 0 && (sib & 7) == 5) return skip(4);
    } else if (base == 5 && mode == 0) {
      if (address_size_) return false;  // relative to eip
      out_.displacement_at = static_cast<uint8_t>(at_);
      return skip(4);
    }
    return skip(mode == 1 ? 1 : mode == 2 ? 4 : 0);
  }

  size_t immediate_z() const { return operand_size_ && (rex_ & 8) == 0 ? 2 : 4; }

  bool read_rest(Form form) {
    switch (form) {
      case Form::kUnknown:
        return false;
      case Form::kNone:
        return true;
      case Form::kImmediate8:
        return skip(1);
      case Form::kImmediate16:
        return skip(2);
      case Form::kImmediate24:
        return skip(3);
      case Form::kImmediateZ:
        return skip(immediate_z());
      case Form::kImmediateFull:
        return skip((rex_ & 8) != 0 ? 8 : immediate_z());
      case Form::kAddressFull:
        return skip(address_size_ ? 4 : 8);
      case Form::kRelative8:
        return skip(1);
      case Form::kRelative32:
        // Makers of processors disagree about a relative offset behind an operand-size prefix.
        return (!operand_size_ || (rex_ & 8) != 0) && skip(4);
      case Form::kOperand:
        return read_operand();
      case Form::kOperand8:
        return read_operand() && skip(1);
      case Form::kOperandZ:
        return read_operand() && skip(immediate_z());
      case Form::kGroup3:
      case Form::kGroup3Z:
        if (!read_operand()) return false;
        if ((modrm_ >> 3 & 7) > 1) return true;
        return skip(form == Form::kGroup3 ? 1 : immediate_z());
    }
    return false;
  }

  void set_target(size_t bytes) {
    int64_t offset = 0;
    if (bytes == 1) {
      offset = int64_t{code_[at_ - 1]} - (code_[at_ - 1] >= 0x80 ? 0x100 : 0);
    } else {
      int32_t wide = 0;
      std::memcpy(&wide, code_.data() + at_ - 4, sizeof wide);
      offset = wide;
    }
    out_.target = static_cast<int64_t>(at_) + offset;
  }

  // False for what is defined nowhere.
  bool set_flow(Form form) {
    if (form == Form::kRelative8 || form == Form::kRelative32) set_target(form == Form::kRelative8 ? 1 : 4);
    if (extended_) return true;
    if (out_.in_second_map) {
      if (form == Form::kRelative32) out_.flow = Flow::kConditional;
      if (out_.opcode == 0x0B) out_.flow = Flow::kStop;
      if (out_.opcode == 0x07 || out_.opcode == 0x35) return false;  // the kernel's way back
      out_.is_padding = out_.opcode == 0x1F;
      out_.is_landing_pad = out_.opcode == 0x1E && repeat_ && modrm_ == 0xFA && out_.length == 4;
      return true;
    }
    return set_flow_of_first_map();
  }

  bool set_flow_of_first_map() {
    const uint8_t opcode = out_.opcode;
    const unsigned reg = modrm_ >> 3 & 7;
    if (is_between(opcode, 0x70, 0x7F)) out_.flow = Flow::kConditional;
    if (is_between(opcode, 0xE0, 0xE3)) out_.flow = Flow::kShortLoop;
    if (opcode == 0xE8) out_.flow = Flow::kCall;
    if (opcode == 0xE9 || opcode == 0xEB) out_.flow = Flow::kJump;
    if (opcode == 0xC2 || opcode == 0xC3 || opcode == 0xCA || opcode == 0xCB || opcode == 0xCF)
      out_.flow = Flow::kReturn;
    if (opcode == 0xCC || opcode == 0xF4 || opcode == 0xF1) out_.flow = Flow::kStop;
    out_.is_padding = opcode == 0xCC || (opcode == 0x90 && !repeat_ && rex_ == 0);
    if (opcode == 0x8F) return reg == 0;  // the others are XOP
    if (opcode == 0xFE) return reg < 2;
    if (opcode == 0xC6 || opcode == 0xC7) {
      if (opcode == 0xC7 && modrm_ == 0xF8) {
        if (operand_size_) return false;
        out_.flow = Flow::kTransaction;
        set_target(4);
        return true;
      }
      return reg == 0 || modrm_ == 0xF8;
    }
    if (opcode != 0xFF) return true;
    if (reg == 2) out_.flow = Flow::kIndirectCall;
    if (reg == 4) out_.flow = Flow::kIndirectJump;
    return reg != 3 && reg != 5 && reg != 7;
  }

  std::span<const uint8_t> code_;
  size_t at_ = 0;
  bool cut_off_ = false;
  bool operand_size_ = false;
  bool address_size_ = false;
  bool repeat_ = false;
  bool has_prefix_ = false;
  bool extended_ = false;  // of a map behind 0F 38, 0F 3A, VEX or EVEX: never a jump
  uint8_t rex_ = 0;
  uint8_t modrm_ = 0;
  Instruction out_;
};

}  // namespace

std::optional<Instruction> decode(std::span<const uint8_t> code) {
  return Decoder(code).run();
}

}  // namespace leakhunt::machine_code
