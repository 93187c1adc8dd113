// The ledger's lines add up to what the kernel says, and every sort of memory is on its own line.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <sstream>
#include <string>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::LedgerKind;
using recording::MemoryLedger;

struct Sum {
  uint64_t reserved = 0;
  uint64_t resident = 0;
  uint64_t dirty = 0;
  uint64_t count = 0;
};

Sum sum_of(const MemoryLedger& ledger, LedgerKind kind) {
  Sum sum;
  for (const recording::LedgerEntry& entry : ledger.entries) {
    if (entry.kind != kind) continue;
    sum.reserved += entry.reserved_bytes;
    sum.resident += entry.resident_bytes;
    sum.dirty += entry.dirty_bytes;
    sum.count += entry.count;
  }
  return sum;
}

// Every page is in one of these.
uint64_t explained(const MemoryLedger& ledger) {
  uint64_t sum = 0;
  for (const LedgerKind kind :
       {LedgerKind::kHeapRegion, LedgerKind::kThreadStack, LedgerKind::kIdleStack, LedgerKind::kMainStack,
        LedgerKind::kTagMappings, LedgerKind::kSharedMemory, LedgerKind::kFile, LedgerKind::kModule,
        LedgerKind::kKernel, LedgerKind::kOlder, LedgerKind::kTracker})
    sum += sum_of(ledger, kind).resident;
  return sum;
}

std::map<std::string, uint64_t> words_of(const std::string& out) {
  std::map<std::string, uint64_t> words;
  std::istringstream lines(out);
  std::string name;
  uint64_t bytes = 0;
  while (lines >> name >> bytes) words[name] = bytes;
  return words;
}

constexpr double kKilo = 1024;
constexpr double kPages = 64 * kKilo;  // headers, neighbours, what a first touch brings along

void expect_near(uint64_t measured, uint64_t truth, double slack = kPages) {
  EXPECT_NEAR(static_cast<double>(measured), static_cast<double>(truth), slack);
}

void expect_parts(const Recorded& result, bool libc_heap) {
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  ASSERT_FALSE(result.run.ledgers.empty());
  const MemoryLedger& ledger = result.run.ledgers.back();
  ASSERT_EQ(ledger.error, 0);
  std::map<std::string, uint64_t> truth = words_of(result.finished.out);
  ASSERT_NE(truth["rss"], 0u);

  // RSS: the tracker's own pages move while it writes the ledger; everything else is as the kernel said.
  expect_near(ledger.rss_bytes, truth["rss"], 1024 * kKilo);
  EXPECT_NEAR(static_cast<double>(explained(ledger)), static_cast<double>(ledger.rss_bytes),
              0.01 * static_cast<double>(ledger.rss_bytes));

  EXPECT_TRUE(ledger.heap_examined);
  EXPECT_EQ(ledger.libc_heap, libc_heap);
  uint64_t large = 0;
  uint64_t untagged = 0;
  for (const recording::LedgerEntry& entry : ledger.entries) {
    if (entry.kind != LedgerKind::kTagBlocks) continue;
    (entry.id == 0 ? untagged : large) += entry.resident_bytes;
  }
  expect_near(large, truth["large"]);
  expect_near(untagged, truth["small"], 256 * kKilo);
  EXPECT_GE(sum_of(ledger, LedgerKind::kTagBlocks).reserved, (24u << 20) + truth["small"]);

  EXPECT_EQ(sum_of(ledger, LedgerKind::kTagMappings).resident, truth["mapped"]);
  EXPECT_EQ(sum_of(ledger, LedgerKind::kFile).dirty, truth["written"]);
  const Sum stacks = sum_of(ledger, LedgerKind::kThreadStack);
  EXPECT_EQ(stacks.count, 4u);
  expect_near(stacks.resident, truth["stacks"], 256 * kKilo);
  expect_near(stacks.reserved, 16u << 20);
}

TEST(Ledger, EverySortOfMemoryIsOnItsOwnLine) {
  const Recorded result = recorded(target("ledger_parts"));
  expect_parts(result, true);
  const MemoryLedger& ledger = result.run.ledgers.back();
  const uint64_t freed = words_of(result.finished.out)["freed"];
  expect_near(ledger.free_page_bytes, freed, 256 * kKilo);
  // A block of 1,000 bytes takes a chunk of 1,008.
  expect_near(ledger.rounding_bytes, 8 * 4096, 8 * kKilo);
}

TEST(Ledger, OtherAllocatorsMappingsAreTheHeap) {
  const std::string library = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
  if (run_command("test -e " + library).exit_status != 0) GTEST_SKIP() << "no " << library;
  expect_parts(recorded(target("ledger_parts"), "", library), false);
}

// Their places among the threads other ones have taken.
TEST(Ledger, StacksOfThreadsThatEndedAndNobodyJoinsAreKnown) {
  const Recorded result = recorded(target("ledger_parts ended"));
  expect_parts(result, true);
  const Sum stacks = sum_of(result.run.ledgers.back(), LedgerKind::kIdleStack);
  EXPECT_EQ(stacks.count, 4u);
  expect_near(stacks.reserved, 8u << 20);
  EXPECT_GT(stacks.resident, 0u);
  EXPECT_EQ(sum_of(result.run.ledgers.back(), LedgerKind::kUnknown).resident, 0u);
}

TEST(Ledger, ThousandsOfMappingsDoNotFitAnyBuffer) {
  const Recorded result = recorded(target("ledger_parts 6000"));
  ASSERT_FALSE(result.run.ledgers.empty());
  const MemoryLedger& ledger = result.run.ledgers.back();
  ASSERT_EQ(ledger.error, 0);
  EXPECT_GT(ledger.areas, 6000u);
  EXPECT_EQ(sum_of(ledger, LedgerKind::kTagMappings).resident,
            words_of(result.finished.out)["mapped"] + 3000 * 4096);
}

TEST(Ledger, WithoutProcItSaysSoAndNothingElseChanges) {
  if (geteuid() != 0) GTEST_SKIP() << "chroot is for root";
  const TemporaryFolder folder;
  ASSERT_EQ(run_command("mkdir " + folder.file("empty")).exit_status, 0);
  const Recorded result = recorded(target("hard_times chroot " + folder.file("empty")));
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  ASSERT_FALSE(result.run.ledgers.empty());
  EXPECT_EQ(result.run.ledgers.back().error, ENOENT);
  EXPECT_TRUE(result.run.ledgers.back().entries.empty());
  EXPECT_TRUE(result.run.complete());
}

}  // namespace
}  // namespace leakhunt::end_to_end
