// Tracker, continued: when memory for it is short. First only a sample of the blocks is tracked, then stacks
// of new call sites are not recorded any more, and only at last it steps aside.
//
// In the counters a tracked block stands for as many as its weight says, at its allocation and at its free:
// so those of a site are estimates without bias, whoever reads them, and what is born and dies while nobody
// looks leaves no trace in the live bytes. When the level is raised, what stays in the table counts for more
// and what is dropped for nothing; of both only the difference is booked, as allocations or as frees of the
// site, since counters never fall.
#include <errno.h>
#include <linux/futex.h>

#include "instrument/os/fence.h"
#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"
#include "instrument/tracker/tracker.h"

namespace leakhunt::tracker {

using recording::Encoder;
using recording::RecordType;

namespace {

constexpr uint64_t kOnceWaited_ns = 10'000'000;
constexpr uint64_t kLongestWait_ns = 2'000'000'000;
constexpr uint64_t kFillBehind = 35;  // per cent of the slots, where seventy are full
constexpr uint32_t kSitesAtOnce = 1024;

// What was thinned out at one call site: what is counted for now, less what was counted for before.
struct Thinned {
  int64_t blocks;
  int64_t bytes;
};
Thinned thinned[kSitesAtOnce];  // static: it may be no memory that is asked for, and no stack to speak of

uint64_t seed_of(ThreadState* thread) {
  return static_cast<uint64_t>(thread->identity.number) << 40 | ++thread->sampled.draws;
}

}  // namespace

unsigned Sampling::level_for(const uint64_t (&blocks)[kSizes], uint64_t most) const {
  for (unsigned candidate = level() + 1; candidate <= kHighest; ++candidate) {
    uint64_t expected = 0;
    for (unsigned bits = 0; bits < kSizes; ++bits)
      expected += blocks[bits] >> (shift(candidate, bits) - shift(level(), bits));
    if (expected <= most) return candidate;
  }
  return 0;
}

// --- events

__attribute__((noinline)) void Tracker::alloc_sampled(ThreadState* thread, void* block, size_t size,
                                                      const void* hook_frame) {
  add_owned(thread->sampled.allocations, uint64_t{1});
  add_owned(thread->sampled.allocated_bytes, uint64_t{size});
  const unsigned level = sampling_.level();
  if (Sampling::stays(0, level, size, seed_of(thread))) {
    const SiteId site = site_of_block(thread, hook_frame);
    if (site == CallSites::kNone) {
      // nothing is recorded any more
    } else if (blocks_.insert(reinterpret_cast<uintptr_t>(block), {site, load_relaxed(clock_), size})) {
      count_sampled(thread, site, size);
    } else {
      insert_short(thread, block, size, site, level);
    }
  }
}

__attribute__((noinline)) void Tracker::free_sampled(ThreadState* thread, const LiveBlock& block,
                                                     const void* hook_frame) {
  add_owned(thread->sampled.frees, uint64_t{1});
  const uint64_t weight = sampling_.weight(block.size);
  bool to_note = false;
  const bool counted = thread->rows.change(block.site, [&](Counters& row) {
    add_owned(row.frees, weight);
    add_owned(row.freed_bytes, weight * block.size);
    to_note = is_worth_a_look(row);
    if (block.birth != load_relaxed(clock_)) return;
    add_owned(row.temporary_blocks, weight);
    add_owned(row.temporary_bytes, weight * block.size);
  });
  if (!counted) return step_aside("no memory for counters", ENOMEM);
  const SiteInfo info = site_infos_[static_cast<uint32_t>(block.site)];
  const int64_t bytes = static_cast<int64_t>(weight * block.size);
  if (info.kind == SiteKind::kBlock) thread->heap_peak.add(heap_gauge_, -bytes);
  thread->tag_peaks[info.tag].add(tag_gauges_[info.tag], -bytes);
  if (to_note) note_free(thread, block.site, hook_frame);
}

// The block was out of the table, so whatever happened to the level meanwhile did not happen to it.
__attribute__((noinline)) void Tracker::settle_move(ThreadState* thread, LiveBlock moved, void* from,
                                                    bool failed) {
  const unsigned before = Sampling::level_in(moved.size);
  moved.size = Sampling::without_level(moved.size);
  const int64_t was = static_cast<int64_t>(Sampling::weight(before, moved.size));
  const int64_t size = static_cast<int64_t>(moved.size);
  const bool stays = failed && Sampling::stays(before, sampling_.level(), moved.size, seed_of(thread)) &&
                     blocks_.insert(reinterpret_cast<uintptr_t>(from), moved);
  const int64_t is = stays ? static_cast<int64_t>(sampling_.weight(moved.size)) : 0;
  if (!failed) add_owned(thread->sampled.frees, uint64_t{1});
  if (is != was) count_thinned(thread, moved.site, is - was, (is - was) * size);
}

// A block that came.
void Tracker::count_sampled(ThreadState* thread, SiteId site, uint64_t size) {
  const int64_t weight = static_cast<int64_t>(sampling_.weight(size));
  if (count_thinned(thread, site, weight, weight * static_cast<int64_t>(size))) watch_room(thread, 0);
}

bool Tracker::count_thinned(ThreadState* thread, SiteId site, int64_t blocks, int64_t bytes) {
  const bool counted = thread->rows.change(site, [&](Counters& row) {
    if (blocks > 0) {
      add_owned(row.allocations, static_cast<uint64_t>(blocks));
    } else {
      add_owned(row.frees, static_cast<uint64_t>(-blocks));
    }
    if (bytes > 0) {
      add_owned(row.allocated_bytes, static_cast<uint64_t>(bytes));
    } else {
      add_owned(row.freed_bytes, static_cast<uint64_t>(-bytes));
    }
  });
  if (!counted) {
    step_aside("no memory for counters", ENOMEM);
    return false;
  }
  const SiteInfo info = site_infos_[static_cast<uint32_t>(site)];
  thread->tag_peaks[info.tag].add(tag_gauges_[info.tag], bytes);
  return info.kind == SiteKind::kBlock && thread->heap_peak.add(heap_gauge_, bytes);
}

// The table has no slot for a block that was drawn at `level`.
__attribute__((noinline)) void Tracker::insert_short(ThreadState* thread, void* block, size_t size,
                                                     SiteId site, unsigned level) {
  constexpr unsigned kTries = 4;
  for (unsigned tries = 0; tries < kTries; ++tries) {
    if (!sample_harder(thread)) break;
    if (!Sampling::stays(level, sampling_.level(), size, seed_of(thread))) return;
    level = sampling_.level();
    if (blocks_.insert(reinterpret_cast<uintptr_t>(block), {site, load_relaxed(clock_), size}))
      return count_sampled(thread, site, size);
  }
  step_aside("no memory for the table of live blocks", ENOMEM);
}

// --- the level

// False when the table is as full as before.
bool Tracker::sample_harder(ThreadState* thread) {
  if (sampling_.lock().try_lock()) {
    const bool done = thin_out(thread);
    sampling_.lock().unlock();
    return done;
  }
  leave(thread);  // another thread is at it, and waits for this one
  { const SpinGuard until_done(sampling_.lock()); }
  return come_in() == thread;
}

bool Tracker::nobody_else_is_inside(const ThreadState* self) {
  for (const ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    if (thread != self && __atomic_load_n(&thread->busy, __ATOMIC_ACQUIRE)) return false;
  }
  return true;
}

// Until open_gate() nobody else is inside the tracker, and who comes waits. In several attempts: a thread
// that is inside may wait for a lock whose holder waits at the door.
bool Tracker::stop_others(const ThreadState* self) {
  if (single_threaded()) return active();
  const uint64_t begin = monotonic_ns();
  do {
    if (compare_exchange(control_->active, kActive, kParking)) {
      fence_for_all_threads();
      const uint64_t closed = monotonic_ns();
      do {
        if (nobody_else_is_inside(self) && load_acquire(control_->active) == kParking) return true;
        system_call(SYS_sched_yield);
      } while (monotonic_ns() - closed < kOnceWaited_ns);
      open_gate(kParking);
    }
    system_call(SYS_sched_yield);
  } while (active() && monotonic_ns() - begin < kLongestWait_ns);
  return false;
}

void Tracker::open_gate(uint32_t closed) const {
  compare_exchange(control_->active, closed, kActive);
  system_call(SYS_futex, &control_->active, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

// Under the sampling's lock.
bool Tracker::thin_out(ThreadState* thread) {
  if (!stop_others(thread)) return false;
  const uint64_t room = blocks_.slots() * kFillBehind / 100;
  const bool done =
      thin_out_until(thread, [room](uint64_t count) { return count / 2 < room ? count / 2 : room; });
  open_gate(kParking);
  return done;
}

// The same, and into a table of a quarter of the size, or the least there is. Where few blocks are live that
// alone does it.
bool Tracker::thin_out_into_less(ThreadState* thread) {
  const unsigned bits = blocks_.smaller_bits();
  if (bits == 0 || !sampling_.lock().try_lock()) return false;
  bool done = false;
  if (stop_others(thread)) {
    const uint64_t room = LiveBlocks::slots_of(bits) * kFillBehind / 100;
    if (blocks_.smaller_bits() == bits &&
        thin_out_until(thread, [room](uint64_t count) { return count < room ? count : room; }))
      done = blocks_.move_into(bits);
    open_gate(kParking);
  }
  sampling_.lock().unlock();
  return done;
}

// To at most as many blocks as `most` says of the number there is.
template <typename Most>
bool Tracker::thin_out_until(ThreadState* thread, const Most& most) {
  uint64_t blocks[Sampling::kSizes] = {};
  uint64_t count = 0;
  blocks_.for_each_at([&](uintptr_t, const LiveBlock& block) {
    ++blocks[Sampling::size_bits(block.size)];
    ++count;
  });
  if (count <= most(count)) return true;
  const unsigned level = sampling_.level_for(blocks, most(count));
  if (level == 0) return false;
  if (!sampling_.on()) sampling_.foreign_frees_before = foreign_frees();
  thin_out_to(thread, level);
  sampling_.since = load_relaxed(clock_);
  sampling_.raise_to(level);
  return true;
}

// Some sites at once, in as many walks as it takes.
void Tracker::thin_out_to(ThreadState* thread, unsigned level) {
  const unsigned before = sampling_.level();
  const uint32_t sites = sites_.count();
  for (uint32_t first = 0; first < sites; first += kSitesAtOnce) {
    for (Thinned& site : thinned) site = {};
    blocks_.for_each_at([&](uintptr_t address, const LiveBlock& block) {
      const uint32_t index = static_cast<uint32_t>(block.site) - first;
      if (index >= kSitesAtOnce) return;
      const int64_t was = static_cast<int64_t>(Sampling::weight(before, block.size));
      int64_t is = static_cast<int64_t>(Sampling::weight(level, block.size));
      if (is == was) return;
      if (!Sampling::stays(before, level, block.size, address << 8 | level)) {
        LiveBlock dropped;
        blocks_.take(address, &dropped);
        is = 0;
      }
      thinned[index].blocks += is - was;
      thinned[index].bytes += (is - was) * static_cast<int64_t>(block.size);
    });
    for (uint32_t index = 0; index < kSitesAtOnce; ++index) {
      const Thinned& site = thinned[index];
      if (site.blocks != 0 || site.bytes != 0)
        count_thinned(thread, SiteId{first + index}, site.blocks, site.bytes);
    }
  }
}

// --- call sites

// Under the recorder's lock. The one that stands for all new sites of a tag and kind from here on.
SiteId Tracker::site_without_stack(TagId tag, SiteKind kind, uint32_t thread) {
  const uint64_t hash = hash_without_stack(tag, kind, thread);
  if (const SiteId there = sites_.find(hash); there != CallSites::kNone) return there;
  const SiteId id = sites_.next_id_of_last();
  if (id == CallSites::kNone) {
    give_up("no room for more call sites", ENOMEM);
    return id;
  }
  site_infos_[static_cast<uint32_t>(id)] = {static_cast<uint8_t>(tag), kind};
  if (!recorder_.write_site(tags_, {id, tag, kind, true, 0, thread}, nullptr)) {
    give_up("cannot extend the recording", recorder_.error());
    return CallSites::kNone;
  }
  sites_.publish(hash, id);
  if (!sampling_.stacks_end()) sampling_.since = load_relaxed(clock_);
  sampling_.end_stacks();
  return id;
}

// --- the recording

uint64_t Tracker::foreign_frees() const {
  uint64_t sum = 0;
  for (const ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next)
    sum += load_relaxed(thread->foreign_frees);
  return sum;
}

// In front of a snapshot: if it has come to more of it, and at the end.
bool Tracker::write_sampling(recording::SnapshotKind kind) {
  if (likely(!sampling_.on() && !sampling_.stacks_end())) return true;
  const unsigned level = sampling_.level();
  const bool stacks_end = sampling_.stacks_end();
  const bool news = level != sampling_.written_level || stacks_end != sampling_.written_stacks_end;
  if (!news && kind != recording::SnapshotKind::kFinal) return true;
  recording::SamplingRecord record{};
  record.iteration = sampling_.since;
  record.interval_bytes = level != 0 ? uint64_t{1} << level : 0;
  record.stacks_end = stacks_end;
  record.error = ENOMEM;
  record.group_limit_bytes = limit_that_was_short();
  for (const ThreadState* thread = all_thread_states(); thread != nullptr; thread = thread->next) {
    record.allocations += load_relaxed(thread->sampled.allocations);
    record.allocated_bytes += load_relaxed(thread->sampled.allocated_bytes);
    record.frees += load_relaxed(thread->sampled.frees);
  }
  if (level != 0) record.frees += foreign_frees() - sampling_.foreign_frees_before;
  sampling_.written_level = level;
  sampling_.written_stacks_end = stacks_end;
  return recorder_.write_sampling(record);
}

bool Recorder::write_sampling(const recording::SamplingRecord& record) {
  constexpr size_t kMost = 8 * recording::kMaxVarint;
  uint8_t* payload = file_.reserve(kMost);
  if (payload == nullptr) return false;
  Encoder out{payload, payload + kMost};
  encode(out, record);
  file_.commit(RecordType::kSampling, static_cast<size_t>(out.cursor - payload));
  return true;
}

// --- when the target needs what the tracker has

// True when nothing of the tables is mapped any more.
bool Tracker::leave_no_tables() {
  const uint64_t begin = monotonic_ns();
  fence_for_all_threads();
  const ThreadState* self = thread_state();
  while (!nobody_else_is_inside(self)) {
    if (monotonic_ns() - begin > kLongestWait_ns) return false;
    system_call(SYS_sched_yield);
  }
  recorder_.close_and_trim();
  blocks_.release();
  sites_.release();
  freed_places_.release();
  unmap_pages(site_infos_, site_room_ * sizeof(SiteInfo));
  site_infos_ = nullptr;
  site_room_ = 0;
  return true;
}

// By a thread that is in the tracker, and will do nothing more there.
void Tracker::end_for_the_program(ThreadState* thread, const char* reason) {
  {
    const SpinGuard guard(recorder_.lock());
    if (active()) snapshot(thread, recording::SnapshotKind::kFinal, clock_);
    give_up(reason, ENOMEM);
  }
  if (active()) return;
  const SpinGuard guard(giving_back_);
  if (site_infos_ != nullptr) leave_no_tables();
}

// Tables that lie idle since tracking ended are given back as well.
bool Tracker::made_room_for(size_t bytes) {
  if (control_ == &never_started_ || control_->pid != static_cast<uint32_t>(system_call(SYS_getpid)))
    return false;
  if (!is_in_the_way_of(bytes)) return false;
  if (ThreadState* thread = come_in(); thread != nullptr) {
    const SpinGuard guard(recorder_.lock());
    if (active()) snapshot(thread, recording::SnapshotKind::kFinal, clock_);
    give_up("the program needs the memory that the tracker has", ENOMEM);
    leave(thread);
  }
  const ThreadState* self = thread_state();
  if (self == nullptr || self->busy || active()) return false;
  const SpinGuard guard(giving_back_);
  return site_infos_ == nullptr || leave_no_tables();
}

}  // namespace leakhunt::tracker
