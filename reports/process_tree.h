// process_tree: the children of a run, a row each, and what they add to its verdict. The run itself is the
// root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reports/analysis/growth_class.h"
#include "reports/analysis/limits.h"
#include "reports/analysis/verdict.h"

namespace leakhunt::reports {

struct Report;

// What one limit that names processes is measured by in one of them.
struct LimitFigure {
  size_t limit = 0;  // of Budget::limits
  Measured measured;
  std::string cause;  // its largest part, for the one that breaks it
};

struct ProcessRow {
  uint64_t pid = 0;
  uint64_t parent_pid = 0;  // 0: not recorded
  std::string recording;    // file name; empty for the root
  std::string command;      // its words, with spaces between
  std::string program;      // the last part of its path
  int64_t peak_live_bytes = 0;
  int64_t live_bytes_end = 0;
  uint64_t allocations = 0;
  uint64_t start_unix_ns = 0;
  GrowthClass growth{};
  double growth_bytes_per_step = 0;
  Verdict verdict = Verdict::kPass;
  bool left_running = false;   // when the root had ended
  bool complete = false;       // its recording ends in order
  bool marked = false;         // it ended iterations
  bool unmarked = false;       // it should have, and did not: nothing else speaks against it
  std::vector<Check> reasons;  // why it is no pass
  std::vector<LimitFigure> figures;
};

// Of one process; live bytes are those of the heap.
ProcessRow describe_process(const Report& report);

struct ProcessTree {
  std::vector<ProcessRow>
      rows;             // the root, then children: the worst first, then those with the highest peaks
  size_t not_read = 0;  // recordings of children that were left out, or could not be read
  // Of all rows.
  int64_t peak_live_bytes = 0;  // the sum of their peaks, which need not have come together
  int64_t live_bytes_end = 0;
  uint64_t allocations = 0;

  bool empty() const { return rows.empty(); }
  size_t processes() const { return rows.size() + not_read; }
};

// Sorts and sums. `rows` begins with the root; without a child there is no tree. Where one process ended
// iterations, nothing is held against those that ended none: a shell around the program, its helpers.
ProcessTree make_process_tree(std::vector<ProcessRow> rows, size_t not_read);

// The verdict of the run becomes the worst of all its processes, with their reasons.
void take_in_processes(Report& report, ProcessTree tree);

}  // namespace leakhunt::reports
