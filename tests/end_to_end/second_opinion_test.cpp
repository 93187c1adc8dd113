// The same program under Valgrind massif and heaptrack: the same heap.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::Run;

struct HeapTotals {
  uint64_t allocations = 0;
  uint64_t bytes = 0;
  uint64_t peak = 0;
};

HeapTotals ours(const std::string& settings = "") {
  const Recorded result = recorded(target("known_heap"), settings);
  EXPECT_EQ(result.finished.exit_status, 0);
  HeapTotals totals;
  for (const recording::CallSite& site : result.run.sites) {
    if (site.kind != recording::SiteKind::kBlock) continue;
    totals.allocations += site.total.allocations;
    totals.bytes += site.total.allocated_bytes;
  }
  for (const recording::Snapshot& snapshot : result.run.snapshots) {
    totals.peak = std::max(totals.peak, snapshot.heap_peak_bytes);
    EXPECT_EQ(snapshot.peak_error_bytes, 0u) << "one thread: the peak is exact";
  }
  return totals;
}

bool installed(const std::string& program) {
  return run_command("command -v " + program).exit_status == 0;
}

uint64_t number_behind(const std::string& text, const std::string& words) {
  const size_t at = text.find(words);
  return at == std::string::npos ? 0 : strtoull(text.c_str() + at + words.size(), nullptr, 10);
}

TEST(SecondOpinion, ValgrindCountsTheSameAllocationsAndBytes) {
  ASSERT_TRUE(installed("valgrind")) << "scripts/test installs it";
  const HeapTotals counted = ours();
  const Finished memcheck = run_command("valgrind " + target("known_heap"));
  // "total heap usage: 1,234 allocs, 1,234 frees, 5,678 bytes allocated"
  std::string plain = memcheck.err;
  plain.erase(std::remove(plain.begin(), plain.end(), ','), plain.end());
  const uint64_t allocations = number_behind(plain, "total heap usage: ");
  const uint64_t bytes = number_behind(plain, "frees ");
  EXPECT_EQ(counted.allocations, allocations) << memcheck.err;
  EXPECT_EQ(counted.bytes, bytes) << memcheck.err;
}

TEST(SecondOpinion, TheCountsAreTheSameHoweverStacksAreFound) {
  const HeapTotals full = ours();
  for (const std::string unwinder : {"fp", "none"}) {
    const HeapTotals other = ours("export LEAKHUNT_UNWINDER=" + unwinder + "; ");
    EXPECT_EQ(other.allocations, full.allocations) << unwinder;
    EXPECT_EQ(other.bytes, full.bytes) << unwinder;
    EXPECT_EQ(other.peak, full.peak) << unwinder;
  }
}

TEST(SecondOpinion, WithoutStacksThereIsOneSiteForEachTag) {
  const Recorded result = recorded(target("known_heap"), "export LEAKHUNT_UNWINDER=none; ");
  std::set<std::pair<recording::TagId, recording::SiteKind>> seen;
  for (const recording::CallSite& site : result.run.sites) {
    EXPECT_TRUE(seen.insert({site.tag, site.kind}).second);
  }
}

TEST(SecondOpinion, MassifFindsTheSamePeak) {
  ASSERT_TRUE(installed("valgrind")) << "scripts/test installs it";
  const TemporaryFolder folder;
  const Finished massif =
      run_command("valgrind --tool=massif --peak-inaccuracy=0.0 --heap-admin=0 --massif-out-file=" +
                  folder.file("massif.out") + " " + target("known_heap"));
  ASSERT_EQ(massif.exit_status, 0) << massif.err;
  const std::string file = read_file(folder.file("massif.out"));
  uint64_t peak = 0;
  for (size_t at = file.find("mem_heap_B="); at != std::string::npos; at = file.find("mem_heap_B=", at + 1)) {
    peak = std::max(peak, static_cast<uint64_t>(strtoull(file.c_str() + at + 11, nullptr, 10)));
  }
  EXPECT_EQ(ours().peak, peak);
}

TEST(SecondOpinion, HeaptrackCountsTheSameCallsAndPeak) {
  ASSERT_TRUE(installed("heaptrack")) << "scripts/test installs it";
  const TemporaryFolder folder;
  const Finished heaptrack =
      run_command("heaptrack -o " + folder.file("trace") + " " + target("known_heap") +
                  " && heaptrack_print " + folder.file("trace.*") + " -F " + folder.file("folded"));
  ASSERT_EQ(heaptrack.exit_status, 0) << heaptrack.err;
  const HeapTotals counted = ours();
  // heaptrack counts a reallocation as an allocation, as we do.
  EXPECT_EQ(number_behind(heaptrack.out, "calls to allocation functions: "), counted.allocations)
      << heaptrack.out;
  const size_t at = heaptrack.out.find("peak heap memory consumption: ");
  ASSERT_NE(at, std::string::npos) << heaptrack.out;
  const double printed = strtod(heaptrack.out.c_str() + at + 30, nullptr);  // "1.23M", rounded
  const double scale = heaptrack.out.find('M', at) < heaptrack.out.find('\n', at) ? 1e6 : 1e3;
  EXPECT_NEAR(printed * scale, static_cast<double>(counted.peak), 0.01 * static_cast<double>(counted.peak));
}

}  // namespace
}  // namespace leakhunt::end_to_end
