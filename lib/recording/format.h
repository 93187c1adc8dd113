// The file format of a recording, as constants and plain structs. Freestanding: the tracker includes it
// inside the target, the reader on any host. Prose, grammar and a worked example in bytes:
// docs/recording-format.md.
//
//   file   := file_header frame*
//   frame  := frame_header payload padding-to-8
//
// Frames are appended in one order and never rewritten:
//
//   HOST    scenario? budget
//   TARGET  ( process_start
//             (module | module_closed | tag | site | snapshot_rows* snapshot | cohorts | thread | step_aside
//              | iteration_marks | attached)*
//             process_end? )*
//   HOST    ( torn_tail? (host_samples | symbols | outcome | left_running)* )*   a later one replaces the
//                                                                               earlier
//
// All integers are little-endian; inside payloads they are LEB128 varints unless said otherwise.
#pragma once

#include <stdint.h>

namespace leakhunt::recording {

inline constexpr uint8_t kFileMagic[8] = {'L', 'E', 'A', 'K', 'H', 'U', 'N', 'T'};
inline constexpr uint32_t kFormatVersion = 1;

// At offset 0 of the file.
struct FileHeader {
  uint8_t magic[8];
  uint32_t version;
  uint32_t header_bytes;  // where the first frame begins: sizeof(FileHeader) in version 1
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
  kFreedPlace = 33,      // where blocks of a site were freed, by a sample
  kLeftRunning = 20,     // children that still ran when this process had ended
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
