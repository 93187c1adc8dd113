// history: runs in a SQLite database, so that it can be seen when something began. The database is one file;
// it holds figures and names, no recordings.
//
// Threads and processes: SQLite's own locks; a writer that finds it busy waits up to ten seconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "reports/report.h"

struct sqlite3;

namespace leakhunt::reports {

// Texts of these are one printable line each.
struct KeptCheck {
  std::string state;  // "failed", "inconclusive", "passed", "note"
  std::string text;
  bool operator==(const KeptCheck&) const = default;
};

struct KeptFinding {
  std::string name;                // "leak in tag arena.chunk: Arena::new_chunk"
  std::string figures;             // "+16 B and 1 block per iteration since iteration 10, exactly"
  std::string why;                 // what the heap graph says; may be empty
  std::vector<std::string> stack;  // from the frame that answers outwards, the first few
  bool operator==(const KeptFinding&) const = default;
};

// One run, as it is kept.
struct HistoricRun {
  std::string name;   // of the scenario, or the program
  std::string label;  // what the user calls it: a commit
  uint64_t start_unix_ns = 0;
  uint64_t pid = 0;
  std::string verdict;
  std::string reason;  // the first of its checks
  uint64_t iterations = 0;
  std::optional<double> iterations_per_second;
  uint64_t peak_rss_bytes = 0;
  int64_t end_bytes = 0;  // live in the heap
  int64_t end_blocks = 0;
  double growth_bytes = 0;            // per iteration
  double allocations = 0;             // per iteration, after the warm-up
  std::vector<int64_t> curve;         // live heap, at most kCurvePoints from the first to the last iteration
  std::vector<KeptCheck> checks;      // none in what was kept by a version 1
  std::vector<KeptFinding> findings;  // the steepest kMostFindings; so there
};
inline constexpr size_t kMostFindings = 12;
inline constexpr size_t kCurvePoints = 60;

HistoricRun historic_run(const Report& report, std::string label);

class History {
 public:
  // Creates the file if it is not there. The errors are lines for the user that name it.
  static tl::expected<History, std::string> open(const std::string& file, bool create);

  // A run that is there already (same name, start and process) is replaced.
  tl::expected<void, std::string> add(const HistoricRun& run);
  // In the order in which they started. Empty name: all; `last`: at most so many of each name.
  tl::expected<std::vector<HistoricRun>, std::string> runs(const std::string& name, uint64_t last) const;

 private:
  void add_columns();
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::string file_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace leakhunt::reports
