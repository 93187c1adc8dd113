#include "instrument/tracker/standing_threads.h"

#include <errno.h>

#include "instrument/os/proc_self.h"
#include "instrument/os/small_file.h"
#include "instrument/os/system_call.h"
#include "instrument/os/text.h"
#include "instrument/tracker/kept_registers.h"
#include "instrument/tracker/thread_state.h"

namespace leakhunt::tracker {

namespace {

// Words that the registers hold of a thread in the middle of anything: fifteen of general purpose, thirty-two
// of 64 bytes. Of one that is in no call of the program's all may be pointers.
constexpr uint64_t kWordsInRegisters = 15 + 32 * 8;

size_t read_of_task(uint32_t tid, const char* what, char* text, size_t capacity) {
  char path[64];
  Text(path, sizeof path).put("/proc/self/task/").put(uint64_t{tid}).put(what);
  return read_small_file(path, text, capacity);
}

// "4711000 815000 23": processor time, time spent waiting for one, and how often it was given one. 0 where
// the kernel does not count (CONFIG_SCHED_INFO).
uint64_t times_run(uint32_t tid) {
  char text[96];
  const size_t bytes = read_of_task(tid, "/schedstat", text, sizeof text);
  uint64_t number = 0;
  unsigned before = 0;
  for (size_t i = 0; i < bytes; ++i) {
    if (text[i] == ' ') {
      number = 0;
      ++before;
    } else if (text[i] >= '0' && text[i] <= '9') {
      number = number * 10 + static_cast<uint64_t>(text[i] - '0');
    }
  }
  return before == 2 ? number : 0;
}

// Hexadecimal behind "0x", the first one decimal. How many there are.
size_t parse_fields(const char* text, size_t bytes, uint64_t* fields, size_t most) {
  size_t count = 0;
  for (size_t i = 0; i < bytes && count < most; ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\n') {
      ++count;
    } else if (c == 'x') {
      fields[count] = 0;
    } else {
      const uint64_t digit = c <= '9' ? static_cast<uint64_t>(c - '0') : static_cast<uint64_t>(c - 'a' + 10);
      fields[count] = fields[count] * 16 + digit;
    }
  }
  return count;
}

bool stood_at_gate(ScannedThread* thread) {
  if (thread->takes_it) return true;
  const ThreadState& state = *thread->state;
  const uintptr_t parked_at = load_acquire(state.parked_at);
  if (parked_at == 0) return false;
  thread->sp = parked_at;
  thread->waits = false;  // any more
  for (uint64_t& word : thread->words) word = 0;
  return true;
}

}  // namespace

// "202 0x7f.. 0x80 0x0 0x0 0x0 0x0 0x7ffc.. 0x7f..": the call, its arguments, stack pointer, program counter.
// "-1 0x7ffc.. 0x7f..": it waits elsewhere in the kernel. "running": it does not.
bool look_at_waiting(ScannedThread* thread) {
  constexpr size_t kFields = 9;
  thread->times_run = times_run(thread->tid);  // first: has_run_since() is about what follows
  char text[256];
  const size_t bytes = read_of_task(thread->tid, "/syscall", text, sizeof text);
  if (bytes == 0)
    return thread->gone = system_call(SYS_tgkill, system_call(SYS_getpid), thread->tid, 0) == -ESRCH;
  if (text[0] == 'r') return false;
  uint64_t fields[kFields] = {};
  const size_t count = parse_fields(text, bytes, fields, kFields);
  const bool in_call = count == kFields;
  if (!in_call && count != 3) return false;
  thread->sp = static_cast<uintptr_t>(in_call ? fields[7] : fields[1]);
  thread->pc = static_cast<uintptr_t>(in_call ? fields[8] : fields[2]);
  for (size_t i = 0; in_call && i < ScannedThread::kWords; ++i) thread->words[i] = fields[i + 1];
  return thread->waits = thread->sp != 0;
}

bool has_run_since(const ScannedThread& thread) {
  return times_run(thread.tid) != thread.times_run;
}

void settle_in_copy(ScanInput* input, const uint64_t* has_run) {
  bool moves = false;
  input->words_in_hand = 0;
  for (size_t i = 0; i < input->thread_count; ++i) {
    ScannedThread& thread = input->threads[i];
    const MovedBlock& moved = thread.state->moved;
    if (stood_at_gate(&thread)) {
      ++input->threads_parked;
      thread.moves = moved.from != 0 && moved.to == 0;
      if (moved.to != 0)
        thread.moved = {moved.to, moved.block.size, static_cast<uint32_t>(moved.block.site),
                        moved.block.birth, false};
    } else if (!thread.gone) {
      // In the middle of a realloc the new block's address, and so all that it holds, is known to nobody
      // else.
      thread.moves = moved.from != 0;
      thread.waits = thread.waits && (has_run[i / 64] >> (i % 64) & 1) == 0;
      if (!thread.waits) thread.sp = 0;
      input->words_in_hand += thread.waits ? registers_in_use(thread, *input) : kWordsInRegisters;
    }
    if (thread.waits || thread.gone) ++input->threads_waiting;
    moves = moves || thread.moves;
    // On another stack: a coroutine's, or the one on which a borrowed thread is called. Then all of its own
    // is scanned.
    if (thread.sp < thread.stack_low || thread.sp >= thread.stack_high) thread.sp = 0;
  }
  if (moves) input->words_in_hand = ScanInput::kAnyNumber;
}

}  // namespace leakhunt::tracker
