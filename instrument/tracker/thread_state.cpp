#include "instrument/tracker/thread_state.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"

extern "C" void* __libc_stack_end;  // of the first thread, set by the dynamic loader

namespace leakhunt::tracker {

namespace {

// initial-exec: reading it is one instruction and never allocates.
__attribute__((tls_model("initial-exec"))) thread_local ThreadState* mine = nullptr;
__attribute__((tls_model("initial-exec"))) thread_local bool being_made = false;

// Outlives the state: an event in a late destructor of the thread gives it another one.
__attribute__((tls_model("initial-exec"))) thread_local ThreadIdentity who{};

ThreadState* newest = nullptr;
uint32_t last_number = 0;
uint32_t given_count = 0;
bool split_by_thread = false;
uint32_t owned_count = 0;
pthread_key_t end_of_thread;
bool have_key = false;
ThreadEnded on_ended = nullptr;

// ThreadState::owned
constexpr uint32_t kOwned = 1;
constexpr uint32_t kOwnedAfterEnd = 2;  // by a thread whose end was announced already

StackBounds first_threads_stack() {
  const uintptr_t high = (reinterpret_cast<uintptr_t>(__libc_stack_end) + kPage) / kPage * kPage;
  rlimit limit{};
  system_call(SYS_prlimit64, 0, RLIMIT_STACK, nullptr, &limit);
  const uintptr_t most = uintptr_t{1} << 30;
  const uintptr_t bytes = limit.rlim_cur < most ? limit.rlim_cur : most;
  return {high - bytes, high};
}

// Not by pthread_getattr_np: that allocates while it holds the thread's lock, so a program that calls it
// itself would come back here and wait for itself. glibc puts a thread's control block, which the thread
// pointer names, at the upper end of its stack, whoever gave the stack.
//
// The first thread of a forked child is the one that forked, on its own stack.
StackBounds this_threads_stack() {
  if (system_call(SYS_gettid) == system_call(SYS_getpid)) {
    const StackBounds first = first_threads_stack();
    const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    if (here >= first.low && here < first.high) return first;
  }
  const uintptr_t high = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  MappedArea area{};
  if (!find_mapped_area(high, &area)) return {0, 0};  // every stack is a foreign one then: slower, and right
  return {area.begin, high};
}

void release(void* state_of_thread) {
  ThreadState* state = static_cast<ThreadState*>(state_of_thread);
  state->busy = true;
  if (on_ended != nullptr) on_ended(state);
  store_release(state->listed, 0u);
  mine = nullptr;
  state->busy = false;
  __atomic_fetch_sub(&owned_count, 1u, __ATOMIC_RELAXED);
  store_release(state->owned, 0u);
}

// Of a thread that had an event behind its last destructor, the end was not announced: it is gone when the
// kernel does not know it any more.
bool ended_unseen(const ThreadState& state) {
  if (load_relaxed(state.owned) != kOwnedAfterEnd) return false;
  return system_call(SYS_tgkill, system_call(SYS_getpid), load_relaxed(state.identity.tid), 0) == -ESRCH;
}

ThreadState* take_over_ended() {
  for (ThreadState* state = all_thread_states(); state != nullptr; state = state->next) {
    if (load_relaxed(state->owned) == 0 && compare_exchange(state->owned, 0u, kOwned)) return state;
    if (ended_unseen(*state) && compare_exchange(state->owned, kOwnedAfterEnd, kOwned)) {
      __atomic_fetch_sub(&owned_count, 1u, __ATOMIC_RELAXED);
      return state;
    }
  }
  return nullptr;
}

void identify() {
  if (who.tid != 0) return;
  who.tid = static_cast<uint32_t>(system_call(SYS_gettid));
  who.begin_ns = monotonic_ns();
  const bool first = static_cast<long>(who.tid) == system_call(SYS_getpid);
  who.number = first ? 0 : __atomic_add_fetch(&last_number, 1u, __ATOMIC_RELAXED);
}

void split_sites(ThreadState* state) {
  const uint32_t number = who.number < recording::kOtherThreads ? who.number : recording::kOtherThreads;
  state->site_thread = split_by_thread ? number : recording::kNoThread;
  state->site_seed = split_by_thread ? (number + 1) * 0xA0761D6478BD642Full : 0;
}

// The copy that is scanned for a heap graph asks how each thread stood in it.
ThreadState* make_new() {
  constexpr size_t kBytes = (sizeof(ThreadState) + kPage - 1) / kPage * kPage;
  ThreadState* state = static_cast<ThreadState*>(map_pages(kBytes));
  if (state == nullptr) return nullptr;
  keep_on_fork(state, kBytes);
  state->owned = kOwned;
  ThreadState* head = load_relaxed(newest);
  do {
    state->next = head;
  } while (!__atomic_compare_exchange_n(&newest, &head, state, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  return state;
}

__attribute__((noinline)) ThreadState* make_thread_state() {
  if (being_made) return nullptr;  // an allocation of pthread_setspecific
  being_made = true;
  const bool after_end = who.tid != 0;
  identify();
  ThreadState* state = take_over_ended();
  if (state == nullptr) state = make_new();
  if (state != nullptr) {
    state->tag = recording::kHeapTag;
    state->until_clock = 0;
    state->between_clocks = 0;
    state->looks = 0;
    state->stack = this_threads_stack();
    state->identity = who;
    state->written = {};
    split_sites(state);
    if (after_end) {
      store_relaxed(state->owned, kOwnedAfterEnd);  // and not listed: its end is written already
    } else {
      store_release(state->listed, 1u);
      __atomic_fetch_add(&given_count, 1u, __ATOMIC_RELEASE);
    }
    if (have_key) pthread_setspecific(end_of_thread, state);
    __atomic_fetch_add(&owned_count, 1u, __ATOMIC_RELAXED);
    mine = state;
  } else if (on_ended != nullptr) {
    on_ended(nullptr);
  }
  being_made = false;
  return state;
}

}  // namespace

ThreadState* thread_state() {
  ThreadState* state = mine;
  return likely(state != nullptr) ? state : make_thread_state();
}

void announce_thread(uint64_t start_routine, uint64_t stack_bytes) {
  who.start_routine = start_routine;
  who.stack_bytes = stack_bytes;
  thread_state();
}

uint32_t thread_states_given() {
  return load_acquire(given_count);
}

ThreadState* all_thread_states() {
  return load_acquire(newest);
}

uint32_t owned_thread_states() {
  return load_relaxed(owned_count);
}

void forget_other_threads() {
  for (ThreadState* state = all_thread_states(); state != nullptr; state = state->next) {
    state->busy = false;
    state->owned = state == mine ? kOwned : 0;
    if (state != mine) state->listed = 0;
  }
  owned_count = mine != nullptr ? 1 : 0;
}

void start_thread_states(ThreadEnded ended, bool split_sites_by_thread) {
  on_ended = ended;
  split_by_thread = split_sites_by_thread;
  have_key = have_key || pthread_key_create(&end_of_thread, release) == 0;
}

void forget_thread_states_in_child() {
  newest = nullptr;
  owned_count = 0;
  last_number = 0;
  given_count = 0;
  who = {};
  mine = nullptr;
  being_made = false;
  if (have_key) pthread_setspecific(end_of_thread, nullptr);
}

}  // namespace leakhunt::tracker
