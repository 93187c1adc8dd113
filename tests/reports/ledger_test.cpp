// From a recorded ledger to lines that add up, and from two of them to what a defect costs.
#include "reports/analysis/ledger.h"

#include <gtest/gtest.h>

#include <sstream>

#include "reports/comparison.h"
#include "reports/ledger_comparison.h"
#include "tests/reports/synthetic_run.h"
#include "tests/reports/written.h"

namespace leakhunt::reports {
namespace {

using recording::LedgerKind;
using recording::MemoryLedger;

constexpr uint64_t kMega = 1'000'000;

// 100 MB, of which 300 kB are nobody's.
MemoryLedger recorded_ledger(size_t snapshot) {
  MemoryLedger ledger;
  ledger.snapshot = snapshot;
  ledger.iteration = snapshot;
  ledger.heap_examined = true;
  ledger.libc_heap = true;
  ledger.rss_bytes = 100 * kMega;
  ledger.counter_rss_bytes = 99 * kMega;
  ledger.rounding_bytes = kMega;
  ledger.free_page_bytes = 6 * kMega;
  ledger.entries = {
      {LedgerKind::kTagBlocks, 2, 10, 80 * kMega, 40 * kMega, 0, ""},
      {LedgerKind::kTagBlocks, 0, 1000, 5 * kMega, 5 * kMega, 0, ""},
      {LedgerKind::kHeapRegion, 0, 1, 20 * kMega, 14 * kMega, 0, ""},
      {LedgerKind::kHeapRegion, 2, 10, 81 * kMega, 41 * kMega, 0, ""},
      {LedgerKind::kThreadStack, 1, 1, 8 * kMega, 100'000, 0, ""},
      {LedgerKind::kThreadStack, 2, 1, 8 * kMega, 200'000, 0, ""},
      {LedgerKind::kMainStack, 0, 1, 132'000, 100'000, 0, ""},
      {LedgerKind::kTagMappings, 1, 2, 30 * kMega, 20 * kMega, 0, ""},
      {LedgerKind::kFile, 0, 1, 10 * kMega, 9 * kMega, 2 * kMega, "/data/index"},
      {LedgerKind::kModule, 0, 5, 9 * kMega, 8 * kMega, kMega, "/usr/lib/libc.so.6"},
      {LedgerKind::kModule, 0, 5, kMega, kMega, 0, "/usr/lib/libc.so.6"},
      {LedgerKind::kTracker, 0, 3, 9 * kMega, 6'300'000, 0, "tables"},
      {LedgerKind::kUnknown, 0, 1, 400'000, 300'000, 0, "7f00-7f10"},
  };
  ledger.sites = {{recording::SiteId{0}, 10, 80 * kMega, 40 * kMega}};
  return ledger;
}

recording::Run run_with(std::vector<MemoryLedger> ledgers) {
  recording::Run run = make_run({{"cache", "Cache::put", [](size_t) { return int64_t{80'000'000}; }}});
  run.threads[1].name = "worker";
  run.ledgers = std::move(ledgers);
  return run;
}

void expect_sum(const Ledger& ledger) {
  int64_t sum = 0;
  for (const LedgerLine& line : ledger.lines) sum += line.resident_bytes;
  EXPECT_EQ(sum, ledger.rss_bytes);
  EXPECT_EQ(ledger.lines.back().part, LedgerPart::kUnexplained);
}

TEST(Ledger, ItsLinesAddUpToRss) {
  const recording::Run run = run_with({recorded_ledger(999)});
  const Ledger ledger = analyse(run).ledger;
  EXPECT_TRUE(ledger.measured);
  expect_sum(ledger);
  EXPECT_EQ(ledger.rss_bytes, 100'000'000);
  EXPECT_EQ(ledger.resident(LedgerPart::kTaggedBlocks), 40'000'000);
  EXPECT_EQ(ledger.line(LedgerPart::kTaggedBlocks)->reserved_bytes, 80'000'000);
  EXPECT_EQ(ledger.line(LedgerPart::kTaggedBlocks)->items.front().name, "cache");
  EXPECT_EQ(ledger.line(LedgerPart::kTaggedBlocks)->sites.size(), 1u);
  EXPECT_EQ(ledger.resident(LedgerPart::kUntaggedBlocks), 5'000'000);
  EXPECT_EQ(ledger.resident(LedgerPart::kRounding), 1'000'000);
  EXPECT_EQ(ledger.resident(LedgerPart::kFreePages), 6'000'000);
  EXPECT_EQ(ledger.resident(LedgerPart::kHoles), 55'000'000 - 45'000'000 - 7'000'000);
  EXPECT_EQ(ledger.resident(LedgerPart::kThreadStacks), 300'000);
  EXPECT_EQ(ledger.line(LedgerPart::kThreadStacks)->items[1].name, "worker");
  EXPECT_EQ(ledger.resident(LedgerPart::kFilesDirty), 2'000'000);
  EXPECT_EQ(ledger.resident(LedgerPart::kFilesClean), 7'000'000);
  EXPECT_EQ(ledger.resident(LedgerPart::kModuleCode), 8'000'000);
  EXPECT_EQ(ledger.line(LedgerPart::kModuleCode)->items.size(), 1u);  // twice the same module
  EXPECT_EQ(ledger.resident(LedgerPart::kModuleData), 1'000'000);
  EXPECT_EQ(ledger.unexplained_bytes, 300'000);
}

TEST(Ledger, SaysWhatAllOfARunCost) {
  MemoryLedger first = recorded_ledger(10);
  first.cost_ns = 2'000'000;
  MemoryLedger refused = recorded_ledger(20);
  refused.error = 13;
  refused.cost_ns = 999'000'000;
  MemoryLedger last = recorded_ledger(999);
  last.cost_ns = 3'000'000;
  const recording::Run run = run_with({first, refused, last});
  const LedgerCost cost = cost_of_ledgers(run);
  EXPECT_EQ(cost.taken, 2u);
  EXPECT_EQ(cost.cost_ns, 5'000'000u);
  EXPECT_DOUBLE_EQ(cost.share_of_run, 5e6 / static_cast<double>(run.snapshots.back().time_ns));
  EXPECT_EQ(cost_of_ledgers(recording::Run{}).share_of_run, 0);
}

TEST(Ledger, AddsUpWhateverTheTargetWrote) {
  for (const bool examined : {false, true}) {
    for (const bool libc : {false, true}) {
      for (const uint64_t free : {uint64_t{0}, 3 * kMega, 500 * kMega}) {
        MemoryLedger recorded = recorded_ledger(999);
        recorded.heap_examined = examined;
        recorded.libc_heap = libc;
        recorded.free_page_bytes = free;
        recorded.rounding_bytes = free;
        recorded.entries[0].resident_bytes = 30 * kMega + free;  // more than all of the heap
        expect_sum(analyse(run_with({recorded})).ledger);
      }
    }
  }
}

TEST(Ledger, IsOfTheLastIterationAndNotOfWhatIsTornDown) {
  MemoryLedger early = recorded_ledger(10);
  MemoryLedger peak = recorded_ledger(500);
  peak.rss_bytes += kMega;
  MemoryLedger late = recorded_ledger(990);
  MemoryLedger final = recorded_ledger(1000);  // the snapshot behind the last iteration
  final.rss_bytes = 50 * kMega;
  const recording::Run run = run_with({early, peak, late, final});
  const Report report = analyse(run);
  EXPECT_EQ(report.ledger.snapshot, 990u);
  EXPECT_EQ(report.peak_ledger.snapshot, 500u);
  EXPECT_EQ(ledger_at(run, report.growth, 11).snapshot, 10u);
  EXPECT_EQ(ledger_at(run, report.growth, 0).snapshot, 10u);  // none before it: the first
}

TEST(Ledger, WithoutOneItSaysWhyAndFallsBackToTheCounters) {
  MemoryLedger failed;
  failed.error = 2;
  const recording::Run run = run_with({failed});
  const Report report = analyse(run);
  EXPECT_FALSE(report.ledger.measured);
  EXPECT_EQ(report.ledger.heap_bytes, 80'000'000);
  expect_sum(report.ledger);
  EXPECT_NE(written("text", report).find("/proc could not be read (No such file"), std::string::npos);
  EXPECT_NE(written("ledger", report).find("no ledger was measured: /proc could not be read"),
            std::string::npos);
}

TEST(Ledger, TheTableHasEveryLineAndTheSum) {
  const recording::Run run = run_with({recorded_ledger(999)});
  for (const char* format : {"text", "ledger"}) {
    const std::string text = written(format, analyse(run));
    for (const char* line :
         {"live blocks with a tag", "live blocks without a tag", "headers and rounding of live blocks",
          "holes between live blocks", "heap pages without a live block", "thread stacks", "main stack",
          "mapped anonymous memory", "files, clean", "files, written to", "modules, as in their files",
          "modules, written to", "the tracker", "unexplained", "= resident (RSS)", "thread 1 worker",
          "cache"})
      EXPECT_NE(text.find(line), std::string::npos) << format << ": " << line;
  }
}

TEST(LedgerComparison, NamesWhatADefectReservesAndWhatOfItIsResident) {
  MemoryLedger defect = recorded_ledger(999);
  defect.rss_bytes += 60 * kMega;
  defect.entries[4].reserved_bytes += 500 * kMega;  // stacks that are reserved
  defect.entries[7].reserved_bytes += 100 * kMega;  // mappings that are touched
  defect.entries[7].resident_bytes += 60 * kMega;
  defect.entries[11].resident_bytes += 50 * kMega;  // the tracker's own: nobody's claim
  const recording::Run healthy_run_ = run_with({recorded_ledger(999)});
  const recording::Run defect_run = run_with({defect});
  const Ledger base = analyse(healthy_run_).peak_ledger;
  const Ledger other = analyse(defect_run).peak_ledger;
  const std::vector<LedgerChange> changes = compare_ledgers(base, other);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].part, LedgerPart::kThreadStacks);
  EXPECT_EQ(changes[0].reserved_difference(), 500'000'000);
  EXPECT_EQ(changes[0].resident_difference(), 0);
  EXPECT_EQ(changes[1].tag, "mapping");
  EXPECT_EQ(changes[1].resident_difference(), 60'000'000);
  EXPECT_TRUE(compare_ledgers(base, base).empty());
  EXPECT_TRUE(compare_ledgers(Ledger(), other).empty());

  Comparison comparison;
  comparison.name = "threads";
  comparison.axis = "defect";
  comparison.planned = 2;
  comparison.runs.push_back(compared_run(analyse(healthy_run_), {std::string(), "none", "none"}));
  comparison.runs.push_back(
      compared_run(analyse(defect_run), {std::string("big-stacks"), "big-stacks", "big-stacks"}));
  std::ostringstream out;
  write_comparison_text(comparison, out);
  EXPECT_NE(out.str().find("What each defect reserves and occupies"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("big-stacks  thread stacks"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("60.0 MB\n"), std::string::npos) << out.str();
  comparison.axis = "size";
  EXPECT_EQ(healthy_run(comparison), nullptr);
}

}  // namespace
}  // namespace leakhunt::reports
