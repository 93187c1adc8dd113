#include "instrument/tracker/thread_state.h"

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

ThreadState* newest = nullptr;
uint32_t owned_count = 0;
pthread_key_t end_of_thread;
bool have_key = false;
ThreadEnded on_ended = nullptr;

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
StackBounds this_threads_stack() {
  if (system_call(SYS_gettid) == system_call(SYS_getpid)) return first_threads_stack();
  const uintptr_t high = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  MappedArea area{};
  if (!find_mapped_area(high, &area)) return {0, 0};  // every stack is a foreign one then: slower, and right
  return {area.begin, high};
}

void release(void* state_of_thread) {
  ThreadState* state = static_cast<ThreadState*>(state_of_thread);
  if (on_ended != nullptr) on_ended(state);
  mine = nullptr;
  __atomic_fetch_sub(&owned_count, 1u, __ATOMIC_RELAXED);
  store_release(state->owned, 0u);
}

ThreadState* take_over_ended() {
  for (ThreadState* state = all_thread_states(); state != nullptr; state = state->next) {
    if (load_relaxed(state->owned) == 0 && compare_exchange(state->owned, 0u, 1u)) return state;
  }
  return nullptr;
}

ThreadState* make_new() {
  ThreadState* state =
      static_cast<ThreadState*>(map_pages((sizeof(ThreadState) + kPage - 1) / kPage * kPage));
  if (state == nullptr) return nullptr;
  state->owned = 1;
  ThreadState* head = load_relaxed(newest);
  do {
    state->next = head;
  } while (!__atomic_compare_exchange_n(&newest, &head, state, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  return state;
}

__attribute__((noinline)) ThreadState* make_thread_state() {
  if (being_made) return nullptr;  // an allocation of pthread_setspecific
  being_made = true;
  ThreadState* state = take_over_ended();
  if (state == nullptr) state = make_new();
  if (state != nullptr) {
    state->tag = recording::kHeapTag;
    state->until_clock = 0;
    state->between_clocks = 0;
    state->looks = 0;
    state->stack = this_threads_stack();
    if (have_key) pthread_setspecific(end_of_thread, state);
    __atomic_fetch_add(&owned_count, 1u, __ATOMIC_RELAXED);
    mine = state;
  }
  being_made = false;
  return state;
}

}  // namespace

ThreadState* thread_state() {
  ThreadState* state = mine;
  return likely(state != nullptr) ? state : make_thread_state();
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
    state->owned = state == mine ? 1 : 0;
  }
  owned_count = mine != nullptr ? 1 : 0;
}

void start_thread_states(ThreadEnded ended) {
  on_ended = ended;
  have_key = have_key || pthread_key_create(&end_of_thread, release) == 0;
}

}  // namespace leakhunt::tracker
