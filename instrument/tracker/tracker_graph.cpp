// Tracker, continued: taking a heap graph. Threads stand still while the process is copied:
//
//   who comes to the tracker    waits there, with all registers on its stack
//   who waits in a system call  stands still anyway: the kernel says where its stack pointer is, and the
//                               arguments of the call
//   who does neither            runs on after two milliseconds; all of its stack is scanned, its registers
//                               are not known, and the graph says so
//
// No signal is sent and nobody is traced: both can end a wait of the program's early.
#include <gnu/libc-version.h>
#include <linux/futex.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/text.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kWaitForThreads_ns = 2'000'000;
// Registers that a function must keep are on the stack of whoever says this.
#define LEAKHUNT_REGISTERS_TO_STACK() __builtin_unwind_init()

uintptr_t stack_pointer() {
  uintptr_t sp;
  __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
  return sp;
}

// "202 0x7f.. 0x80 0x0 0x0 0x0 0x0 0x7ffc.. 0x7f..": the call, its arguments, stack pointer, program counter.
// "-1 0x7ffc.. 0x7f..": it waits elsewhere in the kernel. "running": it does not.
bool read_waiting(uint32_t tid, ScannedThread* thread) {
  char path[64];
  Text(path, sizeof path).put("/proc/self/task/").put(uint64_t{tid}).put("/syscall");
  char text[256];
  const size_t bytes = read_small_file(path, text, sizeof text);
  if (bytes == 0 || text[0] == 'r') return false;
  constexpr size_t kFields = 9;
  uint64_t fields[kFields] = {};
  size_t count = 0;
  for (size_t i = 0; i < bytes && count < kFields; ++i) {
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
  const bool in_call = count == kFields;
  if (!in_call && count != 3) return false;
  thread->sp = static_cast<uintptr_t>(in_call ? fields[7] : fields[1]);
  for (size_t i = 0; in_call && i < ScannedThread::kWords; ++i) thread->words[i] = fields[i + 1];
  return thread->sp != 0;
}

}  // namespace

// True when recording goes on.
__attribute__((noinline)) bool Tracker::wait_while_parking(ThreadState* thread) const {
  if (load_acquire(control_->active) != kParking) return active();
  LEAKHUNT_REGISTERS_TO_STACK();
  store_release(thread->parked_at, stack_pointer());
  // Asleep, and not in a loop: the processor is for the thread that copies the process.
  while (load_acquire(control_->active) == kParking)
    system_call(SYS_futex, &control_->active, FUTEX_WAIT_PRIVATE, kParking, nullptr, nullptr, 0);
  store_release(thread->parked_at, uintptr_t{0});
  return active();
}

// The calling thread is the first; its registers are on its stack.
void Tracker::fill_threads(ScanResult* result, recording::GraphHeader* header, size_t* count) const {
  const ThreadState* const self = thread_state();
  const uint64_t begin = monotonic_ns();
  size_t used = 0;
  for (ThreadState* state = all_thread_states(); state != nullptr; state = state->next) {
    if (load_acquire(state->owned) == 0 || used == ScanResult::kMostThreads) continue;
    ScannedThread& thread = result->threads[used++];
    thread = {state->identity.number, state->identity.tid, state->stack.low, state->stack.high, 0, {}};
    ++header->threads;
    if (state == self) {
      thread.sp = stack_pointer();
      ++header->threads_parked;
    }
    // Looked at in turn: those that run get the time that the others took.
    while (state != self) {
      thread.sp = load_acquire(state->parked_at);
      if (thread.sp != 0) {
        ++header->threads_parked;
        break;
      }
      if (read_waiting(thread.tid, &thread)) {
        ++header->threads_waiting;
        break;
      }
      if (monotonic_ns() - begin > kWaitForThreads_ns) break;
      system_call(SYS_sched_yield);
    }
    // On another stack: a coroutine's, or the one on which a borrowed thread is called. Then all of its own
    // is scanned.
    if (thread.sp < thread.stack_low || thread.sp >= thread.stack_high) thread.sp = 0;
  }
  *count = used;
}

// What a forked child would find wiped, the scanning one finds as it is.
void Tracker::keep_tables(bool keep) {
  const auto change = [keep](void* pages, size_t bytes) {
    keep ? keep_on_fork(pages, bytes) : wipe_on_fork(pages, bytes);
  };
  blocks_.for_each_table(change);
  mappings_.for_each_table(change);
}

__attribute__((noinline)) void Tracker::take_graph(recording::GraphReason reason) {
  LEAKHUNT_REGISTERS_TO_STACK();
  recording::GraphHeader header{};
  header.reason = reason;
  header.iteration = clock_;
  header.time_ns = recorder_.elapsed_ns();
  if (sampling_.on()) {  // what hangs on a block that is not tracked would look lost
    if (!graphs_.refuse(recorder_, header,
                        "memory for the tracker is short: only a sample of blocks is known"))
      give_up("cannot extend the recording", recorder_.error());
    return;
  }
  ScanResult* result = graphs_.prepare(recorder_, header);
  if (result == nullptr) return;

  ScanInput input{};
  input.clock = clock_;
  input.tables = this;
  input.for_each_block = [](const void* tables, void (*visit)(void*, const GraphBlock&), void* to) {
    const Tracker& self = *static_cast<const Tracker*>(tables);
    self.blocks_.for_each_at([&](uintptr_t address, const LiveBlock& block) {
      visit(to, {address, block.size, static_cast<uint32_t>(block.site), block.birth, false});
    });
    self.mappings_.for_each_at([&](const MappedRange& range) {
      const uint64_t size = range.end - range.begin;
      visit(to, {range.begin, size, static_cast<uint32_t>(range.site), range.birth, true});
    });
  };
  input.first_thread_pointer = first_thread_pointer_;
  input.site_count = sites_.count();
  input.has_older_heap = settings_.attached || process_ != 0;  // or forked
  LoadedObject object{};
  if (find_loaded_object(reinterpret_cast<uintptr_t>(this), &object))
    input.own_code = {object.begin, object.end};
  if (find_loaded_object(reinterpret_cast<uintptr_t>(&gnu_get_libc_version), &object))
    input.libc_code = {object.begin, object.end};
  constexpr size_t kMostTables = 64;
  AddressRange tables[kMostTables];
  const auto exclude = [&](const void* pages, size_t bytes) {
    const uintptr_t begin = reinterpret_cast<uintptr_t>(pages);
    if (input.excluded_count < kMostTables) tables[input.excluded_count++] = {begin, begin + bytes};
  };
  blocks_.for_each_table(exclude);
  mappings_.for_each_table(exclude);
  input.excluded = tables;

  keep_tables(true);
  header.pause_ns = monotonic_ns();                       // its beginning, so far
  compare_exchange(control_->active, kActive, kParking);  // or another thread has given up meanwhile
  fill_threads(result, &header, &input.thread_count);
  input.threads = result->threads;
  graphs_.scan(recorder_, header, input);
  compare_exchange(control_->active, kParking, kActive);
  system_call(SYS_futex, &control_->active, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
  graphs_.after_pause();
  keep_tables(false);
}

void Tracker::collect_graphs(bool wait) {
  constexpr uint64_t kWhileBorrowed_ns = 5'000'000'000;  // the runner's patience is twice that
  const uint64_t longest_ns = settings_.attached ? kWhileBorrowed_ns : HeapGraphs::kLongestScan_ns;
  const bool written = wait ? graphs_.collect_all(recorder_, longest_ns) : graphs_.collect(recorder_);
  if (!written) give_up("cannot extend the recording", recorder_.error());
}

}  // namespace leakhunt::tracker
