// ledger: what resident memory consists of, line by line; what is left over is said. docs/ledger.md defines
// every line, and how exact it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// The lines, in the order in which they are shown.
enum class LedgerPart : uint8_t {
  kTaggedBlocks,    // live blocks with a tag
  kUntaggedBlocks,  // live blocks without one
  kRounding,        // what the allocator puts around live blocks: headers, rounding up
  kHoles,           // between live blocks, on pages that hold some: fragmentation
  kFreePages,       // of the heap, that hold no live block: freed and not returned, or never used
  kThreadStacks,    // of living threads
  kIdleStacks,      // of ended threads, kept by libc for the next
  kMainStack,
  kMappings,      // anonymous, from mmap or sbrk, by call site
  kSharedMemory,  // memfd, /dev/shm, shared anonymous memory
  kFilesClean,    // mapped files that are no modules
  kFilesDirty,    // of them, what was written to
  kModuleCode,    // of the executable and its libraries: what lies unchanged in the file
  kModuleData,    // of them: what was written to, and data that is in no file
  kKernel,        // vdso and its like
  kOlder,         // anonymous, from before the recording began
  kTracker,       // ours: tables, the recording's window, libleakhunt.so
  kUnexplained,   // never left out
};

// A part of a line: a tag, a call site, a thread, a file.
struct LedgerItem {
  std::string name;  // as recorded: to be escaped
  std::optional<recording::TagId> tag = {};
  std::optional<recording::SiteId> site = {};
  std::optional<uint32_t> thread = {};
  uint64_t count = 0;  // blocks, stacks, mappings
  int64_t reserved_bytes = 0;
  int64_t resident_bytes = 0;
};

struct LedgerLine {
  LedgerPart part{};
  uint64_t count = 0;          // blocks, stacks, mappings; 0 where nothing is counted
  int64_t reserved_bytes = 0;  // address space; of blocks what was asked for
  int64_t resident_bytes = 0;
  std::vector<LedgerItem> items;  // by tag, thread or file; largest first; they add up to the line, or less
  std::vector<LedgerItem> sites;  // the same by call site, where there are any: those that hold most
};

// At one moment. The lines' resident bytes add up to rss_bytes, exactly.
struct Ledger {
  // Resident pages were looked at. If not there are only the rough lines that the counters allow: live memory
  // counts as if it were resident, and kUnexplained may be negative.
  bool measured = false;
  std::string obstacle;           // why not, as a clause; empty when it was, or nobody tried
  bool heap_examined = false;     // page by page; if not, kFreePages is all of the heap that is not live
  bool older_heap = false;        // some of it is from before the recording: kFreePages holds that, too
  uint64_t iteration = 0;         // iterations or ticks completed
  size_t snapshot = 0;            // the index of the one it belongs to
  int64_t rss_bytes = 0;          // the sum over all mappings
  int64_t counter_rss_bytes = 0;  // the kernel's own count, which may lag behind (statm)
  std::vector<LedgerLine> lines;  // by part; those of nothing are left out, but for kUnexplained
  std::vector<LedgerItem> heap_regions;  // where the heap lies: the break, arenas, blocks mapped alone
  uint64_t cost_ns = 0;                  // that the target paid for it

  // Live, or mapped, whether resident or not.
  int64_t heap_bytes = 0;
  int64_t mapping_bytes = 0;
  int64_t shared_bytes = 0;  // file-backed and shared pages
  int64_t tracker_bytes = 0;
  int64_t unexplained_bytes = 0;  // resident

  const LedgerLine* line(LedgerPart part) const;
  int64_t resident(LedgerPart part) const;  // 0 where there is no such line
};

// "thread stacks"; "thread_stacks".
std::string_view title_of(LedgerPart part);
std::string_view key_of(LedgerPart part);

// The one nearest to a snapshot: the last at or before it, if there is any.
Ledger ledger_at(const recording::Run& run, const GrowthMap& growth, size_t snapshot);

// At Timeline::end_snapshot(): the last one of the clock, before the program tears everything down.
Ledger make_ledger(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth);

// What all ledgers of a run cost the target together.
struct LedgerCost {
  size_t taken = 0;
  uint64_t cost_ns = 0;     // processor time
  double share_of_run = 0;  // of the time between the first event and the end
};
LedgerCost cost_of_ledgers(const recording::Run& run);

// The one that was measured with the most resident memory.
Ledger make_peak_ledger(const recording::Run& run, const Timeline& timeline, const GrowthMap& growth);

}  // namespace leakhunt::reports
