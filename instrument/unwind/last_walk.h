// LastWalk: what the last walk of this thread passed through, so that the next one need not derive it again.
//
// A frame's state is (pc, sp, rbp). The state of its caller follows from it, from the rule of the pc, which
// is fixed, and from two words of the stack: the return address and, where the rule says so, the saved rbp.
// So where a walk comes to a state that the last one had too, its callers are the same for as long as those
// words hold the same values - two comparisons a frame that do not wait for one another.
//
//   records_   [ unused | begin_: innermost ... outermost | kRecords ]     grows downwards, as the stack does
//   fresh_     states of this walk that the last one did not have; they replace records [from_, cursor_)
//
// One to a stack, found by the stack's end: a stack has one thread at a time. Never given back, but taken
// over by the next thread whose stack ends there. Only for walks on the thread's own stack, all of which
// stays mapped.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

// A frame on the way outwards.
struct WalkState {
  uint64_t pc;
  uintptr_t sp;
  uintptr_t bp;
  uintptr_t bp_source;  // where bp was read; 0: nowhere, it is the callee's; kNotRepeatable
  bool interrupted;     // pc is where a signal struck, not behind a call
};

// The state depended on more than its bp_source and its return address.
inline constexpr uintptr_t kNotRepeatable = 1;

class LastWalk {
 public:
  // The calling thread's, made when needed and now in use; null when there is none, or when it is in use
  // already by what a signal interrupted.
  static LastWalk* take(StackBounds stack, uint32_t rules_generation);

  // Whether the last walk passed through this state. If not, the state is noted.
  bool meets(const WalkState& state) {
    while (records_[cursor_].sp < state.sp) ++cursor_;
    const Record& record = records_[cursor_];
    if (((record.sp ^ state.sp) | (record.pc ^ state.pc) | (record.bp ^ state.bp)) == 0) return true;
    note(state);
    return false;
  }

  // After meets(): goes outwards for as long as the stack holds what it held. Appends the return addresses to
  // frames, and leaves the state at the last of them. Returns the new count.
  size_t follow(WalkState* state, uint64_t* frames, size_t count, size_t max_frames);

  // After follow(): whether the state is the outermost, so that there is nothing to go on to.
  bool at_end() const { return complete_ && cursor_ == kRecords; }

  // How the walk ended, and free again: at the outermost frame, lost, with max_frames, or in a way that
  // cannot be repeated.
  void end_complete() { end_at(true); }
  void end_lost() { end_at(false); }
  void end_full();
  void end_forgotten();

 private:
  static constexpr size_t kRecords = 512;
  static constexpr size_t kFresh = 256;

  struct Record {
    uintptr_t sp;
    uint64_t pc;
    uintptr_t bp;
    uintptr_t bp_source;
  };

  static LastWalk* find_or_make(uintptr_t stack_end);
  static bool holds(const Record& record) {
    const uintptr_t source = record.bp_source;
    if (*reinterpret_cast<const uint64_t*>(record.sp - sizeof(uint64_t)) != record.pc) return false;
    return source == 0 ||
           (source != kNotRepeatable && *reinterpret_cast<const uintptr_t*>(source) == record.bp);
  }
  void note(const WalkState& state) {
    if (likely(fresh_count_ < kFresh)) fresh_[fresh_count_] = {state.sp, state.pc, state.bp, state.bp_source};
    ++fresh_count_;
  }
  void clear();
  bool splice();
  void end_at(bool complete);
  void release();

  LastWalk* next_;
  uintptr_t stack_end_;
  uint32_t in_use_;
  uint32_t rules_generation_;
  size_t begin_;
  size_t cursor_;  // records below have a lower sp than the walk by now
  size_t from_;    // records from here to cursor_ were not met
  size_t fresh_count_;
  bool complete_;                 // the outermost record has no caller
  Record records_[kRecords + 1];  // and one behind, above every stack pointer
  Record fresh_[kFresh];
};

}  // namespace leakhunt::tracker
