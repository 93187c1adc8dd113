#include "instrument/tracker/tracker.h"

#include <errno.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

constinit Tracker tracker;
constinit Tracker::Control Tracker::never_started_{};
constinit uint32_t Tracker::process_ = 0;
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
  for (bool waited = false;; waited = true) {
    store_relaxed(thread->busy, true);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);  // detach() turns it off, and then waits for whoever is busy
    const uint32_t gate = load_relaxed(control_->active);
    if (likely(gate == kActive) || (waited && gate == kCopying)) return thread;
    leave(thread);
    if (!wait_while_parking(thread)) return nullptr;
  }
}

LEAKHUNT_COMMON_PATH SiteId Tracker::site_of(ThreadState* thread, TagId tag, SiteKind kind,
                                             const void* hook_frame) {
  uint64_t frames[kMaxFrames];
  const CapturedStack stack = settings_.capture(hook_frame, thread->stack, frames, settings_.max_frames);
  const bool plain = likely(!recorder_.unloaded_code().any());
  const uint64_t key = plain ? stack.key : recorder_.unloaded_code().key_of(stack.key, frames, stack.count);
  const uint64_t hash = hash_site(tag, kind, key ^ thread->site_seed);
  const SiteId site = sites_.find(hash);
  return likely(site != CallSites::kNone) ? site
                                          : new_site(hash, tag, kind, frames, stack, thread->site_thread);
}

LEAKHUNT_COMMON_PATH bool Tracker::add_to_peaks(ThreadState* thread, TagId tag, SiteKind kind,
                                                int64_t bytes) {
  const bool reached = kind == SiteKind::kBlock && thread->heap_peak.add(heap_gauge_, bytes);
  const uint32_t index = static_cast<uint32_t>(tag);
  thread->tag_peaks[index].add(tag_gauges_[index], bytes);
  return reached;
}

LEAKHUNT_COMMON_PATH void Tracker::count_alloc(ThreadState* thread, SiteId site, TagId tag, SiteKind kind,
                                               uint64_t bytes) {
  const bool counted = thread->rows.change(site, [&](Counters& row) {
    add_owned(row.allocations, uint64_t{1});
    add_owned(row.allocated_bytes, bytes);
  });
  if (unlikely(!counted)) return step_aside("no memory for counters", ENOMEM);
  if (unlikely(add_to_peaks(thread, tag, kind, static_cast<int64_t>(bytes)))) watch_room(thread, 0);
}

LEAKHUNT_COMMON_PATH bool Tracker::count_free(ThreadState* thread, const LiveBlock& block, TagId tag,
                                              SiteKind kind) {
  bool to_note = false;
  const bool counted = thread->rows.change(block.site, [&](Counters& row) {
    add_owned(row.frees, uint64_t{1});
    add_owned(row.freed_bytes, block.size);
    to_note = is_worth_a_look(row);
    if (block.birth != load_relaxed(clock_)) return;
    add_owned(row.temporary_blocks, uint64_t{1});
    add_owned(row.temporary_bytes, block.size);
  });
  if (unlikely(!counted)) step_aside("no memory for counters", ENOMEM);
  add_to_peaks(thread, tag, kind, -static_cast<int64_t>(block.size));
  return to_note;
}

LEAKHUNT_COMMON_PATH void Tracker::snapshot_before_fall(ThreadState* thread) {
  const int64_t live = load_relaxed(heap_gauge_.live) + thread->heap_peak.pending;
  if (unlikely(live >= load_relaxed(fall_from_))) record_peak(thread, live);
}

LEAKHUNT_COMMON_PATH bool Tracker::look_at_clock(ThreadState* thread) {
  return likely(thread->until_clock-- != 0) || clock_is_due(thread);
}

LEAKHUNT_COMMON_PATH void Tracker::enter_block(ThreadState* thread, void* block, size_t size,
                                               const void* hook_frame) {
  if (unlikely(sampling_.on())) return alloc_sampled(thread, block, size, hook_frame);
  blocks_.prefetch(reinterpret_cast<uintptr_t>(block));
  const SiteId site = site_of(thread, thread->tag, SiteKind::kBlock, hook_frame);
  if (likely(site != CallSites::kNone)) {
    if (likely(blocks_.insert(reinterpret_cast<uintptr_t>(block), {site, load_relaxed(clock_), size}))) {
      count_alloc(thread, site, thread->tag, SiteKind::kBlock, size);
    } else {
      insert_short(thread, block, size, site, 0);
    }
  }
}

void Tracker::on_alloc(void* block, size_t size, const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr || !look_at_clock(thread)) return;
  enter_block(thread, block, size, hook_frame);
  leave(thread);
}

void Tracker::on_free(void* block, const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr || !look_at_clock(thread)) return;
  blocks_.prefetch(reinterpret_cast<uintptr_t>(block));
  __builtin_prefetch(static_cast<const char*>(block) - kChunkHeader, 1);  // what free will look at first
  snapshot_before_fall(thread);
  LiveBlock freed;
  if (unlikely(!blocks_.take(reinterpret_cast<uintptr_t>(block), &freed))) {
    ++thread->foreign_frees;
  } else if (unlikely(sampling_.on())) {
    free_sampled(thread, freed, hook_frame);
  } else {
    const SiteInfo info = site_infos_[static_cast<uint32_t>(freed.site)];
    const bool to_note = count_free(thread, freed, static_cast<TagId>(info.tag), info.kind);
    if (unlikely(to_note)) note_free(thread, freed.site, hook_frame);
  }
  leave(thread);
}

void Tracker::on_alloc_once(void* block, size_t size, const void* hook_frame) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  LiveBlock known;
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  const bool is_known = blocks_.take(address, &known);
  if (is_known) blocks_.insert(address, known);
  leave(thread);
  if (!is_known) on_alloc(block, size, hook_frame);
}

bool Tracker::before_move(void* block, LiveBlock* moved) {
  ThreadState* thread = enter();
  if (thread == nullptr || !look_at_clock(thread)) return false;
  snapshot_before_fall(thread);
  store_release(thread->moved.from, reinterpret_cast<uintptr_t>(block));  // before it is in no table
  const bool known = blocks_.take(reinterpret_cast<uintptr_t>(block), moved);
  if (!known) {
    ++thread->foreign_frees;
    store_release(thread->moved.from, uintptr_t{0});
  }
  if (known && unlikely(sampling_.on())) moved->size = Sampling::with_level(sampling_.level(), moved->size);
  leave(thread);
  return known;
}

// No look at the clock: between the old block and the new one lies no iteration's end.
void Tracker::on_moved_here(void* block, size_t size, const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  enter_block(thread, block, size, hook_frame);
  leave(thread);
}

void Tracker::on_move(bool known, const LiveBlock& moved, void* from, void* to, size_t size,
                      const void* hook_frame) {
  const bool failed = to == nullptr && size != 0;
  ThreadState* const mover = known ? thread_state() : nullptr;
  if (mover != nullptr) {
    mover->moved.block = {moved.site, moved.birth, failed ? Sampling::without_level(moved.size) : size};
    store_release(mover->moved.to, reinterpret_cast<uintptr_t>(failed ? from : to));
    if (to == nullptr && !failed) store_release(mover->moved.from, uintptr_t{0});
  }
  if (known) {
    ThreadState* thread = enter();
    if (thread != nullptr && unlikely(sampling_.on())) {
      settle_move(thread, moved, from, failed);
      leave(thread);
    } else if (thread != nullptr && failed) {  // the block is where it was
      blocks_.insert(reinterpret_cast<uintptr_t>(from), moved);
      leave(thread);
    } else if (thread != nullptr) {
      const SiteInfo info = site_infos_[static_cast<uint32_t>(moved.site)];
      count_free(thread, moved, static_cast<TagId>(info.tag), info.kind);
      leave(thread);
    }
  }
  if (to != nullptr && known) on_moved_here(to, size, hook_frame);
  if (to != nullptr && !known) on_alloc(to, size, hook_frame);
  if (mover != nullptr) {
    store_release(mover->moved.from, uintptr_t{0});
    store_release(mover->moved.to, uintptr_t{0});
  }
}

// --- rare: a call site seen for the first time

__attribute__((noinline)) ThreadState* Tracker::come_in() {
  return enter();
}

SiteId Tracker::site_of_block(ThreadState* thread, const void* hook_frame) {
  return site_of(thread, thread->tag, SiteKind::kBlock, hook_frame);
}

__attribute__((noinline)) SiteId Tracker::new_site(uint64_t hash, TagId tag, SiteKind kind,
                                                   const uint64_t* frames, CapturedStack stack,
                                                   uint32_t thread) {
  if (unlikely(sampling_.stacks_end())) {
    const SiteId common = sites_.find(hash_without_stack(tag, kind, thread));
    if (common != CallSites::kNone) return common;
  }
  const SpinGuard guard(recorder_.lock());
  if (!active()) return CallSites::kNone;
  const SiteId there = sites_.find(hash);
  if (there != CallSites::kNone) return there;  // another thread was first
  const SiteId id = sites_.next_id();
  if (id == CallSites::kNone) return site_without_stack(tag, kind, thread);
  site_infos_[static_cast<uint32_t>(id)] = {static_cast<uint8_t>(tag), kind};
  if (!recorder_.write_site(tags_, {id, tag, kind, stack.truncated, stack.count, thread}, frames)) {
    give_up("cannot extend the recording", recorder_.error());
    return CallSites::kNone;
  }
  sites_.publish(hash, id);
  return id;
}

// --- rare: code goes

void Tracker::on_module_closed() {
  if (!active()) return;
  forget_unwind_rules();
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  {
    const SpinGuard guard(recorder_.lock());
    if (active() && !recorder_.write_closed_modules()) {
      give_up("cannot extend the recording", recorder_.error());
    }
  }
  leave(thread);
}

// --- rare: snapshots

// A maximum of the heap that is one per cent above any recorded one is recorded before it is gone, so that a
// report can say what the peak was made of.
__attribute__((noinline)) void Tracker::record_peak(ThreadState* thread, int64_t live) {
  if (!recorder_.lock().try_lock()) return;
  if (active() && live >= fall_from_) snapshot(thread, recording::SnapshotKind::kPeak, clock_);
  recorder_.lock().unlock();
}

void Tracker::mark_iteration(uint64_t number) {
  if (settings_.marked_by != recording::MarkedBy::kProgram) return;
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  {
    const SpinGuard guard(recorder_.lock());
    if (active()) {
      store_relaxed(marks_, true);
      end_iteration(thread, recording::SnapshotKind::kIteration, number, clock_ + 1u);
    }
  }
  leave(thread);
}

bool Tracker::heap_use(HeapUse* use, bool restart_peak) {
  ThreadState* thread = enter();
  if (thread == nullptr) return false;
  bool known = false;
  {
    const SpinGuard guard(recorder_.lock());
    known = active();
    if (known) sum_up_heap(thread, use, restart_peak);
  }
  leave(thread);
  return known;
}

void Tracker::mark_entry() {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  {
    const SpinGuard guard(recorder_.lock());
    if (active() && entries_++ > 0) {
      end_iteration(thread, recording::SnapshotKind::kIteration, entries_ - 2, clock_ + 1u);
    }
  }
  leave(thread);
}

void Tracker::marks_are(bool in_effect, const char* obstacle) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  {
    const SpinGuard guard(recorder_.lock());
    if (active() && !recorder_.write_marks(settings_.marked_by, settings_.marked_what, in_effect, obstacle)) {
      give_up("cannot extend the recording", recorder_.error());
    }
  }
  leave(thread);
}

// --- mappings

SiteId Tracker::mapping_site(const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr || !look_at_clock(thread)) return CallSites::kNone;
  const TagId tag = thread->tag == recording::kHeapTag ? recording::kMappingTag : thread->tag;
  const SiteId site = site_of(thread, tag, SiteKind::kMapping, hook_frame);
  leave(thread);
  return site;
}

void Tracker::before_unmap() {
  ThreadState* thread = enter();
  if (thread != nullptr && look_at_clock(thread)) leave(thread);
}

void Tracker::on_map(SiteId site, void* begin, size_t size) {
  const uintptr_t from = reinterpret_cast<uintptr_t>(begin);
  enter_range(site, from, from + (size + kPage - 1) / kPage * kPage);
}

void Tracker::on_unmap(void* begin, size_t size) {
  const uintptr_t from = reinterpret_cast<uintptr_t>(begin);
  remove_range(from, from + (size + kPage - 1) / kPage * kPage);
}

// To the byte: breaks are not page aligned.
void Tracker::on_break(SiteId site, const void* before, const void* after) {
  const uintptr_t from = reinterpret_cast<uintptr_t>(before);
  const uintptr_t to = reinterpret_cast<uintptr_t>(after);
  if (to > from) {
    remove_range(from, to);
    enter_range(site, from, to);
  } else if (to < from) {
    remove_range(to, from);
  }
}

void Tracker::enter_range(SiteId site, uintptr_t from, uintptr_t to) {
  if (site == CallSites::kNone) return;
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  if (mappings_.insert({from, to, site, load_relaxed(clock_)})) {
    const SiteInfo info = site_infos_[static_cast<uint32_t>(site)];
    count_alloc(thread, site, static_cast<TagId>(info.tag), info.kind, to - from);
  } else {
    step_aside("no memory for the table of mappings", ENOMEM);
  }
  leave(thread);
}

void Tracker::on_allocator_map(void* begin, size_t size) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  const uintptr_t from = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t to = from + (size + kPage - 1) / kPage * kPage;
  allocator_mappings_.forget(from, to);
  allocator_mappings_.insert({from, to, CallSites::kNone, 0});  // without memory: not in the ledger
  leave(thread);
}

void Tracker::remove_range(uintptr_t from, uintptr_t to) {
  ThreadState* thread = enter();
  if (thread == nullptr) return;
  mappings_.remove(
      from, to,
      [](void* self, const MappedRange& range, uint64_t bytes, bool whole, bool split) {
        static_cast<Tracker*>(self)->count_unmapped(range, bytes, whole, split);
      },
      this);
  allocator_mappings_.forget(from, to);
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
  Pool* pool = static_cast<Pool*>(map_lasting_pages(kPage));
  if (pool != nullptr) *pool = Pool(tag, process_);
  return pool;
}

void Tracker::on_pool_alloc(Pool* pool, size_t size, const void* hook_frame) {
  ThreadState* thread = enter();
  if (thread == nullptr || !look_at_clock(thread)) return;
  pool->enter_process(process_);
  const SiteId site = site_of(thread, pool->tag(), SiteKind::kNested, hook_frame);
  PoolUse* use = site != CallSites::kNone ? pool->use(site) : nullptr;
  if (use != nullptr) {
    if (!pool->epoch_begun()) pool->begin_epoch(load_relaxed(clock_));
    use->blocks += 1;
    use->bytes += size;
    count_alloc(thread, site, pool->tag(), SiteKind::kNested, size);
  }
  leave(thread);
}

void Tracker::on_pool_reset(Pool* pool) {
  ThreadState* thread = enter();
  if (thread == nullptr || !look_at_clock(thread)) return;
  pool->enter_process(process_);
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
  pool->enter_process(process_);
  on_pool_reset(pool);
  pool->release_memory();
  unmap_pages(pool, kPage);
}

void Tracker::on_thread_start(StartRoutine routine, size_t stack_bytes) {
  if (active()) announce_thread(reinterpret_cast<uintptr_t>(routine), stack_bytes);
}

}  // namespace leakhunt::tracker
