// The tracker's clock: when an iteration (or a tick) ends. What runs at every event is look_at_clock(), in
// tracker.cpp.
#include "instrument/os/memory_limit.h"
#include "instrument/os/proc_self.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

namespace {

constexpr uint32_t kFewLooks = 16;
constexpr uint32_t kManyLooks = 1024;
constexpr uint32_t kFirstCohorts = 64;

// Is there one among before + 1 ... after that is worth a table of cohorts?
bool passes_power_of_two(uint32_t before, uint32_t after) {
  return after >= kFirstCohorts && (before == 0 || __builtin_clz(before) != __builtin_clz(after));
}

bool is_power_of_two(uint32_t number) {
  return (number & (number - 1)) == 0;
}

}  // namespace

__attribute__((noinline)) bool Tracker::clock_is_due(ThreadState* thread) {
  if (unlikely(is_in_limited_group())) {
    watch_room(thread, 0);
    if (!active()) {
      leave(thread);
      return false;
    }
  }
  if (unlikely(lines_.expected())) {
    thread->until_clock = 0;  // at every event
    if (!cut_at_lines(thread)) return false;
    lines_.note_event();
    return true;
  }
  if (settings_.tick_ns != 0 && !load_relaxed(marks_)) {
    tick_if_due(thread);
  } else {
    thread->until_clock = kMostEventsBetweenClocks;
  }
  return true;
}

// The distance between two looks follows the rate of events, tick by tick: a look costs nothing where they
// come fast, and no tick is missed where they come in a few bursts.
__attribute__((noinline)) void Tracker::tick_if_due(ThreadState* thread) {
  if (thread->tick_end_ns != load_relaxed(next_tick_ns_)) {
    if (thread->looks < kFewLooks) thread->between_clocks = 0;
    thread->tick_end_ns = load_relaxed(next_tick_ns_);
    thread->looks = 0;
  } else if (++thread->looks > kManyLooks && thread->between_clocks < kMostEventsBetweenClocks) {
    thread->between_clocks = thread->between_clocks * 2 + 1;
    thread->looks = 0;
  }
  thread->until_clock = thread->between_clocks;
  const uint64_t now = monotonic_ns();
  if (now < load_relaxed(next_tick_ns_) || !recorder_.lock().try_lock()) return;
  if (active()) {
    const uint64_t missed = (now - next_tick_ns_) / settings_.tick_ns;
    store_relaxed(next_tick_ns_, next_tick_ns_ + (missed + 1) * settings_.tick_ns);
    end_iteration(thread, recording::SnapshotKind::kTick, clock_ + 1u, clock_ + 1u);
    if (settings_.attached && ends_if_abandoned()) store_release(control_->active, 0u);
  }
  recorder_.lock().unlock();
}

// Before an event: what it counts belongs to the iteration that the last line began.
bool Tracker::cut_at_lines(ThreadState* thread) {
  if (unlikely(lines_.is_behind())) {
    leave(thread);  // a signal may come while we wait, and its handler is the target's
    lines_.catch_up();
    if (come_in() != thread) return false;
  }
  if (lines_.has_caught_up() && lines_.count() > load_relaxed(clock_) && recorder_.lock().try_lock()) {
    if (active()) end_iterations(thread, lines_.count());
    recorder_.lock().unlock();
  }
  return true;
}

// Also of an iteration in which nothing was allocated. Not on a signal handler's stack, which may be just
// large enough for the handler.
void Tracker::before_output(int stream, size_t bytes) {
  if (!lines_.expected()) return;
  ThreadState* thread = come_in();
  if (thread == nullptr) return;
  const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here >= thread->stack.low && here < thread->stack.high && !cut_at_lines(thread)) return;
  lines_.before_write(stream, bytes);
  leave(thread);
}

// One cut for all lines that matched since the last one: nobody knows what was counted between them. The last
// one gives it its number. Where lines came after anything had happened, one more cut says so: from the first
// of them to the last nothing did.
void Tracker::end_iterations(ThreadState* thread, uint64_t lines) {
  if (lines <= clock_) return;
  const uint64_t quiet_from = lines_.most_at_last_event();
  if (quiet_from >= clock_ && quiet_from < lines - 1)
    snapshot(thread, recording::SnapshotKind::kIteration, quiet_from);
  if (!active()) return;
  end_iteration(thread, recording::SnapshotKind::kIteration, lines - 1, static_cast<uint32_t>(lines));
}

void Tracker::end_iteration(ThreadState* thread, recording::SnapshotKind kind, uint64_t number,
                            uint32_t completed) {
  const uint32_t before = clock_;
  snapshot(thread, kind, number);
  store_relaxed(clock_, completed);
  if (passes_power_of_two(before, completed) && active()) write_cohorts();
  if (active() && graphs_.any_pending()) collect_graphs(false);
  if (active() && graphs_.is_due(before, completed, kind == recording::SnapshotKind::kTick,
                                 recorder_.snapshots(), sites_.count())) {
    const bool asked = settings_.graph.when == GraphPlan::When::kEvery;
    take_graph(asked ? recording::GraphReason::kEvery : recording::GraphReason::kGrowth);
  } else if (is_power_of_two(completed)) {
    note_activity();
  }
}

}  // namespace leakhunt::tracker
