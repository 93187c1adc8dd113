// pthread_create: a new thread tells the tracker what it was started for, before it does that.
//
// thread_entry leaves no frame behind: it puts the program's routine in its own place, so a stack trace, the
// thread's return value, cancellation and everything that unwinds are as without us. This file is compiled
// without link-time optimisation, which does not see the name that the assembler refers to.
//
// C11's thrd_create does not come by here: such threads are known from their first event on.
#include <errno.h>
#include <pthread.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/tracker/thread_starts.h"
#include "instrument/tracker/tracker.h"

using leakhunt::hooks::ready;
using leakhunt::hooks::real;
using leakhunt::tracker::named_routine;
using leakhunt::tracker::StartRoutine;
using leakhunt::tracker::ThreadStart;
using leakhunt::tracker::ThreadStarts;
using leakhunt::tracker::tracker;

namespace {

constinit ThreadStarts starts;

// As asked for, or what a thread gets without asking.
size_t stack_bytes(const pthread_attr_t* attributes) {
  size_t bytes = 0;
  if (attributes != nullptr) {
    pthread_attr_getstacksize(attributes, &bytes);
    return bytes;
  }
  pthread_attr_t standard;
  if (pthread_attr_init(&standard) != 0) return 0;
  pthread_attr_getstacksize(&standard, &bytes);
  pthread_attr_destroy(&standard);
  return bytes;
}

}  // namespace

// In the new thread: the routine to go on with, and in *argument what it is given.
extern "C" __attribute__((visibility("hidden"), used)) StartRoutine leakhunt_thread_begins(ThreadStart* kept,
                                                                                           void** argument) {
  const ThreadStart start = starts.take(kept);
  *argument = start.argument;
  tracker.on_thread_start(named_routine(start.routine, start.argument), start.stack_bytes);
  return start.routine;
}

namespace {

__attribute__((naked)) void* thread_entry(void*) {
  __asm__(
      "subq $24, %rsp\n\t"
      ".cfi_adjust_cfa_offset 24\n\t"
      "movq %rsp, %rsi\n\t"
      "call leakhunt_thread_begins\n\t"
      "movq (%rsp), %rdi\n\t"
      "addq $24, %rsp\n\t"
      ".cfi_adjust_cfa_offset -24\n\t"
      "jmp *%rax");
}

}  // namespace

LEAKHUNT_HOOK int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, StartRoutine routine,
                                 void* argument) noexcept {
  ready();
  ThreadStart* start = tracker.active() ? starts.keep(routine, argument, stack_bytes(attributes)) : nullptr;
  if (start == nullptr) return real.pthread_create(thread, attributes, routine, argument);
  int error = real.pthread_create(thread, attributes, thread_entry, start);
  if (error == EAGAIN && tracker.made_room_for(start->stack_bytes))
    error = real.pthread_create(thread, attributes, thread_entry, start);
  if (error != 0) starts.take(start);
  return error;
}
