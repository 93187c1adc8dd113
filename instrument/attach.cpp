// The way in for leakhunt attach: two functions that the runner has a thread of a running program call. The
// thread is at a place where it holds no lock of libc (scenarios/runner/safe_moment.h), and the others run
// on.
//
// Order matters: first the tracker, which is not asked anything yet, then the slots. And back: first the
// slots, then the tracker; the hooks of threads that are just in one let everything pass.
#include <malloc.h>
#include <string.h>

#include "instrument/hooks/hook_table.h"
#include "instrument/hooks/real_functions.h"
#include "instrument/leakhunt.h"
#include "instrument/os/import_slots.h"
#include "instrument/os/proc_self.h"
#include "instrument/runtime.h"
#include "instrument/tracker/tracker.h"
#include "lib/recording/attach_call.h"

namespace leakhunt::runtime {

using namespace recording;

namespace {

tracker::ImportSlots slots;
bool was_attached = false;
bool is_held = false;
AttachCall current;  // the settings refer to it

// The bytes that libc's allocator has given out; false for another allocator, which cannot be asked.
bool heap_in_use(uint64_t* bytes) {
  tracker::LoadedObject allocator{};
  tracker::LoadedObject libc{};
  if (!tracker::find_loaded_object(reinterpret_cast<uintptr_t>(hooks::real.malloc), &allocator) ||
      !tracker::find_loaded_object(reinterpret_cast<uintptr_t>(&mallinfo2), &libc) ||
      allocator.begin != libc.begin) {
    return false;
  }
  const struct mallinfo2 info = mallinfo2();
  *bytes = info.uordblks + info.hblkhd;
  return true;
}

bool take_slots() {
  size_t count = 0;
  const auto* table = hooks::hook_table(&count);
  return slots.replace(table, count, reinterpret_cast<uintptr_t>(&slots));
}

tracker::Settings settings_of(const AttachCall& call) {
  tracker::Settings settings{};
  settings.recording = call.recording;
  set_unwinder(call.unwinder, &settings);
  settings.max_frames = call.max_frames;
  settings.tick_ns = call.interval_ms * 1'000'000;
  settings.graph = graph_plan(call.graph);
  settings.attached = true;
  settings.marked_what = "";
  settings.parent_pid = static_cast<uint64_t>(tracker::system_call(SYS_getppid));
  return settings;
}

// One call at a time: a runner that is killed leaves its thread in the middle of one, and the next runner
// comes with another thread. What a fork inherits of it counts for nothing.
class OneAtATime {
 public:
  OneAtATime() : self_(static_cast<uint32_t>(tracker::system_call(SYS_getpid))) {
    uint32_t before = tracker::load_relaxed(inside_);
    while (before != self_ && !has_entered_) {
      has_entered_ = tracker::compare_exchange(inside_, before, self_);
      if (!has_entered_) before = tracker::load_relaxed(inside_);
    }
  }
  ~OneAtATime() {
    if (has_entered_) tracker::store_release(inside_, 0u);
  }
  OneAtATime(const OneAtATime&) = delete;
  OneAtATime& operator=(const OneAtATime&) = delete;

  bool has_entered() const { return has_entered_; }

 private:
  static constinit uint32_t inside_;  // the process whose thread is inside, or 0
  const uint32_t self_;
  bool has_entered_ = false;
};
constinit uint32_t OneAtATime::inside_ = 0;

}  // namespace

int64_t attach(const AttachCall& call) {
  const OneAtATime one;
  if (!one.has_entered()) return kAttachIsBusy;
  if (call.version != kAttachVersion) return kAttachOtherVersion;
  if (call.is_wanted == 0) return kAttachTooLate;
  if (!hooks::attached()) return kAttachIsPreloaded;
  if (tracker::tracker.active() && !tracker::tracker.is_abandoned()) return kAttachIsRecorded;
  // One who died, or a fork, left it as it was.
  if (was_attached) is_held = !tracker::tracker.detach();
  if (is_held) return kAttachIsHeld;
  was_attached = true;
  current = call;
  uint64_t heap_bytes = 0;
  const bool heap_known = heap_in_use(&heap_bytes);
  tracker::forget_unwind_rules();
  const int error = tracker::tracker.start(settings_of(current));
  if (error != 0) return error;
  tracker::tracker.note_attached(tracker::tracker.elapsed_ns(), heap_known, heap_bytes);
  if (take_slots()) return kAttachDone;
  slots.restore();
  is_held = !tracker::tracker.detach();
  return kAttachNoSlots;
}

int64_t detach() {
  const OneAtATime one;
  if (!one.has_entered()) return kAttachIsBusy;
  if (!was_attached) return kAttachDone;
  const bool restored = slots.restore();
  is_held = !tracker::tracker.detach();
  if (is_held) return kAttachIsHeld;
  return restored ? kAttachDone : kAttachNoSlots;
}

}  // namespace leakhunt::runtime

// Called by the runner, with errno kept by its own code.
extern "C" __attribute__((visibility("default"))) int64_t leakhunt_attach(
    const leakhunt::recording::AttachCall* call) {
  return leakhunt::runtime::attach(*call);
}

extern "C" __attribute__((visibility("default"))) int64_t leakhunt_detach(
    const leakhunt::recording::AttachCall*) {
  return leakhunt::runtime::detach();
}
