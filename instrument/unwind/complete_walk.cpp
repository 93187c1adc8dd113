#include "instrument/unwind/complete_walk.h"

#include "instrument/unwind/cfa_program.h"
#include "instrument/unwind/expression.h"
#include "instrument/unwind/stack_window.h"

namespace leakhunt::tracker {

namespace {

// Own frames between here and the hook: a handful.
constexpr unsigned kMaxOwnFrames = 32;

constexpr uint32_t bit(unsigned number) {
  return 1u << number;
}

struct Registers {
  uint64_t values[kRegisters];
  uint32_t known;  // a bit for each

  uint64_t pc() const { return values[kReturnAddress]; }
  uint64_t sp() const { return values[kRsp]; }
  void set(unsigned number, uint64_t value) {
    values[number] = value;
    known |= bit(number);
  }
};

// Those a function must preserve for its caller, and where we are.
inline __attribute__((always_inline)) void read_registers(Registers* registers) {
  uint64_t rbx;
  uint64_t rbp;
  uint64_t rsp;
  uint64_t saved[4];
  uint64_t pc;
  __asm__ volatile(
      "movq %%rbx, %0\n\t"
      "movq %%rbp, %1\n\t"
      "movq %%rsp, %2\n\t"
      "leaq 0f(%%rip), %3\n"
      "0:"
      : "=&r"(rbx), "=&r"(rbp), "=&r"(rsp), "=&r"(pc));
  __asm__ volatile(
      "movq %%r12, (%0)\n\t"
      "movq %%r13, 8(%0)\n\t"
      "movq %%r14, 16(%0)\n\t"
      "movq %%r15, 24(%0)"
      :
      : "a"(saved)
      : "memory");
  registers->known = 0;
  registers->set(kRbx, rbx);
  registers->set(kRbp, rbp);
  registers->set(kRsp, rsp);
  for (unsigned i = 0; i < 4; ++i) registers->set(kR12 + i, saved[i]);
  registers->set(kReturnAddress, pc);
}

class CompleteWalk {
 public:
  enum class Outcome { kOn, kEnd, kLost };

  CompleteWalk(const StackBounds& stack, const Registers& start)
      : stack_(stack), window_(stack, start.sp()), now_(start) {}

  uint64_t pc() const { return now_.pc(); }
  uint64_t sp() const { return now_.sp(); }

  // To the caller.
  Outcome step() {
    const uintptr_t address = interrupted_ ? pc() : pc() - 1;
    UnwindObject object;
    FrameDescription description;
    CfaRow row;
    if (!find_unwind_object(address, &object) || !find_frame_description(object, address, &description)) {
      return Outcome::kLost;
    }
    if (!run_cfa_program(description, address, &row)) return Outcome::kLost;
    if (row.saved[kReturnAddress] == Saved::kUndefined) return Outcome::kEnd;
    Registers caller{};
    uint64_t cfa = 0;
    if (!find_cfa(row, &cfa) || !restore(row, cfa, &caller)) return Outcome::kLost;
    if (!description.signal_frame && caller.sp() <= sp()) return Outcome::kLost;
    if (description.signal_frame) window_.enter_interrupted(stack_, caller.sp());
    now_ = caller;
    interrupted_ = description.signal_frame;
    return pc() == 0 ? Outcome::kEnd : Outcome::kOn;
  }

 private:
  ExpressionInputs inputs() { return {pc(), now_.values, &window_, now_.known}; }

  bool evaluate(int64_t expression, const Term* cfa, uint64_t* value) {
    Term term;
    if (!evaluate_expression(expression_at(expression), inputs(), cfa, &term)) return false;
    *value = static_cast<uint64_t>(term.offset);  // with known registers all is constant
    return true;
  }

  bool find_cfa(const CfaRow& row, uint64_t* cfa) {
    if (row.cfa_by_expression) return evaluate(row.cfa, nullptr, cfa);
    if ((now_.known & bit(row.cfa_register)) == 0) return false;
    *cfa = now_.values[row.cfa_register] + static_cast<uint64_t>(row.cfa);
    return true;
  }

  // The caller's registers. What cannot be found is unknown; only stack pointer and program counter must be
  // found.
  bool restore(const CfaRow& row, uint64_t cfa, Registers* caller) {
    for (unsigned number = 0; number < kRegisters; ++number) {
      uint64_t value = 0;
      if (restore_one(row, number, cfa, &value)) caller->set(number, value);
    }
    if (row.saved[kRsp] == Saved::kSame) caller->set(kRsp, cfa);
    constexpr uint32_t kNeeded = bit(kRsp) | bit(kReturnAddress);
    return (caller->known & kNeeded) == kNeeded;
  }

  bool restore_one(const CfaRow& row, unsigned number, uint64_t cfa, uint64_t* value) {
    const int64_t rule = row.values[number];
    const Term cfa_term = constant_term(cfa);
    switch (row.saved[number]) {
      case Saved::kSame:
        *value = now_.values[number];
        return number != kReturnAddress && (now_.known & bit(number)) != 0;
      case Saved::kAtCfa:
        return window_.read(cfa + static_cast<uint64_t>(rule), value);
      case Saved::kCfaPlus:
        *value = cfa + static_cast<uint64_t>(rule);
        return true;
      case Saved::kInRegister:
        if (rule < 0 || rule >= kRegisters || (now_.known & bit(static_cast<unsigned>(rule))) == 0)
          return false;
        *value = now_.values[rule];
        return true;
      case Saved::kAtExpression: {
        uint64_t address = 0;
        return evaluate(rule, &cfa_term, &address) && window_.read(address, value);
      }
      case Saved::kIsExpression:
        return evaluate(rule, &cfa_term, value);
      default:
        return false;
    }
  }

  const StackBounds& stack_;
  StackWindow window_;
  Registers now_;
  bool interrupted_ = true;  // begins at its own instruction, not behind a call
};

}  // namespace

__attribute__((noinline)) CapturedStack complete_walk(const void* hook_frame, const StackBounds& stack,
                                                      uint64_t* frames, size_t max_frames) {
  using Outcome = CompleteWalk::Outcome;
  Registers start;
  read_registers(&start);
  CompleteWalk walk(stack, start);
  const uintptr_t callers_sp = reinterpret_cast<uintptr_t>(hook_frame) + 2 * sizeof(uintptr_t);
  for (unsigned own = 0; walk.sp() != callers_sp; ++own) {
    if (own == kMaxOwnFrames || walk.step() != Outcome::kOn) return {0, true, 0};
  }
  for (size_t count = 0;;) {
    if (count == max_frames) return {count, true, 0};
    frames[count++] = walk.pc();
    const Outcome outcome = walk.step();
    if (outcome != Outcome::kOn) return {count, outcome == Outcome::kLost, 0};
  }
}

}  // namespace leakhunt::tracker
