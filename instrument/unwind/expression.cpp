// Operations: DWARF 5, 2.5.1 and 7.7.1.
#include "instrument/unwind/expression.h"

#include "instrument/unwind/dwarf_cursor.h"

namespace leakhunt::tracker {

namespace {

enum : uint8_t {
  kDereference = 0x06,
  kConst1u = 0x08,
  kConst1s = 0x09,
  kConst2u = 0x0A,
  kConst2s = 0x0B,
  kConst4u = 0x0C,
  kConst4s = 0x0D,
  kConst8u = 0x0E,
  kConst8s = 0x0F,
  kConstUleb = 0x10,
  kConstSleb = 0x11,
  kDuplicate = 0x12,
  kDrop = 0x13,
  kOver = 0x14,
  kSwap = 0x16,
  kAnd = 0x1A,
  kMinus = 0x1C,
  kMultiply = 0x1E,
  kNegate = 0x1F,
  kNot = 0x20,
  kOr = 0x21,
  kPlus = 0x22,
  kPlusUleb = 0x23,
  kShiftLeft = 0x24,
  kShiftRight = 0x25,
  kXor = 0x27,
  kEqual = 0x29,
  kGreaterOrEqual = 0x2A,
  kGreater = 0x2B,
  kLessOrEqual = 0x2C,
  kLess = 0x2D,
  kNotEqual = 0x2E,
  kLiteral0 = 0x30,
  kLiteral31 = 0x4F,
  kRegister0 = 0x70,
  kRegister31 = 0x8F,
  kNoOperation = 0x96,
};

class ExpressionMachine {
 public:
  explicit ExpressionMachine(const ExpressionInputs& inputs) : inputs_(inputs) {}

  bool run(const uint8_t* expression, const Term* cfa, Term* result) {
    DwarfCursor length(expression, expression + 10);
    const uint64_t bytes = length.uleb();
    DwarfCursor cursor(length.at(), length.at() + bytes);
    if (cfa != nullptr) push(*cfa);
    while (cursor.more()) {
      if (!step(&cursor) || cursor.failed()) return false;
    }
    return pop(result);
  }

 private:
  bool step(DwarfCursor* cursor) {
    const uint8_t operation = cursor->read<uint8_t>();
    if (operation >= kLiteral0 && operation <= kLiteral31) return push(constant_term(operation - kLiteral0));
    if (operation >= kRegister0 && operation <= kRegister31) {
      return push_register(static_cast<uint8_t>(operation - kRegister0), cursor->sleb());
    }
    switch (operation) {
      case kConst1u:
        return push(constant_term(cursor->read<uint8_t>()));
      case kConst1s:
        return push(constant_term(static_cast<uint64_t>(int64_t{cursor->read<int8_t>()})));
      case kConst2u:
        return push(constant_term(cursor->read<uint16_t>()));
      case kConst2s:
        return push(constant_term(static_cast<uint64_t>(int64_t{cursor->read<int16_t>()})));
      case kConst4u:
        return push(constant_term(cursor->read<uint32_t>()));
      case kConst4s:
        return push(constant_term(static_cast<uint64_t>(int64_t{cursor->read<int32_t>()})));
      case kConst8u:
      case kConst8s:
        return push(constant_term(cursor->read<uint64_t>()));
      case kConstUleb:
        return push(constant_term(cursor->uleb()));
      case kConstSleb:
        return push(constant_term(static_cast<uint64_t>(cursor->sleb())));
      case kPlusUleb:
        return add_constant(cursor->uleb());
      case kNoOperation:
        return true;
      default:
        return rearrange(operation) || combine(operation);
    }
  }

  // Operations on the stack as such.
  bool rearrange(uint8_t operation) {
    Term top;
    switch (operation) {
      case kDuplicate:
        return depth_ >= 1 && push(stack_[depth_ - 1]);
      case kOver:
        return depth_ >= 2 && push(stack_[depth_ - 2]);
      case kDrop:
        return pop(&top);
      case kDereference:
        return pop(&top) && load(top);
      case kSwap:
        if (depth_ < 2) return false;
        top = stack_[depth_ - 1];
        stack_[depth_ - 1] = stack_[depth_ - 2];
        stack_[depth_ - 2] = top;
        return true;
      default:
        return false;
    }
  }

  bool combine(uint8_t operation) {
    Term right;
    Term left;
    if (!pop(&right)) return false;
    if (operation == kNegate || operation == kNot) {
      if (right.kind != Term::kConstant) return false;
      return push(constant_term(operation == kNot ? ~static_cast<uint64_t>(right.offset)
                                                  : 0 - static_cast<uint64_t>(right.offset)));
    }
    if (!pop(&left)) return false;
    if (operation == kPlus && left.kind == Term::kConstant) return push(right) && add_constant(left);
    if (right.kind != Term::kConstant) return false;
    if (operation == kPlus) return push(left) && add_constant(right);
    if (operation == kMinus) return push(left) && add_constant(0 - static_cast<uint64_t>(right.offset));
    uint64_t value = 0;
    return left.kind == Term::kConstant && calculate(operation, left.offset, right.offset, &value) &&
           push(constant_term(value));
  }

  // Comparisons are signed (DWARF 5, 2.5.1.5).
  static bool calculate(uint8_t operation, int64_t left, int64_t right, uint64_t* value) {
    const uint64_t x = static_cast<uint64_t>(left);
    const uint64_t y = static_cast<uint64_t>(right);
    switch (operation) {
      case kAnd:
        *value = x & y;
        return true;
      case kOr:
        *value = x | y;
        return true;
      case kXor:
        *value = x ^ y;
        return true;
      case kMultiply:
        *value = x * y;
        return true;
      case kShiftLeft:
        *value = y < 64 ? x << y : 0;
        return true;
      case kShiftRight:
        *value = y < 64 ? x >> y : 0;
        return true;
      case kEqual:
        *value = left == right;
        return true;
      case kNotEqual:
        *value = left != right;
        return true;
      case kGreater:
        *value = left > right;
        return true;
      case kGreaterOrEqual:
        *value = left >= right;
        return true;
      case kLess:
        *value = left < right;
        return true;
      case kLessOrEqual:
        *value = left <= right;
        return true;
      default:
        return false;
    }
  }

  bool push_register(uint8_t number, int64_t offset) {
    const uint64_t distance = static_cast<uint64_t>(offset);
    if (number == kReturnAddress) return push(constant_term(inputs_.pc + distance));
    if (inputs_.registers == nullptr) return push(register_term(number, offset));
    if (number >= kRegisters || (inputs_.known >> number & 1) == 0) return false;
    return push(constant_term(inputs_.registers[number] + distance));
  }

  bool load(const Term& address) {
    if (address.kind == Term::kRegister) return push({Term::kLoaded, address.base, address.offset, 0});
    uint64_t value = 0;
    return address.kind == Term::kConstant && inputs_.window != nullptr &&
           inputs_.window->read(static_cast<uintptr_t>(address.offset), &value) && push(constant_term(value));
  }

  bool add_constant(const Term& amount) { return add_constant(static_cast<uint64_t>(amount.offset)); }
  bool add_constant(uint64_t amount) {
    if (depth_ == 0) return false;
    Term& top = stack_[depth_ - 1];
    int64_t& sum = top.kind == Term::kLoaded ? top.added : top.offset;
    sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + amount);
    return true;
  }

  bool push(const Term& term) {
    if (depth_ == kMaxDepth) return false;
    stack_[depth_++] = term;
    return true;
  }
  bool pop(Term* term) {
    if (depth_ == 0) return false;
    *term = stack_[--depth_];
    return true;
  }

  static constexpr unsigned kMaxDepth = 16;
  const ExpressionInputs& inputs_;
  Term stack_[kMaxDepth];
  unsigned depth_ = 0;
};

}  // namespace

bool evaluate_expression(const uint8_t* expression, const ExpressionInputs& inputs, const Term* cfa,
                         Term* result) {
  ExpressionMachine machine(inputs);
  return machine.run(expression, cfa, result);
}

}  // namespace leakhunt::tracker
