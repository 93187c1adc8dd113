// What the tracker keeps in memory: bytes resident per live block and per different stack, the same program
// without the tracker taken off, and heaptrack beside it.
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <sstream>
#include <string>

#include "bench/tracker/timed_run.h"

namespace {

using leakhunt::bench::timed_run;

struct Memory {
  double resident = 0;
  double nodes = 0;
};

Memory memory_under(const std::string& prefix, const std::string& what) {
  std::istringstream lines(timed_run(prefix + " " LEAKHUNT_BIN "/bench/memory_subject " + what).out);
  Memory memory;
  std::string line;
  while (std::getline(lines, line)) {  // heaptrack prints lines of its own
    if (std::istringstream(line) >> memory.resident >> memory.nodes) return memory;
  }
  return {};
}

void compare(const std::string& name, const std::string& tracker, const std::string& what, uint64_t count) {
  const std::string subject = fmt::format("{} {}", what, count);
  const Memory plain = memory_under("", subject);
  const Memory tracked = memory_under(tracker, subject);
  const double extra = tracked.resident - plain.resident;
  const double each = extra / static_cast<double>(count);
  fmt::print("{:<10} {:>10} {:<7} {:>8.1f} MB {:>8.1f} bytes each", name, count, what, extra / 1e6, each);
  if (tracked.nodes > 0) fmt::print(", {:.1f} per node of the tree of stacks", extra / tracked.nodes);
  fmt::print("\n");
}

}  // namespace

int main() {
  const std::string file = fmt::format("/tmp/leakhunt-tracker-memory-{}", getpid());
  const std::string ours = "rm -f " + file + ".lhr; LEAKHUNT_GRAPH=off LEAKHUNT_RECORDING=" + file +
                           ".lhr LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE;
  const bool beside = timed_run("command -v heaptrack").exit_status == 0;
  for (const uint64_t count : std::array<uint64_t, 3>{100'000, 1'000'000, 10'000'000}) {
    compare("leakhunt", ours, "blocks", count);
    if (beside && count < 10'000'000) compare("heaptrack", "heaptrack -o " + file, "blocks", count);
  }
  for (const uint64_t count : std::array<uint64_t, 3>{10'000, 100'000, 1'000'000}) {
    compare("leakhunt", ours, "stacks", count);
    if (beside && count < 1'000'000) compare("heaptrack", "heaptrack -o " + file, "stacks", count);
  }
  timed_run("rm -f " + file + ".*");
  return 0;
}
