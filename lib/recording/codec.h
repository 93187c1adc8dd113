// Encode and decode of every record's payload, side by side. Freestanding: no heap, no exceptions, no
// libstdc++; the tracker encodes inside the target, the reader decodes on the host.
//
// An Encoder writes into memory that the caller provides and remembers if it did not fit; a Decoder reads and
// remembers if the payload ended early or a value was impossible. Both are checked once, at the end of a
// record.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/recording/format.h"

namespace leakhunt::recording {

// Bytes that belong to someone else: a name, a path, a build-id.
struct Bytes {
  const uint8_t* data;
  size_t size;
};

struct Encoder {
  uint8_t* cursor;
  uint8_t* end;
  bool overflowed = false;
};

struct Decoder {
  const uint8_t* cursor;
  const uint8_t* end;
  bool failed = false;
};

inline constexpr size_t kMaxVarint = 10;

void put_varint(Encoder& out, uint64_t value);
void put_signed(Encoder& out, int64_t value);  // zigzag
void put_double(Encoder& out, double value);   // 8 bytes, IEEE 754
void put_bytes(Encoder& out, Bytes bytes);     // varint length, then the bytes

uint64_t get_varint(Decoder& in);
int64_t get_signed(Decoder& in);
double get_double(Decoder& in);
Bytes get_bytes(Decoder& in);

// crc32c (Castagnoli, reflected 0x82F63B78, as in RFC 3720), continued from `crc` (0 at first).
uint32_t crc32c(uint32_t crc, const void* data, size_t size);
// Over the type and length fields, then the payload.
uint32_t frame_crc(uint32_t type, uint32_t length, const void* payload);
// Header, payload and padding of a frame.
constexpr size_t frame_size(size_t payload) {
  return (sizeof(FrameHeader) + payload + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

// --- written by the target -------------------------------------------------------------------------------

// Start of one process image. A second one in a file (exec) starts all ids and counters anew.
struct ProcessStart {
  uint64_t pid;
  uint64_t page_size;
  uint64_t start_unix_ns;
  uint64_t max_frames;
  Bytes unwinder;       // "frame pointers"
  Bytes executable;     // absolute path
  Bytes command_line;   // arguments, each ended by a NUL, as in /proc/self/cmdline
  uint64_t parent_pid;  // 0 in recordings that are older than this field
};
void encode(Encoder& out, const ProcessStart& record);
ProcessStart decode_process_start(Decoder& in);

// A loaded object. `bias` is what was added to the addresses in its file; [begin, end) is where it was
// mapped.
struct ModuleRecord {
  ModuleId id;
  uint64_t bias;
  uint64_t begin;
  uint64_t end;
  Bytes path;
  Bytes build_id;
};
void encode(Encoder& out, const ModuleRecord& record);
ModuleRecord decode_module(Decoder& in);

// The module was unloaded: sites recorded from here on do not mean it.
struct ModuleClosed {
  ModuleId id;
  uint64_t time_ns;
};
void encode(Encoder& out, const ModuleClosed& record);
ModuleClosed decode_module_closed(Decoder& in);

struct TagRecord {
  TagId id;
  Bytes name;
};
void encode(Encoder& out, const TagRecord& record);
TagRecord decode_tag(Decoder& in);

// A call site: tag and stack. Frames are return addresses, innermost first, each written as the difference
// from the one before. `truncated` when the stack went on beyond the recorded frames. `thread` stands behind
// the frames, in recordings that are split by thread only.
struct SiteHeader {
  SiteId id;
  TagId tag;
  SiteKind kind;
  bool truncated;
  uint64_t frame_count;
  uint32_t thread = kNoThread;  // up to kOtherThreads
};
void encode(Encoder& out, const SiteHeader& header, const uint64_t* frames);
SiteHeader decode_site_header(Decoder& in);
uint64_t decode_frame(Decoder& in, uint64_t previous);  // previous: 0 for the first
uint32_t decode_site_thread(Decoder& in);               // behind the frames; kNoThread if nothing is there

// One row of a SnapshotRows record: the site as a difference from the row before, then its counters. Rows
// belong to the next Snapshot record; without one they never happened.
void encode_row(Encoder& out, SiteId previous, SiteId site, const Counters& counters);
SiteId decode_row(Decoder& in, SiteId previous, Counters* counters);  // previous: SiteId{0} for the first
inline constexpr size_t kMaxRow = 7 * kMaxVarint;

// A snapshot. The rows before it say what changed, in second differences: a site without a row did in this
// interval exactly what it did in the one before (so a steady state costs no rows). If `absolute`, rows hold
// counters since the start for every site that ever had any: a key frame. The reader checks its sums against
// them, or takes them up after damage; behind a key frame every site's last difference counts as zero (so
// what repeats is written once more).
struct SnapshotRecord {
  uint64_t sequence;  // 0, 1, 2, ... : a gap is damage
  SnapshotKind kind;
  bool absolute;
  uint64_t iteration;  // of kIteration: its number. Otherwise iterations or ticks completed so far
  uint64_t time_ns;    // CLOCK_MONOTONIC since the process start record
  uint64_t rss_bytes;
  uint64_t shared_bytes;      // of rss: file-backed and shared
  uint64_t minor_faults;      // of the process so far
  uint64_t tracker_bytes;     // mapped by the tracker itself, recording included
  uint64_t heap_peak_bytes;   // maximum of live kBlock bytes since the snapshot before
  uint64_t peak_error_bytes;  // the maximum may be off by this much (0 with one thread)
  uint64_t tag_peak_count;    // tag peaks that follow: those that differ from the snapshot before
  uint64_t row_count;         // rows before it, so that none is missed; 0: not counted
};
void encode(Encoder& out, const SnapshotRecord& record);  // then tag_peak_count times encode_tag_peak
SnapshotRecord decode_snapshot(Decoder& in);
// Maximum of live bytes of a tag since the snapshot before.
void encode_tag_peak(Encoder& out, TagId tag, uint64_t peak_bytes);
uint64_t decode_tag_peak(Decoder& in, TagId* tag);

// Live blocks by site and iteration of birth, sorted by (site, birth). A table longer than one record is
// continued: `more` is set in all but the last.
struct CohortsHeader {
  uint64_t iteration;  // as in SnapshotRecord
  bool more;
  uint64_t row_count;
};
struct CohortRow {
  SiteId site;
  uint64_t birth;
  uint64_t blocks;
  uint64_t bytes;
};
void encode(Encoder& out, const CohortsHeader& header);
CohortsHeader decode_cohorts(Decoder& in);
void encode_cohort_row(Encoder& out, const CohortRow& row);
CohortRow decode_cohort_row(Decoder& in);
inline constexpr size_t kMaxCohortRow = 4 * kMaxVarint;

// One thread. Written once it is seen by a snapshot, when something of it changed, and at its end: the last
// record of a number counts.
struct ThreadRecord {
  uint64_t number;
  uint64_t tid;
  uint64_t begin_ns;  // since the process start record
  bool ended;
  uint64_t end_ns;          // if it ended
  uint64_t start_routine;   // what pthread_create was given; 0: not known
  uint64_t stack_reserved;  // bytes; 0: not known
  uint64_t stack_touched;   // of them, pages that were ever touched
  Bytes name;
};
void encode(Encoder& out, const ThreadRecord& record);
ThreadRecord decode_thread(Decoder& in);

// The tracker gave up; the target went on without it.
struct StepAside {
  uint64_t iteration;
  uint64_t error;  // errno, or 0
  Bytes reason;
  StepAsideKind kind = StepAsideKind::kGaveUp;  // written if it is another one
};
void encode(Encoder& out, const StepAside& record);
StepAside decode_step_aside(Decoder& in);

// Iterations of a program that marks none: what is to mark them, and whether it does. Written again when that
// changes.
struct IterationMarks {
  MarkedBy by;
  bool in_effect;
  Bytes what;      // the function, or the expression
  Bytes obstacle;  // why it is not in effect and will not be; empty: it may still be
};
void encode(Encoder& out, const IterationMarks& record);
IterationMarks decode_iteration_marks(Decoder& in);

// The process was running before it was recorded: what it held then has no call sites. A later one replaces
// the earlier.
struct Attached {
  uint64_t time_ns;  // since the process start record
  bool heap_known;   // the allocator is one that can be asked
  uint64_t heap_bytes;
  uint64_t rss_bytes;
  uint64_t foreign_frees;  // of blocks that are older, since then
};
void encode(Encoder& out, const Attached& record);
Attached decode_attached(Decoder& in);

// One line of the ledger: what was found of one kind and id and name. Lines of the same may come more than
// once.
struct LedgerLineRecord {
  LedgerKind kind;
  uint64_t id;
  uint64_t count;           // blocks, stacks, mappings
  uint64_t reserved_bytes;  // address space; of blocks what was asked for
  uint64_t resident_bytes;
  uint64_t dirty_bytes;  // of resident: written to, where kFile, kModule
  Bytes name;
};
void encode(Encoder& out, const LedgerLineRecord& line);
LedgerLineRecord decode_ledger_line(Decoder& in);
inline constexpr size_t kMaxLedgerLine = 7 * kMaxVarint;  // without its name

// The same of one call site, of those that hold most.
struct LedgerSiteRecord {
  SiteId site;
  uint64_t count;
  uint64_t reserved_bytes;
  uint64_t resident_bytes;
};
void encode(Encoder& out, const LedgerSiteRecord& row);
LedgerSiteRecord decode_ledger_site(Decoder& in);
inline constexpr size_t kMaxLedgerSite = 4 * kMaxVarint;

// A ledger. The lines and sites before it are its own; without it they never happened.
struct LedgerRecord {
  uint64_t iteration;          // iterations or ticks completed
  uint64_t time_ns;            // since the process start record
  uint64_t cost_ns;            // that it took
  uint64_t error;              // errno of what could not be read; nothing else is known then
  bool heap_examined;          // page by page: what follows is known, and the resident bytes of blocks are
  bool libc_heap;              // the allocator is libc's: rounding_bytes is known
  bool older_heap;             // the heap holds blocks from before the recording
  uint64_t rss_bytes;          // the sum over all mappings
  uint64_t counter_rss_bytes;  // as the kernel counts it by itself (statm)
  uint64_t areas;              // mappings
  uint64_t rounding_bytes;     // headers and rounding of live blocks, resident
  uint64_t free_page_bytes;    // resident pages of the heap without a live block
  uint64_t line_count;         // before it
  uint64_t site_count;
};
void encode(Encoder& out, const LedgerRecord& record);
LedgerRecord decode_ledger(Decoder& in);

struct ProcessEnd {
  EndKind kind;
  uint64_t time_ns;
  Bytes next_program = {nullptr, 0};  // of exec: the path or name that was called
};
void encode(Encoder& out, const ProcessEnd& record);
ProcessEnd decode_process_end(Decoder& in);

}  // namespace leakhunt::recording
