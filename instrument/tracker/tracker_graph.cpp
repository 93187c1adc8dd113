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
#include "instrument/tracker/standing_threads.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

// The gate opens by itself, however late the thread is that closed it: other programs, and threads of this
// one, may have the processors. What a page of memory takes to be copied comes on top.
constexpr uint64_t kLongestStand_ns = 4'000'000;
constexpr uint64_t kCopyOfPage_ns = 150;
constexpr unsigned kMostAttempts = 3;

constexpr uint64_t kWaitForThreads_ns = 2'000'000;  // for all of them together
constexpr uint64_t kWaitAwake_ns = 200'000;
constexpr long kLookAgain_ns = 400'000;  // who waits in a system call by now

// Registers that a function must keep are on the stack of whoever says this.
#define LEAKHUNT_REGISTERS_TO_STACK() __builtin_unwind_init()

uintptr_t stack_pointer() {
  uintptr_t sp;
  __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
  return sp;
}

// True when it stands still.
bool look_at(ScannedThread* thread) {
  return thread->takes_it || load_acquire(thread->state->parked_at) != 0 || look_at_waiting(thread);
}

}  // namespace

// --- the gate

// For who came when it was to open at `opens_at`: nobody stands still for a second graph as well, or a second
// attempt at one, before he has had an event of his own.
bool Tracker::is_closed(uint64_t opens_at) const {
  const uint32_t gate = load_acquire(control_->active);
  return gate == kParking || (gate == kCopying && load_acquire(control_->opens_at_ns) == opens_at);
}

// True when recording goes on.
__attribute__((noinline)) bool Tracker::wait_while_parking(ThreadState* thread) const {
  Control& control = *control_;
  const uint64_t opens_at = load_acquire(control.opens_at_ns);
  if (!is_closed(opens_at)) return active();
  LEAKHUNT_REGISTERS_TO_STACK();
  store_release(thread->parked_at, stack_pointer());
  const uint32_t parked = __atomic_add_fetch(&control.parked, 1u, __ATOMIC_SEQ_CST);
  if (parked >= __atomic_load_n(&control.parked_wanted, __ATOMIC_SEQ_CST)) {
    store_release(control.all_parked, 1u);
    system_call(SYS_futex, &control.all_parked, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
  }
  while (is_closed(opens_at)) wait_at_gate(opens_at);
  store_release(thread->parked_at, uintptr_t{0});
  return active();
}

// Asleep, and not in a loop: the processor is for the thread that copies the process. If that has none for so
// long that its time is over, whoever waits opens the gate for all.
void Tracker::wait_at_gate(uint64_t opens_at) const {
  constexpr uint64_t kSecond_ns = 1'000'000'000;
  uint32_t* const gate = &control_->active;
  const uint32_t closed = load_acquire(*gate);
  if (closed == kParking) {
    system_call(SYS_futex, gate, FUTEX_WAIT_PRIVATE, closed, nullptr, nullptr, 0);
    return;
  }
  if (closed != kCopying) return;
  if (monotonic_ns() >= opens_at) return open_gate(closed);
  const timespec until{static_cast<time_t>(opens_at / kSecond_ns), static_cast<long>(opens_at % kSecond_ns)};
  system_call(SYS_futex, gate, FUTEX_WAIT_BITSET_PRIVATE, closed, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void Tracker::close_gate_for_copy() const {
  Control& control = *control_;
  const uint64_t copy_ns = resident_memory().rss_bytes / kPage * kCopyOfPage_ns;
  control.parked = 0;
  control.parked_wanted = UINT32_MAX;
  store_relaxed(control.opens_at_ns, monotonic_ns() + kLongestStand_ns + copy_ns);
  compare_exchange(control.active, kActive, kCopying);  // or another thread has given up meanwhile
}

// First without sleeping: who has a processor and allocates comes soon. Then asleep, so that those who wait
// for a processor get one; the last of them wakes who waits here. Not so if one of them computes: it would
// keep the processor, and there is no telling when it is given back. True when it was slept.
bool Tracker::wait_for_threads(ScannedThread* threads, size_t count) const {
  Control& control = *control_;
  const uint64_t begin = monotonic_ns();
  size_t running = count;  // they are in front
  for (;;) {
    const uint32_t parked = load_acquire(control.parked);
    size_t still = 0;
    bool all_allocate = true;
    for (size_t i = 0; i < running; ++i) {
      if (look_at(&threads[i])) continue;
      all_allocate = all_allocate && threads[i].allocates;
      const ScannedThread kept = threads[still];
      threads[still++] = threads[i];
      threads[i] = kept;
    }
    running = still;
    for (size_t i = 0; i < count; ++i) threads[i].runs = i < running;
    const uint64_t passed = monotonic_ns() - begin;
    if (running == 0 || load_acquire(control.active) != kCopying) return all_allocate;
    if (passed >= (all_allocate ? kWaitForThreads_ns : kWaitAwake_ns)) return all_allocate;
    if (passed < kWaitAwake_ns) continue;
    const timespec moment{0, kLookAgain_ns};
    store_release(control.all_parked, 0u);
    __atomic_store_n(&control.parked_wanted, parked + static_cast<uint32_t>(running), __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&control.parked, __ATOMIC_SEQ_CST) - parked < running)
      system_call(SYS_futex, &control.all_parked, FUTEX_WAIT_PRIVATE, 0, &moment, nullptr, 0);
  }
}

// The calling thread is one of them; its registers are on its stack.
void Tracker::stop_threads(ScanInput* input) const {
  size_t count = 0;
  const ThreadState* const self = thread_state();
  for (ThreadState* state = all_thread_states(); state != nullptr; state = state->next) {
    if (load_acquire(state->owned) == 0 || count == ScanResult::kMostThreads) continue;
    ScannedThread& thread = input->threads[count++];
    thread = {};
    thread.number = state->identity.number;
    thread.tid = state->identity.tid;
    thread.stack_low = state->stack.low;
    thread.stack_high = state->stack.high;
    thread.state = state;
    thread.takes_it = state == self;
    if (thread.takes_it) thread.sp = stack_pointer();
    thread.allocates = state->activity.allocates(load_relaxed(state->until_clock));
  }
  input->thread_count = count;
  const bool slept = wait_for_threads(input->threads, count);
  for (size_t i = 0; i < count; ++i) {
    ThreadState& state = *input->threads[i].state;
    state.activity.ran_on = input->threads[i].runs && (slept || state.activity.ran_on);
  }
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
  input.threads = result->threads;
  input.settle = settle_in_copy;
  unsigned attempts = 0;
  do {
    if (owned_thread_states() > 1) system_call(SYS_sched_yield);
    header.pause_ns = monotonic_ns();  // its beginning, so far
    close_gate_for_copy();
    stop_threads(&input);
  } while (load_acquire(control_->active) == kActive && ++attempts < kMostAttempts);  // it opened by itself
  header.threads = input.thread_count;
  graphs_.scan(header, input);
  open_gate(kCopying);
  graphs_.after_pause(recorder_, input);
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
