// The file format of a recording, as constants and plain structs. Freestanding: the tracker includes it
// inside the target, the reader on any host. Prose, grammar and a worked example in bytes:
// docs/recording-format.md.
//
//   file   := file_header frame*
//   frame  := frame_header payload padding-to-8
//
// Frames are appended in one order and never rewritten:
//
//   HOST    scenario? budget limits?
//   TARGET  ( process_start
//             (module | module_closed | tag | site | snapshot_rows* snapshot | cohorts | thread | step_aside
//              | sampling | iteration_marks | attached | freed_place | graph (graph_sites | graph_nodes |
//              graph_edges)* graph_end? | (ledger_lines | ledger_sites)* ledger)*
//             process_end? )*
//   HOST    ( torn_tail? (host_samples | symbols | outcome | left_running | data_names)* )*   a later one
//                                                                                        replaces the earlier
//
// A finished recording is rewritten by the host, with packed records in place of them. All integers are
// little-endian; inside payloads they are LEB128 varints unless said otherwise.
#pragma once

#include <stdint.h>

namespace leakhunt::recording {

inline constexpr uint8_t kFileMagic[8] = {'L', 'E', 'A', 'K', 'H', 'U', 'N', 'T'};
inline constexpr uint32_t kFormatVersion = 1;
// The same with packed records, which the host writes: the newest there is.
inline constexpr uint32_t kPackedVersion = 2;

// At offset 0 of the file.
struct FileHeader {
  uint8_t magic[8];
  uint32_t version;
  uint32_t header_bytes;  // where the first frame begins: sizeof(FileHeader) in versions 1 and 2
};
static_assert(sizeof(FileHeader) == 16);

// In front of every payload, at a multiple of 8. The writer stores `magic` last, with release order: a reader
// of a growing file that sees it sees a whole frame, and a writer killed at any moment leaves zeros there.
struct FrameHeader {
  uint32_t magic;   // kFrameMagic
  uint32_t length;  // of the payload, without padding
  uint32_t crc;     // crc32c over type, length and payload (see frame_crc in codec.h)
  uint32_t type;    // RecordType
};
static_assert(sizeof(FrameHeader) == 16);

inline constexpr uint32_t kFrameMagic = 0x4352484C;  // "LHRC"
inline constexpr uint32_t kFrameAlignment = 8;
inline constexpr uint32_t kMaxPayload = 16u << 20;  // a longer length is damage

enum class RecordType : uint32_t {
  kScenario = 1,
  kBudget = 2,
  kProcessStart = 3,
  kModule = 4,
  kTag = 5,
  kSite = 6,
  kSnapshotRows = 7,
  kSnapshot = 8,
  kCohorts = 9,
  kStepAside = 10,
  kProcessEnd = 11,
  kHostSamples = 12,
  kSymbols = 13,
  kOutcome = 14,
  kTornTail = 15,      // bytes that the host cut off behind the target's last whole frame
  kModuleClosed = 16,  // a module was unloaded: sites recorded from here on do not mean it
  kThread = 17,
  kAttached = 18,        // the process ran before it was recorded
  kIterationMarks = 19,  // of the target
  kLeftRunning = 20,     // children that still ran when this process had ended
  kGraph = 21,           // the heap graph: who points to whom; graph_codec.h
  kGraphSites = 22,
  kGraphNodes = 23,
  kGraphEdges = 24,
  kGraphEnd = 25,
  kDataNames = 26,    // of the host: the variables in which roots lie, the members of blocks
  kLedgerLines = 28,  // of the next ledger
  kLedgerSites = 29,  // likewise
  kLedger = 30,       // what resident memory consisted of, after the snapshot before it
  kLimits = 32,       // what else the budget says: limits of parts of the run, suppressions
  kFreedPlace = 33,   // where blocks of a site were freed, by a sample
  kPacked = 34,       // of the host: many records, compressed; packing.h
  kSampling = 45,     // memory for the tracker is short: how far blocks are only a sample; sampling_codec.h
  kTwinSpeed = 40,    // of the host: how fast the program is beside its healthy twin
  kCertainty = 41,    // of the host: why it stopped the program before its last iteration
};

// Ids are dense, counted from 0 in the order of their records.
enum class TagId : uint32_t {};
enum class SiteId : uint32_t {};
enum class ModuleId : uint32_t {};

// Threads are numbered in the order of their first event; the first thread of the process is 0. A recording
// that is split by thread tells this many apart, all later ones together are kOtherThreads.
inline constexpr uint32_t kOtherThreads = 255;
inline constexpr uint32_t kNoThread = UINT32_MAX;

inline constexpr TagId kHeapTag{0};     // "heap": a block without a tag, a stray
inline constexpr TagId kMappingTag{1};  // "mapping": an mmap without a tag

// What a site's bytes are, and so which total they belong to.
enum class SiteKind : uint8_t {
  kBlock = 0,    // from the malloc family or operator new: part of the heap
  kMapping = 1,  // from mmap: reserved address space
  kNested = 2,   // inside a block or mapping that is itself counted: part of no total
};

// Why a snapshot was taken.
enum class SnapshotKind : uint8_t {
  kIteration = 0,  // the program marked the end of an iteration
  kTick = 1,       // the clock of a program that marks none
  kPeak = 2,       // just before the live heap falls from a new maximum
  kFinal = 3,      // the process ends, or its recording
};

// Who says where an iteration ends.
enum class MarkedBy : uint8_t {
  kProgram = 0,  // the program itself, through leakhunt.h
  kEntries = 1,  // every entry of a function
  kLines = 2,    // every line of output that matches a regular expression
};

// What a line of the ledger counts. Every resident page is in one line of those that are marked *; the others
// say more of what is in there.
enum class LedgerKind : uint8_t {
  kTagBlocks = 0,     // live blocks; id: their tag
  kHeapRegion = 1,    // * where the allocator's memory lies; id: HeapRegionKind
  kThreadStack = 2,   // * id: the thread's number
  kIdleStack = 3,     // * of threads that have ended
  kMainStack = 4,     // *
  kTagMappings = 5,   // * anonymous memory from mmap or sbrk; id: its tag
  kSharedMemory = 6,  // * named
  kFile = 7,          // * named
  kModule = 8,        // * named
  kKernel = 9,        // *
  kOlder = 10,        // * anonymous, and there when the recording began
  kTracker = 11,      // * named
  kUnknown = 12,      // * anonymous; the name is the range of addresses, or what the program called it
};

enum class HeapRegionKind : uint8_t {
  kBreak = 0,      // what libc's brk moves
  kArena = 1,      // of libc's malloc
  kAlone = 2,      // large blocks, each mapped by itself
  kAllocator = 3,  // mapped by another allocator
  kFound = 4,      // of nobody known, but live blocks lie in it
};

// How far the tracker stepped aside.
enum class StepAsideKind : uint8_t {
  kGaveUp = 0,        // nothing is counted any more
  kMappingsOnly = 1,  // the program's malloc is not ours: its heap is not seen
};

enum class EndKind : uint8_t {
  kExit = 0,       // ran its destructors
  kQuickExit = 1,  // _exit, _Exit, quick_exit
  kExec = 2,       // replaced its image
  kDetached = 3,   // goes on, and is not recorded any more
};

// Why a heap graph was taken.
enum class GraphReason : uint8_t {
  kGrowth = 0,  // some call site had grown: one of a pair
  kEvery = 1,   // every so many iterations, as asked for
  kExit = 2,    // at the end of the process
};

// How a block is held: memcheck's words.
enum class Reach : uint8_t {
  kDefinite = 0,  // lost: nothing points to it, but perhaps other lost blocks of a cycle
  kIndirect = 1,  // lost: only lost blocks point to it
  kPossible = 2,  // held, but on every way there is a pointer into the middle of a block
  kReachable = 3,
};

// Where a pointer lies that is in no block.
enum class RootKind : uint8_t {
  kData = 0,       // writable data of a module
  kThread = 1,     // thread-local data
  kAnonymous = 2,  // memory that nobody claims
  kStack = 3,
  kRegister = 4,
};

// What happened at one site between two snapshots, or (in absolute rows) since the start.
struct Counters {
  uint64_t allocations;
  uint64_t allocated_bytes;
  uint64_t frees;
  uint64_t freed_bytes;
  uint64_t temporary_blocks;  // of the frees: born in the same iteration
  uint64_t temporary_bytes;
};

}  // namespace leakhunt::recording
