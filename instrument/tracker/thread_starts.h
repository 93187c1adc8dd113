// ThreadStarts: what pthread_create was given, from the call until the new thread takes it.
#pragma once

#include <stddef.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

using StartRoutine = void* (*)(void*);

struct ThreadStart {
  StartRoutine routine;
  void* argument;
  size_t stack_bytes;  // of the thread's stack, as asked for
  ThreadStart* next;
};

// Thread-safety: any thread; in a signal handler, or behind a fork that interrupted another thread, keep()
// may find the list in use and refuse.
class ThreadStarts {
 public:
  // Null when there is no memory for it, or no getting at it.
  ThreadStart* keep(StartRoutine routine, void* argument, size_t stack_bytes);

  ThreadStart take(ThreadStart* kept);

 private:
  bool try_lock();
  void give_back(ThreadStart* start);

  SpinLock lock_;
  ThreadStart* free_ = nullptr;
  ThreadStart* returned_ = nullptr;  // without the lock
};

// The function a person would name: of a std::thread that is what it was made for, not libstdc++'s own
// routine.
StartRoutine named_routine(StartRoutine routine, const void* argument);

}  // namespace leakhunt::tracker
