#include "instrument/tracker/thread_starts.h"

#include <stdint.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"

namespace leakhunt::tracker {

namespace {

constexpr unsigned kTries = 10'000;
constexpr size_t kStartsPerPage = kPage / sizeof(ThreadStart);

bool is_libstdcxx(const char* path) {
  static constexpr char kName[] = "libstdc++.so";
  for (; *path != '\0'; ++path) {
    size_t i = 0;
    while (kName[i] != '\0' && path[i] == kName[i]) ++i;
    if (kName[i] == '\0') return true;
  }
  return false;
}

}  // namespace

bool ThreadStarts::try_lock() {
  for (unsigned tries = 0; tries < kTries; ++tries) {
    if (lock_.try_lock()) return true;
    __builtin_ia32_pause();
  }
  return false;
}

ThreadStart* ThreadStarts::keep(StartRoutine routine, void* argument, size_t stack_bytes) {
  if (!try_lock()) return nullptr;
  if (free_ == nullptr) free_ = __atomic_exchange_n(&returned_, nullptr, __ATOMIC_ACQ_REL);
  if (free_ == nullptr) {
    ThreadStart* page = static_cast<ThreadStart*>(map_lasting_pages(kPage));
    for (size_t i = 0; page != nullptr && i < kStartsPerPage; ++i) {
      page[i].next = free_;
      free_ = &page[i];
    }
  }
  ThreadStart* start = free_;
  if (start != nullptr) {
    free_ = start->next;
    *start = {routine, argument, stack_bytes, nullptr};
  }
  lock_.unlock();
  return start;
}

ThreadStart ThreadStarts::take(ThreadStart* kept) {
  const ThreadStart start = *kept;
  give_back(kept);
  return start;
}

// Taken out only all at once: no thread can see a start come back that it has read the successor of.
void ThreadStarts::give_back(ThreadStart* start) {
  ThreadStart* head = load_relaxed(returned_);
  do {
    start->next = head;
  } while (!__atomic_compare_exchange_n(&returned_, &head, start, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

// libstdc++ hands its routine a std::thread::_State: behind two destructors its table of virtual functions
// has _M_run, whose template arguments say what the thread runs.
StartRoutine named_routine(StartRoutine routine, const void* argument) {
  constexpr size_t kRun = 2;
  LoadedObject object{};
  if (!find_loaded_object(reinterpret_cast<uintptr_t>(routine), &object) || !is_libstdcxx(object.name))
    return routine;
  const uintptr_t table = *static_cast<const uintptr_t*>(argument);
  if (!find_loaded_object(table, &object)) return routine;
  const uintptr_t run = reinterpret_cast<const uintptr_t*>(table)[kRun];
  return find_loaded_object(run, &object) ? reinterpret_cast<StartRoutine>(run) : routine;
}

}  // namespace leakhunt::tracker
