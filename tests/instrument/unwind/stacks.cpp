#include "tests/instrument/unwind/stacks.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unwind.h>

#include <algorithm>
#include <sstream>

#include "instrument/unwind/stack_key.h"

namespace leakhunt::tracker {

namespace {

constexpr size_t kCapacity = 1024;

struct Frames {
  uint64_t pcs[kCapacity];
  size_t count;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  Frames* frames = static_cast<Frames*>(argument);
  const uint64_t pc = _Unwind_GetIP(context);
  if (frames->count == kCapacity) return _URC_END_OF_STACK;
  if (pc != 0) frames->pcs[frames->count++] = pc;
  return _URC_NO_REASON;
}

thread_local StackBounds bounds{};

void print(std::ostream& out, const char* whose, const std::vector<uint64_t>& frames) {
  out << whose << ": " << frames.size() << " frames\n" << std::hex;
  for (const uint64_t pc : frames) {
    Dl_info info{};
    dladdr(reinterpret_cast<void*>(pc - 1), &info);
    out << "  " << pc << " " << (info.dli_sname != nullptr ? info.dli_sname : "?") << "\n";
  }
  out << std::dec;
}

}  // namespace

StackBounds own_stack() {
  if (bounds.high != 0) return bounds;
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  bounds = {reinterpret_cast<uintptr_t>(low), reinterpret_cast<uintptr_t>(low) + size};
  return bounds;
}

extern "C" __attribute__((noinline)) void take_stacks(void* argument) {
  Stacks& stacks = *static_cast<Stacks*>(argument);
  static thread_local uint64_t ours[kCapacity];
  static thread_local Frames theirs;
  const CapturedStack captured =
      stacks.capture(__builtin_frame_address(0), own_stack(), ours, std::min(stacks.max_frames, kCapacity));
  theirs.count = 0;
  if (stacks.with_libgcc) _Unwind_Backtrace(add_frame, &theirs);
  stacks.ours.assign(ours, ours + captured.count);
  stacks.truncated = captured.truncated;
  stacks.key = captured.key;
  const uint64_t* end = theirs.pcs + theirs.count;
  stacks.libgcc.assign(captured.count == 0 ? end : std::find(theirs.pcs, theirs.pcs + theirs.count, ours[0]),
                       end);
  ++stacks.taken;
}

std::string difference(const Stacks& stacks) {
  const bool right_key = stacks.key == stack_key(stacks.ours.data(), stacks.ours.size(), stacks.truncated);
  if (stacks.taken != 0 && !stacks.truncated && !stacks.ours.empty() && stacks.ours == stacks.libgcc &&
      right_key)
    return "";
  std::ostringstream out;
  out << "taken " << stacks.taken << (stacks.truncated ? ", ours is truncated" : "")
      << (right_key ? "" : ", the key is not that of the frames") << "\n";
  print(out, "ours", stacks.ours);
  print(out, "libgcc", stacks.libgcc);
  return out.str();
}

bool is_honest_prefix(const Stacks& stacks) {
  return stacks.truncated && !stacks.ours.empty() && stacks.ours.size() <= stacks.libgcc.size() &&
         std::equal(stacks.ours.begin(), stacks.ours.end(), stacks.libgcc.begin());
}

}  // namespace leakhunt::tracker
