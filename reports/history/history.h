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
  double growth_bytes = 0;     // per iteration
  double allocations = 0;      // per iteration, after the warm-up
  std::vector<int64_t> curve;  // live heap, at most kCurvePoints from the first to the last iteration
};
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
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::string file_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace leakhunt::reports
