// The chain of saved frame registers: at the address in rbp lie the caller's rbp and, above it, the return
// address (System V ABI for x86-64, 3.2.2).
#include "instrument/os/atomics.h"
#include "instrument/unwind/stack_key.h"
#include "instrument/unwind/stack_window.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

namespace {

struct FrameHead {
  uintptr_t next;
  uint64_t return_address;
};

struct Chain {
  size_t count;
  bool truncated;
};

// _start clears rbp, clone's child begins with 0, and glibc's call of main leaves argc in it: what cannot be
// an address is the chain's end, not its break.
bool ends_chain(uintptr_t next) {
  return next < kPage;
}

Chain walk_own_stack(uintptr_t frame, uintptr_t high, uint64_t* frames, size_t max_frames) {
  const uintptr_t last = high - sizeof(FrameHead);
  size_t count = 0;
  for (;;) {
    const FrameHead head = *reinterpret_cast<const FrameHead*>(frame);
    if (unlikely(head.return_address == 0)) return {count, false};
    frames[count++] = head.return_address;
    // One comparison for "moves up" and "stays inside".
    if (unlikely(head.next - frame - 1 >= last - frame || head.next % sizeof(uintptr_t) != 0)) {
      return {count, !ends_chain(head.next)};
    }
    if (unlikely(count == max_frames)) return {count, true};
    frame = head.next;
  }
}

Chain walk_foreign_stack(uintptr_t frame, const StackBounds& stack, uint64_t* frames, size_t max_frames) {
  StackWindow window(stack, frame);
  size_t count = 0;
  for (;;) {
    FrameHead head;
    if (!window.read(frame, &head.next) || !window.read(frame + sizeof head.next, &head.return_address)) {
      return {count, true};
    }
    if (head.return_address == 0) return {count, false};
    frames[count++] = head.return_address;
    if (head.next <= frame) return {count, !ends_chain(head.next)};
    if (count == max_frames) return {count, true};
    frame = head.next;
  }
}

}  // namespace

CapturedStack capture_by_frame_pointers(const void* hook_frame, const StackBounds& stack, uint64_t* frames,
                                        size_t max_frames) {
  if (unlikely(max_frames == 0)) return {0, true, kTruncatedStack};
  const uintptr_t frame = reinterpret_cast<uintptr_t>(hook_frame);
  const bool own = frame >= stack.low && frame < stack.high && stack.high - frame >= sizeof(FrameHead);
  const Chain chain = likely(own) ? walk_own_stack(frame, stack.high, frames, max_frames)
                                  : walk_foreign_stack(frame, stack, frames, max_frames);
  return {chain.count, chain.truncated, stack_key(frames, chain.count, chain.truncated)};
}

}  // namespace leakhunt::tracker
