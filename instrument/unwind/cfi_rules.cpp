// The walk by cached rules. Three speeds, each falling back on the next:
//
//   last_walk.h      the caller is where it was at the last allocation     about a nanosecond a frame
//   rule_cache.h     the rule of the pc is known                           about five
//   rule.h           the rule is derived from .eh_frame                    a microsecond, once for each pc
//
// and complete_walk.h for stacks that need more than rsp and rbp.
#include "instrument/os/atomics.h"
#include "instrument/unwind/complete_walk.h"
#include "instrument/unwind/last_walk.h"
#include "instrument/unwind/rule_cache.h"
#include "instrument/unwind/stack_key.h"
#include "instrument/unwind/stack_window.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

namespace {

constinit RuleCache rules;

constexpr uintptr_t kWord = sizeof(uintptr_t);

enum class Step {
  kOn,
  kEnd,        // there is no caller
  kLost,       // there is one, but it cannot be found
  kNeedsMore,  // than rsp and rbp
};

class Walk {
 public:
  Walk(const void* hook_frame, const StackBounds& stack)
      : stack_(stack), window_(stack, reinterpret_cast<uintptr_t>(hook_frame)) {}

  // The state behind the call of the hook: its frame pointer says all of it. False when that is not readable.
  bool start(const void* hook_frame) {
    const uintptr_t frame = reinterpret_cast<uintptr_t>(hook_frame);
    state_.sp = frame + 2 * kWord;
    state_.bp_source = frame;
    state_.interrupted = false;
    return window_.read(frame, &state_.bp) && window_.read(frame + kWord, &state_.pc);
  }

  bool on_own_stack() const { return window_.own(); }

  // The key is that of the frames when it is found on the way, else 0.
  CapturedStack run(LastWalk* last, uint64_t* frames, size_t max_frames, bool* needs_more);

 private:
  // To the caller. The two shapes that nearly all code has come first.
  Step step() {
    const PackedRule rule = rules.find(state_.pc, state_.interrupted);
    return likely(is_plain(rule)) ? step_plainly(rule) : step_otherwise(rule);
  }

  static bool is_plain(PackedRule rule) {
    return kind_of(rule) == RuleKind::kFromSp || kind_of(rule) == RuleKind::kFromBp;
  }

  // Without branches on what differs from frame to frame: guessed wrong, each would cost more than all else
  // here.
  Step step_plainly(PackedRule rule) {
    const uintptr_t from_sp = uintptr_t{0} - uintptr_t{kind_of(rule) == RuleKind::kFromSp};
    const uintptr_t cfa = (state_.bp ^ ((state_.bp ^ state_.sp) & from_sp)) + cfa_distance(rule);
    const uintptr_t distance = bp_distance(rule);
    const bool saved = distance != 0;
    const uintptr_t slot = saved ? cfa - distance : cfa - kWord;
    if (unlikely(cfa <= state_.sp || !window_.covers(cfa - kWord) || !window_.covers(slot)))
      return Step::kLost;
    const uintptr_t loaded = *reinterpret_cast<const uintptr_t*>(slot);
    state_.bp = saved ? loaded : state_.bp;
    state_.bp_source = saved ? slot : 0;
    state_.pc = *reinterpret_cast<const uint64_t*>(cfa - kWord);
    state_.sp = cfa;
    state_.interrupted = false;
    return likely(state_.pc != 0) ? Step::kOn : Step::kEnd;
  }

  // The caller's frame begins at `cfa`; its rbp lies at `bp_slot`, or is the present one when that is 0.
  Step step_to(uintptr_t cfa, uintptr_t bp_slot) {
    if (unlikely(cfa <= state_.sp || !window_.read(cfa - kWord, &state_.pc))) return Step::kLost;
    if (bp_slot != 0 && unlikely(!window_.read(bp_slot, &state_.bp))) return Step::kLost;
    state_.bp_source = bp_slot;
    state_.sp = cfa;
    state_.interrupted = false;
    return likely(state_.pc != 0) ? Step::kOn : Step::kEnd;
  }

  Step step_otherwise(PackedRule rule);
  Step step_wide(const Rule& rule);
  Step step_over_signal();
  Step step_without_rule();
  bool is_frame(uintptr_t bp);
  bool begins_here(const UnwindObject& object) const;

  const StackBounds& stack_;
  StackWindow window_;
  WalkState state_;
};

__attribute__((noinline)) Step Walk::step_otherwise(PackedRule rule) {
  Rule derived{};
  const bool known = rule != 0;
  if (!known) rule = rules.learn(state_.pc, state_.interrupted, &derived);
  switch (kind_of(rule)) {
    case RuleKind::kFromSp:
    case RuleKind::kFromBp:
      return step_plainly(rule);
    case RuleKind::kWide:
      return step_wide(known ? rules.wide(rule) : derived);
    case RuleKind::kEnd:
      return Step::kEnd;
    case RuleKind::kSignal:
      return step_over_signal();
    case RuleKind::kComplex:
      return Step::kNeedsMore;
    default:
      return step_without_rule();
  }
}

Step Walk::step_wide(const Rule& rule) {
  const bool from_sp = rule.cfa == CfaBase::kSp || rule.cfa == CfaBase::kLoadedFromSp;
  const bool loaded = rule.cfa == CfaBase::kLoadedFromSp || rule.cfa == CfaBase::kLoadedFromBp;
  uintptr_t cfa = (from_sp ? state_.sp : state_.bp) + static_cast<uintptr_t>(int64_t{rule.cfa_offset});
  if (loaded) {
    if (!window_.read(cfa, &cfa)) return Step::kLost;
    cfa += static_cast<uintptr_t>(int64_t{rule.cfa_added});
  }
  const uintptr_t bp_offset = static_cast<uintptr_t>(int64_t{rule.bp_offset});
  uintptr_t bp_slot = 0;
  switch (rule.saved_bp) {
    case SavedBp::kUntouched:
      break;
    case SavedBp::kAtCfa:
      bp_slot = cfa + bp_offset;
      break;
    case SavedBp::kAtSp:
      bp_slot = state_.sp + bp_offset;
      break;
    case SavedBp::kAtBp:
      bp_slot = state_.bp + bp_offset;
      break;
  }
  const Step step = step_to(cfa, bp_slot);
  if (loaded) state_.bp_source = kNotRepeatable;
  return step;
}

// When a handler returns, rsp is at the ucontext the kernel wrote (its struct rt_sigframe: return address,
// ucontext, siginfo). Places of the registers in it: the kernel's struct ucontext and struct sigcontext, part
// of the ABI.
Step Walk::step_over_signal() {
  constexpr uintptr_t kBpInContext = 120;
  constexpr uintptr_t kSpInContext = 160;
  constexpr uintptr_t kPcInContext = 168;
  const uintptr_t context = state_.sp;
  if (!window_.read(context + kBpInContext, &state_.bp) ||
      !window_.read(context + kSpInContext, &state_.sp) ||
      !window_.read(context + kPcInContext, &state_.pc)) {
    return Step::kLost;
  }
  state_.interrupted = true;
  window_.enter_interrupted(stack_, state_.sp);  // the handler may have had a stack of its own
  return state_.pc != 0 ? Step::kOn : Step::kLost;
}

// Whether the word may be a return address into code with rules.
bool is_in_known_code(uintptr_t word) {
  UnwindObject object;
  FrameDescription description;
  return find_unwind_object(word - 1, &object) && find_frame_description(object, word - 1, &description);
}

// A frame register is believed when it leads to a return address into known code, and no other one lies on
// the way there: code that keeps no frame register leaves its caller's there, and that frame would be
// skipped.
bool Walk::is_frame(uintptr_t bp) {
  constexpr uintptr_t kMaxLocals = 128;
  uint64_t word = 0;
  if (bp < state_.sp || bp - state_.sp > kMaxLocals * kWord) return false;
  for (uintptr_t at = state_.sp; at < bp; at += kWord) {
    if (!window_.read(at, &word) || is_in_known_code(word)) return false;
  }
  return window_.read(bp + kWord, &word) && is_in_known_code(word);
}

// Whether the pc, in a loaded object, is where a stack begins. A return address at a function's first
// instruction comes from no call: it was put there by hand, as makecontext does. And in the loader's entry
// rbp is still the 0 a process begins with (System V ABI for x86-64, 3.4.1: it marks the deepest frame).
bool Walk::begins_here(const UnwindObject& object) const {
  FrameDescription description;
  return state_.bp == 0 ||
         (find_frame_description(object, state_.pc, &description) && description.begin == state_.pc);
}

// Code without rules: assembly, or made at run time. It may be the return from a signal handler of a libc
// without rules for it, or the stack's beginning. Otherwise it gets one try by frame pointer.
Step Walk::step_without_rule() {
  constexpr uintptr_t kLongestLook = 16;
  UnwindObject object;
  if (find_unwind_object(state_.pc, &object)) {
    if (object.end - state_.pc >= kLongestLook && is_signal_return(state_.pc)) return step_over_signal();
    if (begins_here(object)) return Step::kEnd;
  }
  if (!is_frame(state_.bp)) return Step::kLost;
  const Step step = step_to(state_.bp + 2 * kWord, state_.bp);
  state_.bp_source = kNotRepeatable;  // the next time there may be other code
  return step;
}

CapturedStack Walk::run(LastWalk* last, uint64_t* frames, size_t max_frames, bool* needs_more) {
  size_t count = 0;
  frames[count++] = state_.pc;
  for (;;) {
    if (last != nullptr && last->meets(state_)) {
      count = last->follow(&state_, frames, count, max_frames);
      if (last->at_end()) return {count, false, last->end_complete()};
    }
    const Step step = this->step();
    if (likely(step == Step::kOn)) {
      if (unlikely(state_.interrupted) && last != nullptr) {  // perhaps on another stack now
        last->end_forgotten();
        last = nullptr;
      }
      if (likely(count < max_frames)) {
        frames[count++] = state_.pc;
        continue;
      }
      if (last != nullptr) last->end_full();
      return {count, true, 0};
    }
    *needs_more = step == Step::kNeedsMore;
    if (last == nullptr) return {count, step != Step::kEnd, 0};
    if (step == Step::kEnd) return {count, false, last->end_complete()};
    last->end_lost();
    return {count, true, 0};
  }
}

}  // namespace

CapturedStack capture_by_cfi_rules(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                                   size_t max_frames) {
  Walk walk(hook_frame, stack);
  if (unlikely(max_frames == 0 || !walk.start(hook_frame))) return {0, true, kTruncatedStack};
  LastWalk* last = walk.on_own_stack() ? LastWalk::take(stack, rules.generation()) : nullptr;
  bool needs_more = false;
  CapturedStack captured = walk.run(last, frames, max_frames, &needs_more);
  if (unlikely(needs_more)) {
    const CapturedStack complete = complete_walk(hook_frame, stack, frames, max_frames);
    if (complete.count != 0) captured = complete;
  }
  if (unlikely(captured.key == 0)) captured.key = stack_key(frames, captured.count, captured.truncated);
  return captured;
}

void forget_unwind_rules() {
  rules.forget();
}

void continue_unwinding_in_child() {
  rules.unlock_in_child();
  LastWalk::forget_all_in_child();
}

}  // namespace leakhunt::tracker
