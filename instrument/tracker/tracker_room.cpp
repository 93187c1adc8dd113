// Tracker, continued: in a control group with a limit. What the tracker has touched there is missing to the
// program, and the kernel refuses nothing: it ends somebody. So while events come it is looked at what is
// left, as often as time passes and as the heap grows, and what the program may need soon is given back in
// time: first the window on the recording, then blocks (they become a sample, in a smaller table), and when
// nothing else is left, tracking ends.
#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

constexpr uint64_t kLooksApart_ns = 10'000'000;
constexpr uint64_t kPartOfTime = 50;            // for looking
constexpr uint64_t kLeastReserve = 1536 << 10;  // the kernel counts in portions of 256 KiB a processor
constexpr uint64_t kPartInReserve = 32;         // of the limit
constexpr uint64_t kMostInReserve = 8;
constexpr uint64_t kLooksUntilFull = 8;
constexpr uint64_t kKeptByLibc = 40 << 20;  // glibc's stack_cache_maxsize

// What may be taken between two looks, by each of the processes that take it at the same time.
uint64_t reserve_in(const GroupRoom& room) {
  const uint64_t part = room.limit / kPartInReserve;
  const uint64_t of_one = part > kLeastReserve ? part : kLeastReserve;
  const uint64_t of_all = of_one * (room.processes > 3 ? room.processes / 2 : 1);
  const uint64_t most = room.limit / kMostInReserve;
  return of_all <= most ? of_all : most > of_one ? most : of_one;
}

}  // namespace

// Threads reserve what they rarely touch. Of those that ended libc keeps some for the next.
uint64_t Tracker::unused_stacks() const {
  uint64_t running = 0;
  uint64_t ended = 0;
  for (const ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    if (thread->identity.tid == control_->pid) continue;
    (load_acquire(thread->owned) != 0 ? running : ended) += thread->stack.high - thread->stack.low;
  }
  return running + (ended < kKeptByLibc ? ended : kKeptByLibc);
}

__attribute__((noinline)) void Tracker::watch_room(ThreadState* thread, uint64_t wanted) {
  const int64_t watched = load_relaxed(heap_gauge_.watched);
  const bool has_grown = watched == 0 || load_relaxed(heap_gauge_.live) >= watched;
  const uint64_t begin = monotonic_ns();
  if (wanted == 0 && !has_grown && begin < load_relaxed(room_watch_.next_look_ns)) return;
  if (!room_watch_.lock.try_lock()) return;
  keep_out_of_the_way(thread, wanted);
  const uint64_t end = monotonic_ns();
  const uint64_t pause = (end - begin) * kPartOfTime;
  store_relaxed(room_watch_.next_look_ns, end + (pause > kLooksApart_ns ? pause : kLooksApart_ns));
  room_watch_.lock.unlock();
}

// What is mapped and not touched yet counts as wanted, but for that alone tracking does not end: many a
// program never touches it.
void Tracker::keep_out_of_the_way(ThreadState* thread, uint64_t wanted) {
  for (;;) {
    const GroupRoom room = room_in_group();
    if (!room.is_limited()) return;
    const uint64_t untouched = untouched_bytes();
    const uint64_t stacks = unused_stacks();
    const uint64_t claimed = wanted + (untouched > stacks ? untouched - stacks : 0);
    const uint64_t reserve = reserve_in(room);
    const uint64_t free = room.left > claimed + reserve ? room.left - claimed - reserve : 0;
    const uint64_t step = free / kLooksUntilFull;
    const int64_t live = load_relaxed(heap_gauge_.live);
    store_relaxed(heap_gauge_.watched, live + static_cast<int64_t>(step > kBatch ? step : kBatch));
    if (free != 0) return;
    note_short_limit(room.limit);
    if (give_something_back(thread)) continue;
    if (room.left < reserve)
      end_for_the_program(thread, "the control group's limit leaves no memory for the tracker");
    return;
  }
}

bool Tracker::give_something_back(ThreadState* thread) {
  if (!active()) return false;
  {
    const SpinGuard guard(recorder_.lock());
    if (active() && recorder_.has_smaller_window()) return true;
  }
  return thin_out_into_less(thread);
}

// What the program writes to while a heap graph is scanned is there twice; an index of the blocks comes to
// it.
bool Tracker::may_copy_heap() const {
  if (!is_in_limited_group()) return true;
  const GroupRoom room = room_in_group();
  const uint64_t live = static_cast<uint64_t>(load_relaxed(heap_gauge_.live));
  constexpr uint64_t kBesides = 4 << 20;
  return !room.is_limited() || room.left / 2 > live / 2 + blocks_.slots() * sizeof(uint64_t[4]) + kBesides;
}

void Tracker::make_room_before(size_t bytes) {
  if (!is_in_limited_group() || bytes < kBatch) return;
  ThreadState* thread = come_in();
  if (thread == nullptr) return;
  watch_room(thread, bytes);
  leave(thread);
}

}  // namespace leakhunt::tracker
