// Tracker: the one door between the hooks and everything that counts. It can be driven by plain calls,
// without any hook: the tests do.
//
// What runs at every malloc, in order (no lock, no system call, no allocation):
//   enter()            is anything recorded, and is this not the tracker itself
//   capture            the stack                                      unwind/
//   sites.find         (tag, stack) -> SiteId                         call_sites.h
//   blocks.insert      address -> {site, size, birth}                 live_blocks.h
//   rows.change        this thread's counters of the site             counter_rows.h
//   peaks              live bytes and their maximum                   peaks.h
// Rare paths, each in a function of its own: a site seen for the first time, a snapshot, a new thread, a
// mapping.
//
// Thread-safety: any thread may call anything, at any time between start() and stop() and outside of it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "instrument/tracker/call_sites.h"
#include "instrument/tracker/freed_places.h"
#include "instrument/tracker/heap_graphs.h"
#include "instrument/tracker/ledger_maker.h"
#include "instrument/tracker/ledger_pace.h"
#include "instrument/tracker/line_marks.h"
#include "instrument/tracker/live_blocks.h"
#include "instrument/tracker/mappings.h"
#include "instrument/tracker/peaks.h"
#include "instrument/tracker/pools.h"
#include "instrument/tracker/recorder.h"
#include "instrument/tracker/room_watch.h"
#include "instrument/tracker/sampling.h"
#include "instrument/tracker/tags.h"
#include "instrument/tracker/thread_records.h"
#include "instrument/tracker/thread_starts.h"
#include "instrument/tracker/thread_state.h"
#include "instrument/unwind/unwind.h"

namespace leakhunt::tracker {

inline constexpr size_t kMaxFrames = 128;

struct Settings {
  const char* recording;  // absolute path, kept by reference
  Capture capture;
  const char* unwinder;  // its name, for the recording
  size_t max_frames;     // <= kMaxFrames
  uint64_t tick_ns;      // clock of a program that marks no iterations; 0: none
  // Who marks the iterations. If not the program: its own marks count for nothing, and there are no ticks.
  recording::MarkedBy marked_by;
  const char* marked_what;  // for the recording: the function, the expression
  const uint64_t* lines;    // of kLines: see LineMarks
  uint64_t parent_pid;
  bool one_of_many;  // a child: its recording begins small, and is trimmed at its end
  bool by_thread;    // a call site is tag, stack and thread
  GraphPlan graph;   // when heap graphs are taken
  bool attached;     // somebody watches from outside, who holds a lock on the recording as long as he lives
};

// What a forked child must know of the moment before.
struct ForkNote {
  bool recorded;  // the parent, and by someone who is not in the middle of the tracker
  TagId tag;      // of the thread that forks
  uint64_t parent_pid;
};

// What the heap has done since the recording began.
struct HeapUse {
  Counters counters;
  uint64_t peak_bytes;  // since it was last restarted
};

class Tracker {
 public:
  // 0, or the errno of what failed; nothing is recorded then.
  int start(const Settings& settings);

  // The last snapshot, and the end. What happens afterwards is not recorded.
  void stop(recording::EndKind kind);

  // The same, but recording goes on: exec may fail, and whoever comes back has lost nothing. `next_program`
  // is what exec was called with.
  void write_end(recording::EndKind kind, const char* next_program = "");

  // --- fork: note_fork() right before it; in a child that is to be recorded start_in_child() before anything
  // else. The child counts what it does from there on; of what it inherited it knows the names of tags and
  // the pools, which are empty. Until then, and in any other child, nothing is active.
  ForkNote note_fork();
  int start_in_child(const Settings& settings, const ForkNote& note);

  // What the process held when the recording began, later than the process itself.
  void note_attached(uint64_t time_ns, bool heap_known, uint64_t heap_bytes);
  uint64_t elapsed_ns() const { return recorder_.elapsed_ns(); }

  // Recording for somebody who attached and has died since.
  bool is_abandoned();

  // Stops as stop() does, lets go of the recording, and forgets everything, so that start() may come again.
  // False when a thread does not come out of the tracker (it is held by a debugger): then it may not.
  bool detach();

  // Stops recording because the tracker cannot go on: a record, one line on stderr, and the hooks let
  // everything pass. `reason` is a literal.
  void step_aside(const char* reason, int error);
  // The same, with a last snapshot while that is still allowed.
  void stop_before_restriction(const char* reason);

  // The heap is not seen, since the program's own malloc is in front of ours: a record.
  void note_own_malloc();

  bool active() const { return load_relaxed(control_->active) != 0; }
  // False in a child that shares the memory of the process (vfork).
  bool in_recorded_process() const;

  // --- the heap; hook_frame: __builtin_frame_address(0) of the hook ---
  void on_alloc(void* block, size_t size, const void* hook_frame);
  void on_free(void* block, const void* hook_frame);
  // A block that may have come by on_alloc() already.
  void on_alloc_once(void* block, size_t size, const void* hook_frame);
  // realloc, in two steps, since the old address may be given to another thread before realloc returns.
  bool before_move(void* block, LiveBlock* moved);
  void on_move(bool known, const LiveBlock& moved, void* from, void* to, size_t size, const void* hook_frame);

  // --- mappings: the site first, then mappings_lock() around the system call and what it did ---
  SiteId mapping_site(const void* hook_frame);
  void before_unmap();  // likewise
  HeldLock& mappings_lock() { return mappings_.lock(); }
  void on_map(SiteId site, void* begin, size_t size);
  void on_unmap(void* begin, size_t size);
  // The program moved its break.
  void on_break(SiteId site, const void* before, const void* after);

  // Another allocator than libc's mapped it for its heap; what it gives back comes by on_unmap.
  void on_allocator_map(void* begin, size_t size);
  void heap_is_foreign() { foreign_heap_ = true; }

  // In a new thread, before it does anything.
  void on_thread_start(StartRoutine routine, size_t stack_bytes);

  // The process was refused so many bytes. True when that was for the tracker's memory, which has been given
  // back: tracking is over, and the program may ask again.
  bool made_room_for(size_t bytes);

  // The process is about to map so many bytes that it may write to.
  void make_room_before(size_t bytes);

  // Code was unloaded: what was learned about it must not be used for what is loaded in its place.
  void on_module_closed();

  // --- iterations of a program that marks none ---
  // The function was entered: every entry but the first ends an iteration, and begins the next.
  void mark_entry();
  // The process is about to write to a file of its own: a line of it may be what marks an iteration.
  void before_output(int stream, size_t bytes);
  // Whether what was asked for happens; `obstacle` is a literal, or "".
  void marks_are(bool in_effect, const char* obstacle);

  // --- leakhunt.h ---
  TagId intern_tag(const char* name) { return tags_.intern(name); }
  TagId switch_tag(TagId tag);
  void mark_iteration(uint64_t number);
  // False when nothing is recorded.
  bool heap_use(HeapUse* use, bool restart_peak);
  Pool* create_pool(TagId tag);
  void on_pool_alloc(Pool* pool, size_t size, const void* hook_frame);
  void on_pool_reset(Pool* pool);
  void destroy_pool(Pool* pool);

 private:
  // On pages of its own that read as zeros in a forked child: however it was forked, it is not recorded yet.
  struct Control {
    uint32_t active;  // kActive, kParking, kCopying, or 0
    uint32_t pid;
    // While a heap graph is taken: threads that wait for it, from which number on one of them wakes who takes
    // it, and that it did; and when whoever waits opens the gate himself.
    uint32_t parked;
    uint32_t parked_wanted;
    uint32_t all_parked;
    uint64_t opens_at_ns;
  };
  static constexpr uint32_t kActive = 1;
  static constexpr uint32_t kParking = 2;  // nobody else may be inside: who comes here waits
  static constexpr uint32_t kCopying = 3;  // a heap graph is taken: who comes here waits, but not for long

  // The calling thread's state if this event is to be counted. leave() ends what a successful enter() began.
  ThreadState* enter();
  void leave(ThreadState* thread) { store_release(thread->busy, false); }

  void enter_block(ThreadState* thread, void* block, size_t size, const void* hook_frame);
  void on_moved_here(void* block, size_t size, const void* hook_frame);
  SiteId site_of(ThreadState* thread, TagId tag, SiteKind kind, const void* hook_frame);
  SiteId new_site(uint64_t hash, TagId tag, SiteKind kind, const uint64_t* frames, CapturedStack stack,
                  uint32_t thread);
  void count_alloc(ThreadState* thread, SiteId site, TagId tag, SiteKind kind, uint64_t bytes);
  // True when this one should be noted.
  bool count_free(ThreadState* thread, const LiveBlock& block, TagId tag, SiteKind kind);
  void note_free(ThreadState* thread, SiteId site, const void* hook_frame);
  // True when the heap has grown so far that somebody watches for it.
  bool add_to_peaks(ThreadState* thread, TagId tag, SiteKind kind, int64_t bytes);
  void enter_range(SiteId site, uintptr_t from, uintptr_t to);
  void remove_range(uintptr_t from, uintptr_t to);
  void count_unmapped(const MappedRange& range, uint64_t bytes, bool whole, bool split);

  // --- when memory is short: tracker_sampling.cpp
  void alloc_sampled(ThreadState* thread, void* block, size_t size, const void* hook_frame);
  void free_sampled(ThreadState* thread, const LiveBlock& block, const void* hook_frame);
  // A realloc that began while a level was in force, which the size carries.
  void settle_move(ThreadState* thread, LiveBlock moved, void* from, bool failed);
  void insert_short(ThreadState* thread, void* block, size_t size, SiteId site, unsigned level);
  void count_sampled(ThreadState* thread, SiteId site, uint64_t size);
  bool count_thinned(ThreadState* thread, SiteId site, int64_t blocks, int64_t bytes);
  ThreadState* come_in();  // enter(), where it is rarely passed
  SiteId site_of_block(ThreadState* thread, const void* hook_frame);
  SiteId site_without_stack(TagId tag, SiteKind kind, uint32_t thread);
  bool sample_harder(ThreadState* thread);
  bool thin_out(ThreadState* thread);
  bool thin_out_into_less(ThreadState* thread);
  template <typename Most>
  bool thin_out_until(ThreadState* thread, const Most& most);
  void thin_out_to(ThreadState* thread, unsigned level);
  bool stop_others(const ThreadState* self);
  void open_gate(uint32_t closed) const;  // kParking or kCopying
  static bool nobody_else_is_inside(const ThreadState* self);
  uint64_t foreign_frees() const;
  bool write_sampling(recording::SnapshotKind kind);
  bool leave_no_tables();
  void end_for_the_program(ThreadState* thread, const char* reason);

  // --- where a control group has a limit: tracker_room.cpp
  void watch_room(ThreadState* thread, uint64_t wanted);
  void keep_out_of_the_way(ThreadState* thread, uint64_t wanted);
  bool give_something_back(ThreadState* thread);
  uint64_t unused_stacks() const;
  bool may_copy_heap() const;

  struct OldRange {
    uintptr_t begin;
    uintptr_t end;
  };

  static constexpr uint32_t kMostEventsBetweenClocks = 1023;
  // Before what the event counts. False when tracking ended meanwhile: the thread is outside then.
  bool look_at_clock(ThreadState* thread);
  bool clock_is_due(ThreadState* thread);
  void tick_if_due(ThreadState* thread);
  bool cut_at_lines(ThreadState* thread);
  void end_iterations(ThreadState* thread, uint64_t lines);  // under the recorder's lock
  void end_iteration(ThreadState* thread, recording::SnapshotKind kind, uint64_t number,
                     uint32_t completed);  // under the recorder's lock
  void snapshot_before_fall(ThreadState* thread);
  void record_peak(ThreadState* thread, int64_t live);
  void snapshot(ThreadState* thread, recording::SnapshotKind kind,
                uint64_t iteration);                                       // under the recorder's lock
  void sum_up_heap(ThreadState* thread, HeapUse* use, bool restart_peak);  // under the recorder's lock
  void take_heap_peak();
  void write_cohorts();
  bool wait_while_parking(ThreadState* thread) const;
  void take_graph(recording::GraphReason reason);  // under the recorder's lock
  bool is_closed(uint64_t opens_at) const;
  void wait_at_gate(uint64_t opens_at) const;
  void close_gate_for_copy() const;
  void stop_threads(ScanInput* input) const;
  bool wait_for_threads(ScannedThread* threads, size_t count) const;
  void keep_tables(bool keep);
  void note_activity();
  void collect_graphs(bool wait);
  void write_ledger(uint64_t now_ns);
  void name_owners(LedgerMaker* maker);
  void note_older_memory();
  void give_up(const char* reason, int error,
               bool may_record = true);  // under the recorder's lock, or not at all
  bool watcher_is_gone() const;
  bool ends_if_abandoned();
  void write_attached();
  static bool nobody_is_inside();
  void forget_everything();
  bool make_site_infos();
  static void thread_ended(ThreadState* thread);
  void forget_parent();

  static Control never_started_;
  static uint32_t process_;  // forks between the process that was started and this one
  static Control* control_;  // apart from the object, which is all zeros: it costs no bytes in the file
  Settings settings_{};
  Tags tags_;
  CallSites sites_;
  SiteInfo* site_infos_ = nullptr;
  uint32_t site_room_ = 0;  // of site_infos_
  LiveBlocks blocks_;
  Sampling sampling_;
  SpinLock giving_back_;
  RoomWatch room_watch_;
  Mappings mappings_;
  Mappings allocator_mappings_;  // what another allocator mapped for its heap; under the lock of mappings_
  PageList<OldRange> older_;     // anonymous memory that was there before
  LedgerPace ledger_pace_;
  PeakGauge heap_gauge_{};
  PeakGauge tag_gauges_[kMaxTags] = {};
  int64_t snapshot_peak_ = 0;  // taken out of the gauge and not written yet
  int64_t asked_peak_ = 0;     // the same, for who asks by leakhunt_heap_use()
  int64_t fall_from_ = 0;      // a live heap above it is worth a snapshot before it falls
  uint32_t clock_ = 0;         // iterations or ticks completed
  bool marks_ = false;         // the program marks its iterations: no ticks
  LineMarks lines_;
  uint64_t entries_ = 0;  // of the function that marks them
  uint64_t next_tick_ns_ = 0;
  uint64_t resident_at_ns_ =
      0;  // reading /proc costs more than a short iteration: at most once a millisecond
  uint64_t rss_bytes_ = 0;
  uint64_t shared_bytes_ = 0;
  ThreadRecords threads_;
  FreedPlaces freed_places_;
  HeapGraphs graphs_;
  uintptr_t first_thread_pointer_ = 0;  // of the thread that started the process, if it started the tracker
  recording::Attached attached_{};
  uint64_t watcher_seen_ns_ = 0;
  bool foreign_heap_ = false;  // the allocator is not libc's
  Recorder recorder_;
};

// The process's own. Constant-initialised: other libraries allocate before any constructor of ours has run.
extern constinit Tracker tracker;

}  // namespace leakhunt::tracker
