// Run: what one recording means. Plain data, made by reader.h, read by the reports; nobody else opens the
// file.
//
// Glossary, from large to small:
//   Run        everything of one process, from the scenario that asked for it to the outcome
//   Snapshot   one cut through all counters: an iteration's end, a tick of the clock, a peak, the end
//   CallSite   tag + stack; its history is a Series of counters, one value a snapshot
//   Stretch    consecutive snapshots in which a site did the same: the Series' unit of storage
//   Frame      a return address; SourceFrame: what the symbols make of it
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/recording/budget.h"
#include "lib/recording/format.h"
#include "lib/recording/graph_codec.h"

namespace leakhunt::recording {

// What the runner was asked to do. `name` is empty for `leakhunt run`.
struct Scenario {
  std::string name;
  std::string description;
  std::string source;                // the scenario's file, as given
  std::string defect;                // injected fault, or empty
  std::vector<std::string> command;  // program and arguments
  uint64_t iterations = 0;           // expected; 0: not known
  uint64_t warm_up = 0;              // iterations at the start that are not judged
  std::string expected_verdict;      // "pass", "fail", or empty
};

struct Process {
  uint64_t pid = 0;
  uint64_t page_size = 4096;
  uint64_t start_unix_ns = 0;
  uint64_t max_frames = 0;
  std::string unwinder;
  std::string executable;
  std::vector<std::string> command_line;
  uint64_t parent_pid = 0;  // when the process began; 0: not recorded
};

struct Module {
  uint64_t bias = 0;  // address in memory minus address in the file
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string path;
  std::vector<uint8_t> build_id;
  // It was loaded for the sites of epochs [opened, closed): see CallSite::module_epoch.
  uint32_t opened_in_epoch = 0;
  uint32_t closed_in_epoch = UINT32_MAX;
};

struct Tag {
  std::string name;
};

struct SourceFrame {
  std::string function;  // demangled; empty when unknown
  std::string file;      // as in the debug information; empty when unknown
  uint32_t line = 0;
  bool inlined = false;  // into the next frame outwards
};

// Symbol::module of code that lies in no file: made at run time.
inline constexpr std::string_view kAnonymousCode = "[anonymous code]";

// What stands at one return address. No frames: only module and offset are known.
struct Symbol {
  uint64_t address = 0;                    // as in CallSite::frames
  std::string module;                      // path; [vdso], kAnonymousCode; empty when not known
  uint64_t offset = 0;                     // address - bias, of the return address
  std::vector<SourceFrame> source_frames;  // innermost first
  std::string note = {};                   // why there are no better names, or empty: "the file has changed"
  // Of which module, where several lay at this address one after the other (dlclose): `this` is the first
  // one's, `later` those of the others.
  std::optional<ModuleId> module_id = {};
  std::vector<Symbol> later = {};
};

// Counters of a site over `snapshots` consecutive snapshots from `first` on, the same in each.
struct Stretch {
  uint32_t first = 0;
  uint32_t snapshots = 0;
  Counters each{};
};

// Sorted, disjoint; a snapshot in no stretch saw nothing happen.
using Series = std::vector<Stretch>;

struct CallSite {
  TagId tag{};
  SiteKind kind{};
  bool truncated = false;
  bool lost = false;               // its record was damaged: tag and frames are not known, the series is
  std::vector<uint64_t> frames;    // return addresses, innermost first
  std::optional<uint32_t> thread;  // that allocates, up to kOtherThreads; in runs that are split by thread
  Series series;
  Counters total{};           // up to the last snapshot
  uint32_t module_epoch = 0;  // a count that rises with every module unloaded, and loaded after one

  int64_t live_bytes_end() const {
    return static_cast<int64_t>(total.allocated_bytes) - static_cast<int64_t>(total.freed_bytes);
  }
  int64_t live_blocks_end() const {
    return static_cast<int64_t>(total.allocations) - static_cast<int64_t>(total.frees);
  }
};

struct Snapshot {
  SnapshotKind kind{};
  uint64_t iteration = 0;  // see SnapshotRecord
  uint64_t time_ns = 0;
  uint64_t rss_bytes = 0;
  uint64_t shared_bytes = 0;
  uint64_t minor_faults = 0;
  uint64_t tracker_bytes = 0;
  uint64_t heap_peak_bytes = 0;
  uint64_t peak_error_bytes = 0;
};

// Live blocks of one site by birth, at the snapshot that ended `Cohorts::iteration`.
struct Cohort {
  SiteId site{};
  uint64_t birth = 0;
  uint64_t blocks = 0;
  uint64_t bytes = 0;
};
struct Cohorts {
  uint64_t iteration = 0;
  std::vector<Cohort> rows;  // sorted by (site, birth)
};

// One thread of the process. Number 0 is the first one.
struct Thread {
  uint64_t tid = 0;
  std::string name;                // as last seen
  uint64_t begin_ns = 0;           // its first event, since the process started
  std::optional<uint64_t> end_ns;  // absent: alive at the end
  uint64_t start_routine = 0;      // address, 0 when not known; its symbol is that of the address behind it
  uint64_t stack_reserved = 0;     // bytes, 0 when not known
  uint64_t stack_touched = 0;      // of them, as far as it was seen

  // Where the start routine is among the symbols, which are those of return addresses; 0: nowhere.
  uint64_t start_symbol() const { return start_routine == 0 ? 0 : start_routine + 1; }
};

// Where blocks of a site were freed, by a sample of the frees: how many there were is in its counters.
struct FreedPlace {
  SiteId site = SiteId{0};
  uint64_t samples = 0;
  CallSite stack;  // of the free; its tag says nothing
};

struct StepAsideNote {
  uint64_t iteration = 0;
  int error = 0;
  std::string reason;
  StepAsideKind kind = StepAsideKind::kGaveUp;
};

// Memory for the tracker was short from some iteration on: blocks are a sample (see SamplingRecord), and the
// counters of their call sites are estimates that stand for all of them.
struct SamplingNote {
  uint64_t iteration = 0;          // iterations or ticks completed when it came to this
  uint64_t interval_bytes = 0;     // 0: every block is tracked still
  bool stacks_end = false;         // of new call sites only tag and kind are known
  int error = 0;                   // errno of what was refused
  uint64_t group_limit_bytes = 0;  // of the control group for whose sake memory was short; 0: none
  // Of all blocks since sampling began, up to the last snapshot that says so. Exact.
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t frees = 0;
};

// What marks the iterations. Of the program itself there is nothing to say.
struct Marks {
  MarkedBy by = MarkedBy::kProgram;
  std::string what;        // the function, or the regular expression
  bool in_effect = false;  // the function was found in memory, the lines are read
  std::string obstacle;    // why not; empty: its module was never loaded
};

// Who points to whom, at one moment. Of a graph with an obstacle there is nothing but the obstacle.
struct HeapGraph {
  uint64_t number = 0;  // in the order in which they were taken; one that is missing was not finished
  GraphReason reason{};
  uint64_t iteration = 0;  // or ticks, completed
  uint64_t time_ns = 0;
  uint64_t threads = 0;
  uint64_t threads_parked = 0;   // with all registers
  uint64_t threads_waiting = 0;  // in a system call: with some
  uint64_t pause_ns = 0;
  std::string obstacle;  // why there is none

  std::vector<GraphSiteRow> sites;  // by site; those with live blocks
  std::vector<GraphNodeRow> nodes;  // by address
  std::vector<GraphEdgeRow> edges;  // from and to are indices of nodes
  bool whole = false;               // all blocks, all pointers
  uint64_t blocks = 0;
  uint64_t block_bytes = 0;
  uint64_t root_bytes = 0;
  uint64_t scan_ns = 0;
  uint64_t scan_cpu_ns = 0;  // of it the scan had a processor
  uint64_t edges_left_out = 0;
};

// The variable in which a root lies.
struct DataName {
  std::string variable;
  uint64_t offset = 0;  // of the slot in it
  std::string member;   // "first", "list.next"; empty when not known
};

// What lies at an offset of the blocks of a call site.
struct MemberName {
  std::string type;    // "Arena::Chunk"
  std::string member;  // "next"
};
using MemberKey = std::pair<SiteId, uint64_t>;  // site, bytes into the block

struct DataNames {
  std::map<uint64_t, DataName> variables;  // by address of the slot
  std::map<MemberKey, MemberName> members;
};

// The process ran before it was recorded (leakhunt attach).
struct AttachedNote {
  uint64_t time_ns = 0;                // since the process start record
  std::optional<uint64_t> heap_bytes;  // in use then, of no call site; absent: the allocator does not say
  uint64_t rss_bytes = 0;              // then
  uint64_t foreign_frees = 0;          // of blocks that were there before, until the recording's end
};

// What resident memory consisted of at one moment: see LedgerKind and LedgerRecord in codec.h for the fields.
struct LedgerEntry {
  LedgerKind kind{};
  uint64_t id = 0;
  uint64_t count = 0;
  uint64_t reserved_bytes = 0;
  uint64_t resident_bytes = 0;
  uint64_t dirty_bytes = 0;
  std::string name;
};
struct LedgerSite {
  SiteId site{};
  uint64_t count = 0;
  uint64_t reserved_bytes = 0;
  uint64_t resident_bytes = 0;
};
struct MemoryLedger {
  size_t snapshot = 0;  // index of the one before it
  uint64_t iteration = 0;
  uint64_t time_ns = 0;
  uint64_t cost_ns = 0;
  int error = 0;  // if not 0, nothing behind it is known
  bool heap_examined = false;
  bool libc_heap = false;
  bool older_heap = false;
  uint64_t rss_bytes = 0;
  uint64_t counter_rss_bytes = 0;
  uint64_t areas = 0;
  uint64_t rounding_bytes = 0;
  uint64_t free_page_bytes = 0;
  std::vector<LedgerEntry> entries;
  std::vector<LedgerSite> sites;
};

// RSS as the runner saw it from outside.
struct HostSample {
  uint64_t time_ns = 0;  // since the target was started
  uint64_t rss_bytes = 0;
};

// How the target ended, as the runner saw it. Absent in a recording whose runner died too.
struct Outcome {
  int exit_status = 0;      // of exit(), when signal is 0
  int signal = 0;           // that ended it
  std::string stopped_for;  // why the runner stopped it, or empty
  uint64_t wall_ns = 0;
  uint64_t peak_rss_bytes = 0;  // the kernel's own maximum (ru_maxrss), or the runner's samples
  std::string not_recorded =
      {};  // why the tracker did not start in what was executed last, where that is known
};

// One short run, of a program whose speed is compared with another's.
struct SpeedOfRun {
  double per_second = 0;  // iterations, of the faster half of them; 0: it came to none
  uint64_t iterations = 0;
  uint64_t wall_ns = 0;  // of the process, from its start to its end, and so is what follows
  uint64_t cpu_ns = 0;
  uint64_t voluntary_switches = 0;    // it went to sleep: for a lock, or to wait for other threads
  uint64_t involuntary_switches = 0;  // its time was up
};
struct SpeedPair {
  SpeedOfRun subject;
  SpeedOfRun twin;
};

// What both say of their speed: a line of the output of each, without its common beginning `about`.
struct SpeedClue {
  std::string about;
  std::string subject;
  std::string twin;
};

// The scenario's program and its healthy twin, run in turns on the same machine.
struct TwinSpeed {
  std::string twin;        // the name of its scenario
  double least_ratio = 0;  // of the subject's speed to the twin's
  uint64_t processors = 0;
  uint64_t processors_needed = 1;  // where there are fewer, what makes the subject slow costs nothing
  std::vector<SpeedPair> pairs;    // in the order in which they ran
  std::vector<SpeedClue> clues;
  std::string obstacle;  // why there are no more pairs, or empty
};

// The runner stopped the target because its verdict was certain.
struct Certainty {
  double confidence = 0;
  uint64_t iteration = 0;  // completed, at the look that was certain
  uint64_t planned = 0;    // iterations
  uint64_t looks = 0;      // at the growing recording, this one included
  bool fails = false;      // the verdict: fail or pass
  std::string because;     // the end of a sentence
};

// What could not be read. A torn tail (the writer was killed in the middle of a frame) is normal and is no
// damage.
struct Damage {
  uint64_t damaged_bytes = 0;    // skipped inside the file
  uint64_t damaged_records = 0;  // frames whose checksum or content was wrong
  uint64_t torn_bytes = 0;       // after the last whole frame
  uint64_t lost_snapshots = 0;   // gaps in the sequence
  std::string note;              // the first problem, in a sentence; empty when there is none
};

struct Run {
  std::optional<Scenario> scenario;
  Budget budget;
  Process process;
  std::vector<Module> modules;      // by ModuleId
  std::vector<Tag> tags;            // by TagId
  std::vector<CallSite> sites;      // by SiteId
  std::vector<Snapshot> snapshots;  // in order
  std::vector<std::vector<uint64_t>>
      tag_peaks;                 // [TagId][snapshot]: peak live bytes since the snapshot before
  std::vector<Cohorts> cohorts;  // in order; the last one is the newest
  std::vector<FreedPlace> freed_places;
  std::vector<HeapGraph> graphs;       // in order
  DataNames data_names;                // of slots in graphs
  std::vector<MemoryLedger> ledgers;   // in order
  std::map<uint32_t, Thread> threads;  // by number
  std::vector<StepAsideNote> step_asides;
  std::vector<SamplingNote> sampling;  // each time it came to more of it; empty: everything was tracked
  Marks marks;
  std::optional<AttachedNote> attached;  // absent: recorded from its start
  std::optional<EndKind> end;            // absent: the process was killed, or is still running
  std::string next_program;              // of an end by exec: what was to follow, as it was called
  uint64_t images = 0;                   // process images in the file; only the last is described
  std::map<uint64_t, Symbol> symbols;    // by return address
  std::vector<HostSample> host_samples;
  std::optional<Outcome> outcome;
  std::optional<TwinSpeed> twin_speed;
  std::optional<Certainty> certainty;
  std::vector<std::string> left_running;  // recordings of children that still ran when this process had ended
  Damage damage;

  bool complete() const { return end.has_value(); }
};

// --- modules ---------------------------------------------------------------------------------------------

// The module that lay at the address when the site was recorded; absent when in none.
std::optional<ModuleId> module_at(const Run& run, const CallSite& site, uint64_t address);

// The symbol of the site's return address, by the module that lay there then; null when there is none.
const Symbol* symbol_of(const Run& run, const CallSite& site, uint64_t address);

// --- series ----------------------------------------------------------------------------------------------

// One field of the counters as a function of the snapshot.
enum class Measure { kLiveBytes, kLiveBlocks, kAllocations, kAllocatedBytes, kFrees, kFreedBytes };

// Cumulative value after each snapshot: result[k] is the value at snapshots[k]. O(stretches + snapshots).
std::vector<int64_t> expand(const Series& series, size_t snapshots, Measure measure);

// The sum over all sites that `of` accepts, e.g. one tag, or everything of one kind.
struct SiteFilter {
  std::optional<TagId> tag;
  std::optional<SiteKind> kind;
};
std::vector<int64_t> expand_sum(const Run& run, const SiteFilter& of, Measure measure);

// Indices of the snapshots that are the run's clock: iterations if the program marked any, otherwise ticks
// (and the final snapshot).
std::vector<size_t> clock_snapshots(const Run& run);

}  // namespace leakhunt::recording
