#include "instrument/tracker/kept_registers.h"

#include "instrument/unwind/cfa_program.h"
#include "instrument/unwind/eh_frame.h"

namespace leakhunt::tracker {

namespace {

constexpr unsigned kMostFrames = 512;
constexpr uintptr_t kMostGuessed = 32 << 10;  // of one function's frame
constexpr unsigned kKeptRegisters = 6;
constexpr uint8_t kKept[kKeptRegisters] = {kRbx, kRbp, kR12, kR13, kR14, kR15};

class StandingStack {
 public:
  StandingStack(const ScannedThread& thread, const ScanInput& input)
      : thread_(thread), input_(input), pc_(thread.pc), sp_(thread.sp) {}

  unsigned registers_in_use() {
    const Step last = walk();
    unsigned count = 0;
    for (const Use use : uses_) count += use == Use::kInUse || (use == Use::kNotSaved && last != Step::kEnd);
    return count;
  }

 private:
  enum class Step : uint8_t { kOn, kEnd, kLost };
  enum class Use : uint8_t { kNotSaved, kInUse, kIsNone };

  bool read(uintptr_t address, uintptr_t* word) const {
    if (address < thread_.sp || address + sizeof *word > thread_.stack_high || address % sizeof *word != 0)
      return false;
    *word = *reinterpret_cast<const uintptr_t*>(address);
    return true;
  }

  Step walk() {
    Step step = Step::kOn;
    while (step == Step::kOn && frames_ < kMostFrames) step = to_caller(frames_++ == 0);
    return step;
  }

  // A function that finds its frame by rbp, and nobody inside of it has saved that. The first place above the
  // stack pointer from which the walk comes to the stack's end: the frame, or what is left there of a call
  // that the function or one of its callers made before, and which led back to them. So the walk comes by all
  // that called it, and maybe by others.
  Step guess_frame(const CfaRow& row) {
    const uintptr_t end = thread_.stack_high - sp_ > kMostGuessed ? sp_ + kMostGuessed : thread_.stack_high;
    for (uintptr_t bp = sp_; !guessed_ && bp < end; bp += sizeof bp) {
      const uintptr_t cfa = bp + static_cast<uintptr_t>(row.cfa);
      uintptr_t caller = 0;
      UnwindObject object{};
      if (!read(cfa + static_cast<uintptr_t>(row.values[kReturnAddress]), &caller) ||
          !find_unwind_object(caller - 1, &object))
        continue;
      StandingStack guess = *this;
      guess.guessed_ = true;
      guess.bp_ = bp;
      guess.knows_bp_ = true;
      if (guess.go_to(row, cfa) != Step::kOn || guess.walk() != Step::kEnd) continue;
      for (unsigned i = 0; i < kKeptRegisters; ++i) uses_[i] = guess.uses_[i];
      return Step::kEnd;
    }
    return Step::kLost;
  }

  Step go_to(const CfaRow& row, uintptr_t cfa) {
    const auto saved_at = [&](uint8_t number) { return cfa + static_cast<uintptr_t>(row.values[number]); };
    if (row.saved[kRbp] == Saved::kAtCfa) knows_bp_ = read(saved_at(kRbp), &bp_);
    if (cfa <= sp_ || !read(saved_at(kReturnAddress), &pc_)) return Step::kLost;
    sp_ = cfa;
    return Step::kOn;
  }

  Step to_caller(bool innermost) {
    // Of the others the call is in front of the return address, and may be the function's last instruction.
    const uintptr_t at = innermost ? pc_ : pc_ - 1;
    UnwindObject object{};
    FrameDescription description{};
    CfaRow row{};
    if (!find_unwind_object(at, &object) || !find_frame_description(object, at, &description) ||
        !run_cfa_program(description, at, &row))
      return Step::kLost;
    decide(row, at);
    if (row.saved[kReturnAddress] == Saved::kUndefined) return Step::kEnd;
    if (row.cfa_by_expression || row.saved[kReturnAddress] != Saved::kAtCfa) return Step::kLost;
    if (row.cfa_register == kRbp && !knows_bp_) return guess_frame(row);
    if (row.cfa_register != kRsp && row.cfa_register != kRbp) return Step::kLost;
    return go_to(row, (row.cfa_register == kRsp ? sp_ : bp_) + static_cast<uintptr_t>(row.cfa));
  }

  static bool lies_in(const AddressRange& code, uintptr_t at) { return at >= code.begin && at < code.end; }

  // Whose the registers are that this function has saved, and none inside of it.
  void decide(const CfaRow& row, uintptr_t at) {
    const bool is_ours = lies_in(input_.libc_code, at) || lies_in(input_.own_code, at);
    const bool has_frame = !row.cfa_by_expression && row.cfa_register == kRbp;
    for (unsigned i = 0; i < kKeptRegisters; ++i) {
      if (uses_[i] != Use::kNotSaved || row.saved[kKept[i]] == Saved::kSame) continue;
      const bool is_none = is_ours || (kKept[i] == kRbp && has_frame);
      if (!is_none) uses_[i] = Use::kInUse;
      if (is_none && !guessed_) uses_[i] = Use::kIsNone;
    }
  }

  const ScannedThread& thread_;
  const ScanInput& input_;
  uintptr_t pc_;
  uintptr_t sp_;
  uintptr_t bp_ = 0;
  bool knows_bp_ = false;
  bool guessed_ = false;
  unsigned frames_ = 0;
  Use uses_[kKeptRegisters] = {};
};

}  // namespace

unsigned registers_in_use(const ScannedThread& thread, const ScanInput& input) {
  return StandingStack(thread, input).registers_in_use();
}

}  // namespace leakhunt::tracker
