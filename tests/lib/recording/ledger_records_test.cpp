// The ledger's records: what the target encodes is what the reader makes of it, or nothing.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lib/recording/codec.h"
#include "lib/recording/host_codec.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

uint64_t any_number(std::mt19937_64& random) {
  const uint64_t bits = random() % 65;
  return bits == 0 ? 0 : random() >> (64 - bits);
}

MemoryLedger any_ledger(std::mt19937_64& random, SiteId site) {
  MemoryLedger ledger;
  ledger.iteration = any_number(random);
  ledger.time_ns = any_number(random);
  ledger.cost_ns = any_number(random);
  ledger.heap_examined = random() % 2 == 0;
  ledger.libc_heap = random() % 2 == 0;
  ledger.older_heap = random() % 2 == 0;
  ledger.rss_bytes = any_number(random);
  ledger.counter_rss_bytes = any_number(random);
  ledger.areas = any_number(random);
  ledger.rounding_bytes = any_number(random);
  ledger.free_page_bytes = any_number(random);
  for (uint64_t i = random() % 50; i > 0; --i) {
    LedgerEntry entry;
    entry.kind = static_cast<LedgerKind>(random() % 13);
    entry.id = static_cast<uint32_t>(any_number(random));
    entry.count = any_number(random);
    entry.reserved_bytes = any_number(random);
    entry.resident_bytes = any_number(random);
    entry.dirty_bytes = any_number(random);
    entry.name.assign(random() % 30, static_cast<char>(random()));
    ledger.entries.push_back(entry);
  }
  for (uint64_t i = random() % 50; i > 0; --i)
    ledger.sites.push_back({site, any_number(random), any_number(random), any_number(random)});
  return ledger;
}

void expect_same(const MemoryLedger& read, const MemoryLedger& written) {
  EXPECT_EQ(read.iteration, written.iteration);
  EXPECT_EQ(read.time_ns, written.time_ns);
  EXPECT_EQ(read.cost_ns, written.cost_ns);
  EXPECT_EQ(read.error, written.error);
  EXPECT_EQ(read.heap_examined, written.heap_examined);
  EXPECT_EQ(read.libc_heap, written.libc_heap);
  EXPECT_EQ(read.older_heap, written.older_heap);
  EXPECT_EQ(read.rss_bytes, written.rss_bytes);
  EXPECT_EQ(read.counter_rss_bytes, written.counter_rss_bytes);
  EXPECT_EQ(read.areas, written.areas);
  EXPECT_EQ(read.rounding_bytes, written.rounding_bytes);
  EXPECT_EQ(read.free_page_bytes, written.free_page_bytes);
  ASSERT_EQ(read.entries.size(), written.entries.size());
  for (size_t i = 0; i < read.entries.size(); ++i) {
    EXPECT_EQ(read.entries[i].kind, written.entries[i].kind);
    EXPECT_EQ(read.entries[i].id, written.entries[i].id);
    EXPECT_EQ(read.entries[i].count, written.entries[i].count);
    EXPECT_EQ(read.entries[i].reserved_bytes, written.entries[i].reserved_bytes);
    EXPECT_EQ(read.entries[i].resident_bytes, written.entries[i].resident_bytes);
    EXPECT_EQ(read.entries[i].dirty_bytes, written.entries[i].dirty_bytes);
    EXPECT_EQ(read.entries[i].name, written.entries[i].name);
  }
  ASSERT_EQ(read.sites.size(), written.sites.size());
  for (size_t i = 0; i < read.sites.size(); ++i) {
    EXPECT_EQ(read.sites[i].site, written.sites[i].site);
    EXPECT_EQ(read.sites[i].count, written.sites[i].count);
    EXPECT_EQ(read.sites[i].reserved_bytes, written.sites[i].reserved_bytes);
    EXPECT_EQ(read.sites[i].resident_bytes, written.sites[i].resident_bytes);
  }
}

TEST(LedgerRecords, ComeBackAsTheyWereHoweverTheyAreCut) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(seed);
    RecordingBuilder recording;
    recording.process_start();
    const SiteId site = recording.site(recording.tag("cache"), {0x401000});
    recording.iteration(0);
    const MemoryLedger written = any_ledger(random, site);
    recording.ledger(written, 1 + random() % 60).end();
    const auto run = recording.run();
    ASSERT_EQ(run.ledgers.size(), 1u);
    EXPECT_EQ(run.damage.damaged_records, 0u);
    expect_same(run.ledgers[0], written);
    EXPECT_EQ(run.ledgers[0].snapshot, 0u);
  }
}

TEST(LedgerRecords, ALedgerOfWhichLinesAreMissingIsNone) {
  MemoryLedger ledger;
  ledger.entries.resize(2);
  RecordingBuilder recording;
  recording.process_start().iteration(0).ledger(ledger);
  ASSERT_EQ(recording.run().ledgers.size(), 1u);
  std::vector<uint8_t> bytes = recording.bytes();
  for (size_t at = 16; at + 16 <= bytes.size();) {
    uint32_t length = 0;
    uint32_t type = 0;
    std::copy_n(&bytes[at + 4], 4, reinterpret_cast<uint8_t*>(&length));
    std::copy_n(&bytes[at + 12], 4, reinterpret_cast<uint8_t*>(&type));
    if (type == static_cast<uint32_t>(RecordType::kLedgerLines)) bytes[at + 17] ^= 1;
    at += frame_size(length);
  }
  const auto damaged = read_bytes(bytes);
  EXPECT_EQ(damaged.ledgers.size(), 0u);
  EXPECT_EQ(damaged.damage.damaged_records, 1u);
}

TEST(LedgerRecords, AKindOrSiteThatCannotBeIsDamage) {
  for (const LedgerEntry& entry : {LedgerEntry{static_cast<LedgerKind>(13), 0, 0, 0, 0, 0, ""},
                                   LedgerEntry{LedgerKind::kTagBlocks, uint64_t{1} << 40, 0, 0, 0, 0, ""}}) {
    MemoryLedger ledger;
    ledger.entries.push_back(entry);
    RecordingBuilder recording;
    recording.process_start().iteration(0).ledger(ledger);
    const auto run = recording.run();
    EXPECT_EQ(run.ledgers.size(), 0u);
    EXPECT_EQ(run.damage.damaged_records, 1u);
  }
  MemoryLedger ledger;
  ledger.sites.push_back({SiteId{7}, 1, 1, 1});
  RecordingBuilder recording;
  recording.process_start().iteration(0).ledger(ledger);
  EXPECT_EQ(recording.run().ledgers.size(), 0u);
}

TEST(LedgerRecords, AnExecBeginsAnew) {
  RecordingBuilder recording;
  recording.process_start().iteration(0).ledger({});
  recording.end().process_start().iteration(0).end();
  EXPECT_EQ(recording.run().ledgers.size(), 0u);
}

}  // namespace
}  // namespace leakhunt::recording
