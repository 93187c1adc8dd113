// LastWalk: what the last walk of this thread passed through, so that the next one need not derive it again.
//
// A frame's state is (pc, sp, rbp). The state of its caller follows from it, from the rule of the pc, which
// is fixed, and from two words of the stack: the return address and, where the rule says so, the saved rbp.
// So where a walk comes to a state that the last one had too, its callers are the same for as long as those
// words hold the same values - two comparisons a frame that do not wait for one another. Nor need its key be
// folded again (stack_key.h): each record keeps that of the stack from its frame outwards.
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
#include "instrument/unwind/stack_key.h"
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
  static LastWalk* take(const StackBounds& stack, uint32_t rules_generation);

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

  // In a forked child, which has one thread: there are none yet.
  static void forget_all_in_child();

  // How the walk ended, and free again: at the outermost frame (returns the key of the whole stack), lost,
  // with max_frames, or in a way that cannot be repeated.
  uint64_t end_complete();
  void end_lost();
  void end_full();
  void end_forgotten();

 private:
  static constexpr size_t kRecords = 512;
  static constexpr size_t kFresh = 256;

  // The state of a frame, and the two words of the stack that it followed from: the return address below its
  // sp, and where its rbp was read.
  struct Record {
    uintptr_t sp;
    uint64_t pc;
    uintptr_t bp;
    const uint64_t* second_word;
    uint64_t second_value;
    uint64_t key;  // of the stack from here outwards; not valid below stale_
  };

  static LastWalk* find_or_make(uintptr_t stack_end);
  static const uint64_t* return_address(uintptr_t sp) {
    return reinterpret_cast<const uint64_t*>(sp - sizeof(uint64_t));
  }
  // Where there is nothing to compare in the second word, it is the return address once more; where nothing
  // can be repeated, a value that this cannot have at the same time as the first.
  //
  // Word by word, and in its place: a record that is put together elsewhere and copied is read as vectors of
  // two words that were just written one by one, and each such read waits for the store buffer (a third of
  // the walk's time, once).
  static void write(Record& record, const WalkState& state) {
    const bool once_more = state.bp_source <= kNotRepeatable;
    record.sp = state.sp;
    record.pc = state.pc;
    record.bp = state.bp;
    record.second_word =
        once_more ? return_address(state.sp) : reinterpret_cast<const uint64_t*>(state.bp_source);
    record.second_value = once_more ? state.pc ^ (uint64_t{0} - state.bp_source) : state.bp;
  }
  static void copy(Record& to, const Record& from) {
    to.sp = from.sp;
    to.pc = from.pc;
    to.bp = from.bp;
    to.second_word = from.second_word;
    to.second_value = from.second_value;
  }
  // 0 when the stack still holds what led to this state.
  static uint64_t changed(const Record& record) {
    return (*return_address(record.sp) ^ record.pc) | (*record.second_word ^ record.second_value);
  }
  void note(const WalkState& state) {
    if (likely(fresh_count_ < kFresh)) write(fresh_[fresh_count_], state);
    ++fresh_count_;
  }
  void clear();
  bool splice();
  uint64_t refresh_keys();
  void release();

  LastWalk* next_;
  uintptr_t stack_end_;
  uint32_t in_use_;
  uint32_t rules_generation_;
  size_t begin_;
  size_t cursor_;  // records below have a lower sp than the walk by now
  size_t from_;    // records from here to cursor_ were not met
  size_t fresh_count_;
  size_t stale_;                  // records below it may have an old key
  bool complete_;                 // the outermost record has no caller
  Record records_[kRecords + 1];  // and one behind, above every stack pointer
  Record fresh_[kFresh];
};

}  // namespace leakhunt::tracker
