// What an event costs: malloc_pairs without a tracker, under ours with both unwinders, with two threads, and
// under heaptrack.
#include <fmt/core.h>
#include <unistd.h>

#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/tracker/timed_run.h"

namespace {

using leakhunt::bench::timed_run;

std::map<int, double> pairs_under(const std::string& prefix, const std::string& pairs) {
  std::istringstream lines(timed_run(prefix + " " LEAKHUNT_BIN "/bench/malloc_pairs " + pairs).out);
  std::map<int, double> by_depth;
  std::string line;
  while (std::getline(lines, line)) {  // heaptrack prints lines of its own
    int depth = 0;
    double nanoseconds = 0;
    if (std::istringstream(line) >> depth >> nanoseconds) by_depth[depth] = nanoseconds;
  }
  return by_depth;
}

}  // namespace

int main() {
  const std::string file = fmt::format("/tmp/leakhunt-event-cost-{}", getpid());
  const std::string ours = "rm -f " + file + ".lhr; LEAKHUNT_RECORDING=" + file +
                           ".lhr LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " LEAKHUNT_UNWINDER=";
  std::vector<std::pair<std::string, std::map<int, double>>> rows;
  rows.emplace_back("plain", pairs_under("", "5000000"));
  rows.emplace_back("leakhunt, no stacks", pairs_under(ours + "none", "5000000"));
  rows.emplace_back("leakhunt, frame pointers", pairs_under(ours + "fp", "5000000"));
  rows.emplace_back("leakhunt, cfi rules", pairs_under(ours + "cfi", "5000000"));
  rows.emplace_back("plain, 2 threads", pairs_under("", "5000000 2"));
  rows.emplace_back("leakhunt, rules, 2 threads", pairs_under(ours + "cfi", "5000000 2"));
  if (timed_run("command -v heaptrack").exit_status == 0) {
    rows.emplace_back("heaptrack", pairs_under("heaptrack -o " + file, "500000"));
  }
  fmt::print("ns per malloc+free (added to plain) below a stack of\n{:<26}", "");
  for (const auto& [depth, unused] : rows[0].second) fmt::print(" {:>8} frames", depth);
  fmt::print("\n");
  for (const auto& [name, row] : rows) {
    fmt::print("{:<26}", name);
    for (const auto& [depth, nanoseconds] : row) {
      fmt::print(" {:>6.1f} (+{:>5.1f})", nanoseconds, nanoseconds - rows[0].second[depth]);
    }
    fmt::print("\n");
  }
  timed_run("rm -f " + file + ".*");
  return 0;
}
