#include "instrument/tracker/thread_records.h"

#include <sys/prctl.h>

#include "instrument/os/atomics.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/small_file.h"
#include "instrument/os/system_call.h"
#include "instrument/os/text.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kLookEvery_ns = 1'000'000'000;
constexpr size_t kNameBytes = sizeof(WrittenThread::name);
constexpr uintptr_t kControlBlock = 2304;  // glibc's struct pthread, behind the thread pointer; about

uintptr_t page_below(uintptr_t address) {
  return address / kPage * kPage;
}

// Pages that are there. A stack that is just being given back counts as far as it still is.
uint64_t touched_bytes(const StackBounds& stack) {
  uint8_t pages[512];
  uint64_t touched = 0;
  for (uintptr_t at = stack.low; at < stack.high; at += sizeof pages * kPage) {
    const uintptr_t left = stack.high - at;
    const uintptr_t bytes = left < sizeof pages * kPage ? left : sizeof pages * kPage;
    if (is_error(system_call(SYS_mincore, at, bytes, pages))) break;
    for (uintptr_t i = 0; i < bytes / kPage; ++i) touched += (pages[i] & 1u) * kPage;
  }
  return touched;
}

// "/proc/self/task/<tid>/comm", without its line end. False when the thread is gone.
bool name_of(uint32_t tid, char* name) {
  char path[64];
  Text(path, sizeof path).put("/proc/self/task/").put(uint64_t{tid}).put("/comm");
  size_t bytes = read_small_file(path, name, kNameBytes);
  if (bytes == 0) return false;
  if (name[bytes - 1] == '\n' || bytes == kNameBytes) --bytes;
  for (; bytes < kNameBytes; ++bytes) name[bytes] = '\0';
  return true;
}

size_t length_of(const char* name) {
  size_t length = 0;
  while (length < kNameBytes && name[length] != '\0') ++length;
  return length;
}

bool same_name(const char* a, const char* b) {
  for (size_t i = 0; i < kNameBytes; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

struct Seen {
  char name[kNameBytes];
  StackBounds stack;
  uint64_t touched;
  bool ended;
};

bool write(Recorder& recorder, ThreadState* thread, const Seen& seen) {
  recording::ThreadRecord record{};
  record.number = thread->identity.number;
  record.tid = thread->identity.tid;
  record.begin_ns = recorder.since_start(thread->identity.begin_ns);
  record.ended = seen.ended;
  record.end_ns = seen.ended ? recorder.elapsed_ns() : 0;
  record.start_routine = thread->identity.start_routine;
  record.stack_reserved = seen.stack.high - seen.stack.low;
  record.stack_touched = seen.touched;
  record.name = {reinterpret_cast<const uint8_t*>(seen.name), length_of(seen.name)};
  WrittenThread& written = thread->written;
  written.written = true;
  written.stack_touched = seen.touched;
  for (size_t i = 0; i < kNameBytes; ++i) written.name[i] = seen.name[i];
  return recorder.write_thread(record);
}

bool write_if_changed(Recorder& recorder, ThreadState* thread) {
  Seen seen{};
  if (!name_of(thread->identity.tid, seen.name)) return true;  // gone: its end is or was written by itself
  seen.stack = reserved_stack(*thread);
  seen.touched = touched_bytes(seen.stack);
  const WrittenThread& written = thread->written;
  if (written.written && seen.touched <= written.stack_touched && same_name(seen.name, written.name))
    return true;
  return write(recorder, thread, seen);
}

}  // namespace

StackBounds reserved_stack(const ThreadState& thread) {
  if (thread.stack.high == 0) return {0, 0};
  if (thread.identity.number == 0) {
    MappedArea area{};
    if (!find_mapped_area(thread.stack.high - 1, &area)) return {0, 0};
    return {area.begin, area.end};
  }
  const uintptr_t high = page_below(thread.stack.high + kControlBlock + kPage - 1);
  const uintptr_t wanted =
      thread.identity.stack_bytes;  // less than the area it lies in, if the program gave it
  const bool in_larger_area = wanted != 0 && high - wanted > thread.stack.low && high > wanted;
  return {in_larger_area ? page_below(high - wanted) : thread.stack.low, high};
}

bool ThreadRecords::write_living(Recorder& recorder, uint64_t now_ns, bool last) {
  const uint32_t given = thread_states_given();
  const bool all = last || now_ns - looked_at_ns_ >= kLookEvery_ns || looked_at_ns_ == 0;
  if (!all && given == given_) return true;
  given_ = given;
  if (all) looked_at_ns_ = now_ns;
  for (ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    if (load_acquire(thread->listed) == 0 || (!all && thread->written.written)) continue;
    if (!write_if_changed(recorder, thread)) return false;
  }
  return true;
}

bool ThreadRecords::write_ended(Recorder& recorder, ThreadState* thread) {
  Seen seen{};
  system_call(SYS_prctl, PR_GET_NAME, seen.name, 0, 0, 0);
  seen.stack = reserved_stack(*thread);
  seen.touched = touched_bytes(seen.stack);
  seen.ended = true;
  return write(recorder, thread, seen);
}

}  // namespace leakhunt::tracker
