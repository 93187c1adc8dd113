#include "instrument/tracker/tracker.h"

#include <errno.h>
#include <string.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

constinit Tracker tracker;
constinit Tracker::Control Tracker::never_started_{};
constinit Tracker::Control* Tracker::control_ = &Tracker::never_started_;

// --- the common path

// Into its few callers, all of which are on the way of every event.
#define LEAKHUNT_COMMON_PATH __attribute__((always_inline)) inline

namespace {

constexpr size_t kChunkHeader = 16;  // of glibc's malloc, before every block

}  // namespace

LEAKHUNT_COMMON_PATH ThreadState* Tracker::enter() {
  if (!active()) return nullptr;
  ThreadState* thread = thread_state();
  if (unlikely(thread == nullptr || thread->busy)) return nullptr;
  store_relaxed(thread->busy, true);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);  // detach() turns it off, and then waits for whoever is busy
  if (likely(active())) return thread;
  leave(thread);
  return nullptr;
}

LEAKHUNT_COMMON_PATH SiteId Tracker::site_of(ThreadState* thread, TagId tag, SiteKind kind,
                                             const void* hook_frame) {
  uint64_t frames[kMaxFrames];
  const CapturedStack stack = settings_.capture(hook_frame, thread->stack, frames, settings_.max_frames);
  const uint64_t hash = hash_site(tag, kind, stack.key);
  const SiteId site = sites_.find(hash);
  return likely(site != CallSites::kNone) ? site : new_site(hash, tag, kind, frames, stack);
}

LEAKHUNT_COMMON_PATH void Tracker::add_to_peaks(ThreadState* thread, TagId tag, SiteKind kind,
                                                int64_t bytes) {
  if (kind == SiteKind::kBlock) thread->heap_peak.add(heap_gauge_, bytes);
  const uint32_t index = static_cast<uint32_t>(tag);
  thread->tag_peaks[index].add(tag_gauges_[index], bytes);
}

LEAKHUNT_COMMON_PATH void Tracker::count_alloc(ThreadState* thread, SiteId site, TagId tag, SiteKind kind,
                                               uint64_t bytes) {
  const bool counted = thread->rows.change(site, [&](Counters& row) {
    add_owned(row.allocations, uint64_t{1});
    add_owned(row.allocated_bytes, bytes);
  });
  if (unlikely(!counted)) return step_aside("no memory for counters", ENOMEM);
  add_to_peaks(thread, tag, kind, static_cast<int64_t>(bytes));
}

LEAKHUNT_COMMON_PATH void Tracker::count_free(ThreadState* thread, const LiveBlock& block, TagId tag,
                                              SiteKind kind) {
  const bool counted = thread->rows.change(block.site, [&](Counters& row) {
    add_owned(row.frees, uint64_t{1});
    add_owned(row.freed_bytes, block.size);
    if (block.birth != load_relaxed(clock_)) return;
    add_owned(row.temporary_blocks, uint64_t{1});
    add_owned(row.temporary_bytes, block.size);
  });
  if (unlikely(!counted)) return step_aside("no memory for counters", ENOMEM);
  add_to_peaks(thread, tag, kind, -static_cast<int64_t>(block.size));
}

void Tracker::on_alloc(void* block, size_t size, const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  blocks_.prefetch(reinterpret_cast<uintptr_t>(block));
  const SiteId site = site_of(thread, thread->tag, SiteKind::kBlock, hook_frame);
  if (likely(site != CallSites::kNone)) {
    if (likely(blocks_.insert(reinterpret_cast<uintptr_t>(block), {site, load_relaxed(clock_), size}))) {
      count_alloc(thread, site, thread->tag, SiteKind::kBlock, size);
    } else {
      step_aside("no memory for the table of live blocks", ENOMEM);
    }
  }
  look_at_clock(thread);
  leave(thread);
}

void Tracker::on_free(void* block) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  blocks_.prefetch(reinterpret_cast<uintptr_t>(block));
  __builtin_prefetch(static_cast<const char*>(block) - kChunkHeader, 1);  // what free will look at first
  snapshot_before_fall(thread);
  LiveBlock freed;
  if (likely(blocks_.take(reinterpret_cast<uintptr_t>(block), &freed))) {
    const SiteInfo info = site_infos_[static_cast<uint32_t>(freed.site)];
    count_free(thread, freed, static_cast<TagId>(info.tag), info.kind);
  } else {
    ++thread->foreign_frees;
  }
  look_at_clock(thread);
  leave(thread);
}

bool Tracker::before_move(void* block, LiveBlock* moved) {
  ThreadState* thread = enter();
  if (thread == nullptr) return false;
  snapshot_before_fall(thread);
  const bool known = blocks_.take(reinterpret_cast<uintptr_t>(block), moved);
  if (!known) ++thread->foreign_frees;
  leave(thread);
  return known;
}

void Tracker::on_move(bool known, const LiveBlock& moved, void* from, void* to, size_t size,
                      const void* hook_frame) {
  const bool failed = to == nullptr && size != 0;
  if (known) {
    ThreadState* thread = enter();
    if (thread != nullptr && failed) {  // the block is where it was
      blocks_.insert(reinterpret_cast<uintptr_t>(from), moved);
      leave(thread);
    } else if (thread != nullptr) {
      const SiteInfo info = site_infos_[static_cast<uint32_t>(moved.site)];
      count_free(thread, moved, static_cast<TagId>(info.tag), info.kind);
      leave(thread);
    }
  }
  if (to != nullptr) on_alloc(to, size, hook_frame);
}

// --- rare: a call site seen for the first time

__attribute__((noinline)) SiteId Tracker::new_site(uint64_t hash, TagId tag, SiteKind kind,
                                                   const uint64_t* frames, CapturedStack stack) {
  const SpinGuard guard(recorder_.lock());
  if (!active()) return CallSites::kNone;
  const SiteId there = sites_.find(hash);
  if (there != CallSites::kNone) return there;  // another thread was first
  const SiteId id = sites_.next_id();
  if (id == CallSites::kNone) {
    give_up("no room for more call sites", ENOMEM);
    return id;
  }
  site_infos_[static_cast<uint32_t>(id)] = {static_cast<uint8_t>(tag), kind};
  if (!recorder_.write_site(tags_, {id, tag, kind, stack.truncated, stack.count}, frames)) {
    give_up("cannot extend the recording", recorder_.error());
    return CallSites::kNone;
  }
  sites_.publish(hash, id);
  return id;
}

// --- rare: snapshots

namespace {

constexpr uint32_t kMostEventsBetweenClocks = 1023;
constexpr uint32_t kFewLooks = 16;
constexpr uint32_t kManyLooks = 1024;
constexpr int64_t kFirstFall = 256 << 10;
constexpr uint64_t kResidentEvery_ns = 1'000'000;
constexpr uint32_t kFirstCohorts = 64;

bool is_power_of_two(uint32_t value) {
  return (value & (value - 1)) == 0;
}

}  // namespace

void Tracker::look_at_clock(ThreadState* thread) {
  if (likely(thread->until_clock-- != 0)) return;
  if (settings_.tick_ns != 0 && !load_relaxed(marks_)) {
    tick_if_due(thread);
  } else {
    thread->until_clock = kMostEventsBetweenClocks;
  }
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
    snapshot(thread, recording::SnapshotKind::kTick, clock_ + 1u);
    store_relaxed(clock_, clock_ + 1);
    if (clock_ >= kFirstCohorts && is_power_of_two(clock_)) write_cohorts();
    if (settings_.attached && ends_if_abandoned()) store_release(control_->active, 0u);
  }
  recorder_.lock().unlock();
}

// A maximum of the heap that is one per cent above any recorded one is recorded before it is gone, so that a
// report can say what the peak was made of.
void Tracker::snapshot_before_fall(ThreadState* thread) {
  const int64_t live = load_relaxed(heap_gauge_.live) + thread->heap_peak.pending;
  if (likely(live < load_relaxed(fall_from_))) return;
  if (!recorder_.lock().try_lock()) return;
  if (active() && live >= fall_from_) snapshot(thread, recording::SnapshotKind::kPeak, clock_);
  recorder_.lock().unlock();
}

void Tracker::snapshot(ThreadState* thread, recording::SnapshotKind kind, uint64_t iteration) {
  const uint64_t now = recorder_.elapsed_ns();
  if (now - resident_at_ns_ >= kResidentEvery_ns || resident_at_ns_ == 0 ||
      kind == recording::SnapshotKind::kFinal) {
    const ResidentMemory resident = resident_memory();
    rss_bytes_ = resident.rss_bytes;
    shared_bytes_ = resident.shared_bytes;
    resident_at_ns_ = now;
  }
  thread->heap_peak.pour(heap_gauge_);
  const int64_t live = load_relaxed(heap_gauge_.live);
  const size_t tag_count = tags_.count();
  uint64_t tag_peaks[kMaxTags];
  for (size_t tag = 0; tag < tag_count; ++tag) {
    thread->tag_peaks[tag].pour(tag_gauges_[tag]);
    const int64_t peak = tag_gauges_[tag].take_peak();
    tag_peaks[tag] = peak > 0 ? static_cast<uint64_t>(peak) : 0;
  }
  recording::SnapshotRecord record{};
  record.kind = kind;
  record.iteration = iteration;
  record.time_ns = now;
  record.rss_bytes = rss_bytes_;
  record.shared_bytes = shared_bytes_;
  record.minor_faults = minor_faults();
  record.tracker_bytes = mapped_bytes();
  const int64_t peak = heap_gauge_.take_peak();
  record.heap_peak_bytes = peak > 0 ? static_cast<uint64_t>(peak) : 0;
  const uint32_t threads = owned_thread_states();
  record.peak_error_bytes = threads > 1 ? (threads - 1) * static_cast<uint64_t>(kBatch) : 0;
  if (!recorder_.write_snapshot(record, sites_.count(), tag_peaks, tags_)) {
    give_up("cannot extend the recording", recorder_.error());
  }
  if (live >= fall_from_) store_relaxed(fall_from_, live + live / 100 + static_cast<int64_t>(kPage));
}

void Tracker::write_cohorts() {
  CohortTable table;
  bool counted = false;
  {
    const SpinGuard guard(mappings_.lock());
    counted = table.count(blocks_, mappings_);
  }
  if (!counted) return;  // no memory: the report does without
  if (!recorder_.write_cohorts(clock_, table)) give_up("cannot extend the recording", recorder_.error());
}

void Tracker::mark_iteration(uint64_t number) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  {
    const SpinGuard guard(recorder_.lock());
    if (active()) {
      store_relaxed(marks_, true);
      snapshot(thread, recording::SnapshotKind::kIteration, number);
      store_relaxed(clock_, clock_ + 1);
      if (clock_ >= kFirstCohorts && is_power_of_two(clock_)) write_cohorts();
    }
  }
  leave(thread);
}

// --- mappings

SiteId Tracker::mapping_site(const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr) return CallSites::kNone;
  const TagId tag = thread->tag == recording::kHeapTag ? recording::kMappingTag : thread->tag;
  const SiteId site = site_of(thread, tag, SiteKind::kMapping, hook_frame);
  leave(thread);
  return site;
}

void Tracker::on_map(SiteId site, void* begin, size_t size) {
  if (site == CallSites::kNone) return;
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  const uintptr_t from = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t to = from + (size + kPage - 1) / kPage * kPage;
  if (mappings_.insert({from, to, site, load_relaxed(clock_)})) {
    const SiteInfo info = site_infos_[static_cast<uint32_t>(site)];
    count_alloc(thread, site, static_cast<TagId>(info.tag), info.kind, to - from);
  } else {
    step_aside("no memory for the table of mappings", ENOMEM);
  }
  leave(thread);
}

void Tracker::on_unmap(void* begin, size_t size) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  const uintptr_t from = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t to = from + (size + kPage - 1) / kPage * kPage;
  mappings_.remove(
      from, to,
      [](void* self, const MappedRange& range, uint64_t bytes, bool whole, bool split) {
        static_cast<Tracker*>(self)->count_unmapped(range, bytes, whole, split);
      },
      this);
  leave(thread);
}

// Blocks of a mapping are its pieces: a hole in the middle makes one more, of no bytes of its own.
void Tracker::count_unmapped(const MappedRange& range, uint64_t bytes, bool whole, bool split) {
  ThreadState* thread = thread_state();
  const bool counted = thread->rows.change(range.site, [&](Counters& row) {
    if (whole) add_owned(row.frees, uint64_t{1});
    if (split) add_owned(row.allocations, uint64_t{1});
    add_owned(row.freed_bytes, bytes);
    if (range.birth != load_relaxed(clock_)) return;
    if (whole) add_owned(row.temporary_blocks, uint64_t{1});
    add_owned(row.temporary_bytes, bytes);
  });
  if (!counted) return step_aside("no memory for counters", ENOMEM);
  const uint32_t tag = site_infos_[static_cast<uint32_t>(range.site)].tag;
  thread->tag_peaks[tag].add(tag_gauges_[tag], -static_cast<int64_t>(bytes));
}

// --- tags and pools

TagId Tracker::switch_tag(TagId tag) {
  if (!active() || static_cast<size_t>(tag) >= tags_.count()) return recording::kHeapTag;
  ThreadState* thread = thread_state();
  if (thread == nullptr) return recording::kHeapTag;
  const TagId previous = thread->tag;
  thread->tag = tag;
  return previous;
}

Pool* Tracker::create_pool(TagId tag) {
  if (!active() || static_cast<size_t>(tag) >= tags_.count()) return nullptr;
  Pool* pool = static_cast<Pool*>(map_pages(kPage));
  if (pool != nullptr) *pool = Pool(tag);
  return pool;
}

void Tracker::on_pool_alloc(Pool* pool, size_t size, const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  const SiteId site = site_of(thread, pool->tag(), SiteKind::kNested, hook_frame);
  PoolUse* use = site != CallSites::kNone ? pool->use(site) : nullptr;
  if (use != nullptr) {
    if (!pool->epoch_begun()) pool->begin_epoch(load_relaxed(clock_));
    use->blocks += 1;
    use->bytes += size;
    count_alloc(thread, site, pool->tag(), SiteKind::kNested, size);
  }
  look_at_clock(thread);
  leave(thread);
}

void Tracker::on_pool_reset(Pool* pool) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  const bool temporary = pool->birth() == load_relaxed(clock_);
  int64_t gone = 0;
  for (PoolUse& use : *pool) {
    if (use.blocks == 0) continue;
    const bool counted = thread->rows.change(use.site, [&](Counters& row) {
      add_owned(row.frees, use.blocks);
      add_owned(row.freed_bytes, use.bytes);
      if (!temporary) return;
      add_owned(row.temporary_blocks, use.blocks);
      add_owned(row.temporary_bytes, use.bytes);
    });
    if (!counted) break;
    gone += static_cast<int64_t>(use.bytes);
    use.blocks = 0;
    use.bytes = 0;
  }
  pool->end_epoch();
  const uint32_t tag = static_cast<uint32_t>(pool->tag());
  thread->tag_peaks[tag].add(tag_gauges_[tag], -gone);
  leave(thread);
}

void Tracker::destroy_pool(Pool* pool) {
  on_pool_reset(pool);
  pool->release_memory();
  unmap_pages(pool, kPage);
}

// --- start, stop, step aside

int Tracker::start(const Settings& settings) {
  settings_ = settings;
  if (settings_.max_frames > kMaxFrames) settings_.max_frames = kMaxFrames;
  Control* control = control_ != &never_started_ ? control_ : static_cast<Control*>(map_pages(kPage));
  if (site_infos_ == nullptr) {
    site_infos_ = static_cast<SiteInfo*>(map_pages(kMaxSites * sizeof(SiteInfo)));
  }
  if (control == nullptr || site_infos_ == nullptr || !sites_.start() || !blocks_.start()) return ENOMEM;
  if (!wipe_on_fork(control, kPage)) return ENOSYS;  // Linux before 4.14
  const int error = recorder_.start(settings_.recording, settings_.unwinder, settings_.max_frames);
  if (error != 0) return error;
  start_thread_states(thread_ended);
  fall_from_ = kFirstFall;
  next_tick_ns_ = monotonic_ns() + settings_.tick_ns;
  control->pid = static_cast<uint32_t>(system_call(SYS_getpid));
  control_ = control;
  store_release(control->active, 1u);
  return 0;
}

bool Tracker::in_recorded_process() const {
  return active() && control_->pid == static_cast<uint32_t>(system_call(SYS_getpid));
}

void Tracker::write_end(recording::EndKind kind) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  {
    const SpinGuard guard(recorder_.lock());
    if (active()) snapshot(thread, recording::SnapshotKind::kFinal, clock_);
    if (active()) write_cohorts();
    if (active()) recorder_.write_end(kind);
  }
  leave(thread);
}

void Tracker::stop(recording::EndKind kind) {
  if (!in_recorded_process()) return;
  write_end(kind);
  store_release(control_->active, 0u);
}

// Whoever holds the recorder's lock may be waiting for one that the caller holds: then there is no record of
// it.
void Tracker::step_aside(const char* reason, int error) {
  const bool locked = recorder_.lock().try_lock();
  give_up(reason, error, locked);
  if (locked) recorder_.lock().unlock();
}

void Tracker::give_up(const char* reason, int error, bool may_record) {
  if (__atomic_exchange_n(&control_->active, 0u, __ATOMIC_ACQ_REL) == 0) return;
  if (may_record) recorder_.write_step_aside(clock_, error, reason);
  char line[512];
  size_t used = 0;
  const char* parts[] = {"leakhunt: tracking stopped: ",
                         reason,
                         error != 0 ? ": " : "",
                         error != 0 ? strerrordesc_np(error) : "",
                         " (",
                         settings_.recording,
                         "); the program goes on\n"};
  for (const char* part : parts) {
    for (; part != nullptr && *part != '\0' && used < sizeof line; ++part) line[used++] = *part;
  }
  system_call(SYS_write, 2, line, used);
}

void Tracker::thread_ended(ThreadState* thread) {
  thread->heap_peak.pour(tracker.heap_gauge_);
  for (size_t tag = 0; tag < tracker.tags_.count(); ++tag) {
    thread->tag_peaks[tag].pour(tracker.tag_gauges_[tag]);
  }
}

}  // namespace leakhunt::tracker
