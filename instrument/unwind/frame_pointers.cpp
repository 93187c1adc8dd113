// The chain of saved frame registers: at the address in rbp lie the caller's rbp and, above it, the return
// address (System V ABI for x86-64, 3.2.2).
#include "instrument/os/atomics.h"
#include "instrument/unwind/last_walk.h"
#include "instrument/unwind/stack_key.h"
#include "instrument/unwind/stack_window.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

namespace {

struct FrameHead {
  uintptr_t next;
  uint64_t return_address;
};

// _start clears rbp, clone's child begins with 0, and glibc's call of main leaves argc in it: what cannot be
// an address is the chain's end, not its break.
bool ends_chain(uintptr_t next) {
  return next < kPage;
}

CapturedStack with_key(const uint64_t* frames, size_t count, bool truncated) {
  return {count, truncated, stack_key(frames, count, truncated)};
}

// Following a chain is waiting for one load after the other, and folding a key is waiting for one product
// after the other; frames that are still where the last walk saw them are compared all at once (last_walk.h).
CapturedStack walk_own_stack(LastWalk* last, uintptr_t frame, uintptr_t high, uint64_t* frames,
                             size_t max_frames) {
  const uintptr_t highest = high - sizeof(FrameHead);
  const FrameHead head = *reinterpret_cast<const FrameHead*>(frame);
  if (unlikely(head.return_address == 0)) return last->end_forgotten(), with_key(frames, 0, false);
  WalkState state{head.return_address, frame + sizeof(FrameHead), head.next, frame, false};
  size_t count = 0;
  frames[count++] = state.pc;
  for (;;) {
    if (last->meets(state)) {
      count = last->follow(&state, frames, count, max_frames);
      if (last->at_end()) return {count, false, last->end_complete()};
    }
    const uintptr_t at = state.sp - sizeof(FrameHead);
    const uintptr_t next = state.bp;
    // One comparison for "moves up" and "stays inside".
    if (unlikely(next - at - 1 >= highest - at || next % sizeof(uintptr_t) != 0)) {
      if (ends_chain(next)) return {count, false, last->end_complete()};
      return last->end_lost(), with_key(frames, count, true);
    }
    const FrameHead outer = *reinterpret_cast<const FrameHead*>(next);
    if (unlikely(outer.return_address == 0)) return {count, false, last->end_complete()};
    if (unlikely(count == max_frames)) return last->end_full(), with_key(frames, count, true);
    state = {outer.return_address, next + sizeof(FrameHead), outer.next, next, false};
    frames[count++] = state.pc;
  }
}

// On a stack that is not the thread's own, or in a handler that struck in the middle of a walk.
CapturedStack walk_any_stack(uintptr_t frame, const StackBounds& stack, uint64_t* frames, size_t max_frames) {
  StackWindow window(stack, frame);
  size_t count = 0;
  for (;;) {
    FrameHead head;
    if (!window.read(frame, &head.next) || !window.read(frame + sizeof head.next, &head.return_address))
      return with_key(frames, count, true);
    if (head.return_address == 0) return with_key(frames, count, false);
    frames[count++] = head.return_address;
    if (head.next <= frame) return with_key(frames, count, !ends_chain(head.next));
    if (count == max_frames) return with_key(frames, count, true);
    frame = head.next;
  }
}

}  // namespace

CapturedStack capture_by_frame_pointers(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                                        size_t max_frames) {
  if (unlikely(max_frames == 0)) return {0, true, kTruncatedStack};
  const uintptr_t frame = reinterpret_cast<uintptr_t>(hook_frame);
  const bool own = frame >= stack.low && frame < stack.high && stack.high - frame >= sizeof(FrameHead);
  constexpr uint32_t kNoRules = 0;  // that could change
  LastWalk* last = likely(own) ? LastWalk::take(stack, kNoRules) : nullptr;
  CapturedStack captured = likely(last != nullptr)
                               ? walk_own_stack(last, frame, stack.high, frames, max_frames)
                               : walk_any_stack(frame, stack, frames, max_frames);
  if (unlikely(captured.key == 0)) captured.key = stack_key(frames, captured.count, captured.truncated);
  return captured;
}

}  // namespace leakhunt::tracker
