// Tracker, continued: taking a heap graph. Threads stand still while the process is copied:
//
//   who comes to the tracker    waits there, with all registers on its stack
//   who waits in a system call  stands still anyway: the kernel says where its stack pointer is, and the
//                               arguments of the call; what other registers may hold is looked for below the
//                               stack pointer, where the calls before have left it
//   who does neither            runs on after two milliseconds; all of its stack is scanned
//
// Memory alone would need no waiting: a fork is a consistent picture of all threads. It holds the lock of the
// address space, makes every page read-only, and has all processors forget what they knew of the pages before
// it lets go of the lock (Linux: dup_mmap, flush_tlb_mm). So of every thread the copy has all that it wrote
// up to some moment and nothing that it wrote later, since the first later write waits for the lock; and
// nobody can have read what another one wrote later. Only registers are not copied: what a thread that ran on
// may hold in them is not called lost for certain (Marks::spare_those_in_hand).
//
// No signal is sent and nobody is traced: both can end a wait of the program's early.
#include <errno.h>
#include <gnu/libc-version.h>
#include <linux/futex.h>
#include <time.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/text.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kWaitForThreads_ns = 2'000'000;  // for all of them together
constexpr uint64_t kWaitAwake_ns = 200'000;
constexpr long kLookAgain_ns = 400'000;  // who waits in a system call by now

// Words that the registers hold of a thread in the middle of anything: fifteen of general purpose, thirty-two
// of 64 bytes. Of one that is in no call of the program's all may be pointers.
constexpr uint64_t kWordsInRegisters = 15 + 32 * 8;
// Registers that a function must keep are on the stack of whoever says this.
#define LEAKHUNT_REGISTERS_TO_STACK() __builtin_unwind_init()

uintptr_t stack_pointer() {
  uintptr_t sp;
  __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
  return sp;
}

// "202 0x7f.. 0x80 0x0 0x0 0x0 0x0 0x7ffc.. 0x7f..": the call, its arguments, stack pointer, program counter.
// "-1 0x7ffc.. 0x7f..": it waits elsewhere in the kernel. "running": it does not.
enum class Stand { kRuns, kWaits, kIsGone };
Stand read_waiting(uint32_t tid, ScannedThread* thread) {
  char path[64];
  Text(path, sizeof path).put("/proc/self/task/").put(uint64_t{tid}).put("/syscall");
  char text[256];
  const size_t bytes = read_small_file(path, text, sizeof text);
  if (bytes == 0) {
    const bool is_gone = system_call(SYS_tgkill, system_call(SYS_getpid), tid, 0) == -ESRCH;
    return is_gone ? Stand::kIsGone : Stand::kRuns;
  }
  if (text[0] == 'r') return Stand::kRuns;
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
  if (!in_call && count != 3) return Stand::kRuns;
  thread->sp = static_cast<uintptr_t>(in_call ? fields[7] : fields[1]);
  for (size_t i = 0; in_call && i < ScannedThread::kWords; ++i) thread->words[i] = fields[i + 1];
  return thread->sp != 0 ? Stand::kWaits : Stand::kRuns;
}

}  // namespace

// True when recording goes on.
__attribute__((noinline)) bool Tracker::wait_while_parking(ThreadState* thread) const {
  Control& control = *control_;
  if (load_acquire(control.active) != kParking) return active();
  LEAKHUNT_REGISTERS_TO_STACK();
  store_release(thread->parked_at, stack_pointer());
  const uint32_t parked = __atomic_add_fetch(&control.parked, 1u, __ATOMIC_SEQ_CST);
  if (parked >= __atomic_load_n(&control.parked_wanted, __ATOMIC_SEQ_CST)) {
    store_release(control.all_parked, 1u);
    system_call(SYS_futex, &control.all_parked, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
  }
  // Asleep, and not in a loop: the processor is for the thread that copies the process.
  while (load_acquire(control.active) == kParking)
    system_call(SYS_futex, &control.active, FUTEX_WAIT_PRIVATE, kParking, nullptr, nullptr, 0);
  store_release(thread->parked_at, uintptr_t{0});
  return active();
}

// True when it stands in the tracker, or is the calling one.
bool Tracker::look_whether_parked(ScannedThread* thread, recording::GraphHeader* header) {
  const ThreadState& state = *thread->state;
  thread->sp = &state == thread_state() ? stack_pointer() : load_acquire(state.parked_at);
  if (thread->sp == 0) return false;
  ++header->threads_parked;
  const MovedBlock& moved = state.moved;
  if (moved.to != 0)
    thread->moved = {moved.to, moved.block.size, static_cast<uint32_t>(moved.block.site), moved.block.birth,
                     false};
  thread->moves = moved.from != 0 && moved.to == 0;
  return true;
}

// True when it stands still.
bool Tracker::look_at_thread(ScannedThread* thread, recording::GraphHeader* header) {
  if (look_whether_parked(thread, header)) return true;
  const Stand stand = read_waiting(thread->tid, thread);
  if (stand == Stand::kRuns) return false;
  if (stand == Stand::kWaits) thread->moves = load_acquire(thread->state->moved.from) != 0;
  thread->waits = stand == Stand::kWaits;
  ++header->threads_waiting;
  return true;
}

// First without sleeping: who has a processor and allocates comes soon. Then asleep, so that those who wait
// for a processor get one; the last of them wakes who waits here. Not so if one of them computes: it would
// keep the processor, and there is no telling when it is given back. True when it was slept.
bool Tracker::wait_for_threads(ScannedThread* threads, size_t count, recording::GraphHeader* header) const {
  Control& control = *control_;
  const uint64_t begin = monotonic_ns();
  size_t running = count;  // they are in front
  for (;;) {
    const uint32_t parked = load_acquire(control.parked);
    size_t still = 0;
    bool all_allocate = true;
    for (size_t i = 0; i < running; ++i) {
      if (look_at_thread(&threads[i], header)) continue;
      all_allocate = all_allocate && threads[i].allocates;
      const ScannedThread kept = threads[still];
      threads[still++] = threads[i];
      threads[i] = kept;
    }
    running = still;
    const uint64_t passed = monotonic_ns() - begin;
    if (running == 0 || passed >= (all_allocate ? kWaitForThreads_ns : kWaitAwake_ns)) return all_allocate;
    if (passed < kWaitAwake_ns) continue;
    const timespec moment{0, kLookAgain_ns};
    store_release(control.all_parked, 0u);
    __atomic_store_n(&control.parked_wanted, parked + static_cast<uint32_t>(running), __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&control.parked, __ATOMIC_SEQ_CST) - parked < running)
      system_call(SYS_futex, &control.all_parked, FUTEX_WAIT_PRIVATE, 0, &moment, nullptr, 0);
  }
}

// The calling thread is one of them; its registers are on its stack.
void Tracker::fill_threads(ScanResult* result, ScanInput* input, recording::GraphHeader* header) const {
  size_t count = 0;
  for (ThreadState* state = all_thread_states(); state != nullptr; state = state->next) {
    if (load_acquire(state->owned) == 0 || count == ScanResult::kMostThreads) continue;
    ScannedThread& thread = result->threads[count++];
    thread = {};
    thread.number = state->identity.number;
    thread.tid = state->identity.tid;
    thread.stack_low = state->stack.low;
    thread.stack_high = state->stack.high;
    thread.state = state;
    thread.allocates = state->activity.allocates(load_relaxed(state->until_clock));
  }
  header->threads = count;
  const bool slept = wait_for_threads(result->threads, count, header);
  bool moves = false;
  for (size_t i = 0; i < count; ++i) {
    ScannedThread& thread = result->threads[i];
    if (thread.sp == 0) look_whether_parked(&thread, header);
    // In the middle of a realloc the new block's address, and so all that it holds, is known to nobody else.
    if (thread.sp == 0) thread.moves = load_acquire(thread.state->moved.from) != 0;
    moves = moves || thread.moves;
    // On another stack: a coroutine's, or the one on which a borrowed thread is called. Then all of its own
    // is scanned.
    thread.state->activity.ran_on = thread.sp == 0 && (slept || thread.state->activity.ran_on);
    if (thread.sp < thread.stack_low || thread.sp >= thread.stack_high) thread.sp = 0;
  }
  const uint64_t ran_on = count - header->threads_parked - header->threads_waiting;
  input->words_in_hand = moves ? ScanInput::kAnyNumber : ran_on * kWordsInRegisters;
  input->threads = result->threads;
  input->thread_count = count;
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
  if (!may_copy_heap()) {
    if (!graphs_.refuse(recorder_, header,
                        "the control group's limit leaves no memory for a copy of the process"))
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
  Control& control = *control_;
  control.parked = 0;
  control.parked_wanted = UINT32_MAX;
  header.pause_ns = monotonic_ns();                     // its beginning, so far
  compare_exchange(control.active, kActive, kParking);  // or another thread has given up meanwhile
  fill_threads(result, &input, &header);
  graphs_.scan(header, input);
  let_others_go();
  graphs_.after_pause(recorder_);
  keep_tables(false);
  note_activity();
}

// Who has had an event since, when the next graph is taken?
void Tracker::note_activity() {
  if (lines_.expected()) return;
  for (ThreadState* state = all_thread_states(); state != nullptr; state = state->next)
    state->activity.until_clock = load_relaxed(state->until_clock);
}

void Tracker::collect_graphs(bool wait) {
  constexpr uint64_t kWhileBorrowed_ns = 5'000'000'000;  // the runner's patience is twice that
  const uint64_t longest_ns = settings_.attached ? kWhileBorrowed_ns : HeapGraphs::kLongestScan_ns;
  const bool written = wait ? graphs_.collect_all(recorder_, longest_ns) : graphs_.collect(recorder_);
  if (!written) give_up("cannot extend the recording", recorder_.error());
}

}  // namespace leakhunt::tracker
