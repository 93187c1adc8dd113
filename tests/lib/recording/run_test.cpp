#include "lib/recording/run.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/lib/recording/run_comparison.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

int64_t value_of(const Counters& c, Measure measure) {
  switch (measure) {
    case Measure::kLiveBytes:
      return static_cast<int64_t>(c.allocated_bytes) - static_cast<int64_t>(c.freed_bytes);
    case Measure::kLiveBlocks:
      return static_cast<int64_t>(c.allocations) - static_cast<int64_t>(c.frees);
    case Measure::kAllocations:
      return static_cast<int64_t>(c.allocations);
    case Measure::kAllocatedBytes:
      return static_cast<int64_t>(c.allocated_bytes);
    case Measure::kFrees:
      return static_cast<int64_t>(c.frees);
    case Measure::kFreedBytes:
      return static_cast<int64_t>(c.freed_bytes);
  }
  return 0;
}

constexpr Measure kMeasures[] = {Measure::kLiveBytes,      Measure::kLiveBlocks, Measure::kAllocations,
                                 Measure::kAllocatedBytes, Measure::kFrees,      Measure::kFreedBytes};

CallSite any_site(std::mt19937_64& random, uint32_t snapshots) {
  CallSite site;
  site.tag = TagId{static_cast<uint32_t>(random() % 3)};
  site.kind = static_cast<SiteKind>(random() % 3);
  uint32_t at = 0;
  while (true) {
    at += static_cast<uint32_t>(random() % 4);
    const uint32_t length = 1 + static_cast<uint32_t>(random() % 5);
    if (at + length > snapshots) return site;
    site.series.push_back(
        {at,
         length,
         {random() % 9, random() % 999, random() % 9, random() % 999, random() % 9, random() % 999}});
    at += length;
  }
}

// Two libraries in one place, one after the other; a third beside them all the time.
TEST(Modules, AnAddressMeansTheOneThatLayThereWhenTheSiteWasRecorded) {
  RecordingBuilder recording;
  recording.process_start({});
  const TagId tag = recording.tag("t");
  recording.module({0, 0x9000, 0xA000, "/lib/stays.so", {}});
  const ModuleId old = recording.module({0, 0x1000, 0x3000, "/lib/old.so", {}});
  const SiteId of_old = recording.site(tag, {0x1500, 0x9500});
  recording.module_closed(old);
  const SiteId of_none = recording.site(tag, {0x1500, 0x9500});
  const ModuleId next = recording.module({0, 0x1000, 0x2000, "/lib/next.so", {}});
  const SiteId of_next = recording.site(tag, {0x1500, 0x2500, 0x9500});
  Symbol symbol{0x1500, "/lib/old.so", 0x500, {{"in_old", "", 0, false}}};
  symbol.later.push_back({0x1500, "/lib/next.so", 0x500, {{"in_next", "", 0, false}}});
  symbol.later.back().module_id = next;
  recording.symbols({{0x1500, symbol}});
  const auto run = recording.run();
  EXPECT_EQ(run.damage.note, "");
  const auto site = [&](SiteId id) -> const CallSite& { return run.sites[static_cast<size_t>(id)]; };
  EXPECT_EQ(module_at(run, site(of_old), 0x1500), old);
  EXPECT_EQ(module_at(run, site(of_none), 0x1500), std::nullopt);
  EXPECT_EQ(module_at(run, site(of_next), 0x1500), next);
  EXPECT_EQ(module_at(run, site(of_next), 0x2500), std::nullopt);
  for (const SiteId id : {of_old, of_none, of_next}) EXPECT_EQ(module_at(run, site(id), 0x9500), ModuleId{0});
  EXPECT_EQ(symbol_of(run, site(of_old), 0x1500)->source_frames[0].function, "in_old");
  EXPECT_EQ(symbol_of(run, site(of_next), 0x1500)->source_frames[0].function, "in_next");
  EXPECT_EQ(symbol_of(run, site(of_next), 0x7777), nullptr);
}

TEST(Expand, IsWhatAddingStepByStepGives) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 200; ++round) {
    const uint32_t snapshots = static_cast<uint32_t>(random() % 40);
    const CallSite site = any_site(random, snapshots);
    for (const Measure measure : kMeasures) {
      const auto values = expand(site.series, snapshots, measure);
      ASSERT_EQ(values.size(), snapshots);
      for (size_t k = 0; k < snapshots; ++k) {
        ASSERT_EQ(values[k], value_of(counters_at(site, k), measure)) << seed << "round " << round;
      }
    }
  }
}

TEST(ExpandSum, AddsTheSitesThatTheFilterAccepts) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  recording::Run run;
  run.snapshots.resize(30);
  for (int i = 0; i < 50; ++i) run.sites.push_back(any_site(random, 30));
  const SiteFilter filters[] = {
      {}, {TagId{1}, {}}, {{}, SiteKind::kBlock}, {TagId{2}, SiteKind::kNested}, {TagId{9}, {}}};
  for (const SiteFilter& of : filters) {
    for (const Measure measure : kMeasures) {
      std::vector<int64_t> expected(30);
      for (const CallSite& site : run.sites) {
        if ((of.tag && *of.tag != site.tag) || (of.kind && *of.kind != site.kind)) continue;
        for (size_t k = 0; k < 30; ++k) expected[k] += value_of(counters_at(site, k), measure);
      }
      EXPECT_EQ(expand_sum(run, of, measure), expected) << seed;
    }
  }
}

TEST(Expand, LeavesStretchesBeyondTheSnapshotsOut) {
  const Series series = {{2, 10, {1, 8, 0, 0, 0, 0}}, {20, 1, {1, 8, 0, 0, 0, 0}}};
  EXPECT_EQ(expand(series, 4, Measure::kLiveBytes), (std::vector<int64_t>{0, 0, 8, 16}));
  EXPECT_TRUE(expand(series, 0, Measure::kLiveBytes).empty());
}

Run with_snapshots(std::initializer_list<SnapshotKind> kinds) {
  Run run;
  for (const SnapshotKind kind : kinds) {
    run.snapshots.emplace_back();
    run.snapshots.back().kind = kind;
  }
  return run;
}

TEST(ClockSnapshots, AreIterationsIfTheProgramMarkedAny) {
  const auto run = with_snapshots({SnapshotKind::kTick, SnapshotKind::kIteration, SnapshotKind::kPeak,
                                   SnapshotKind::kIteration, SnapshotKind::kFinal});
  EXPECT_EQ(clock_snapshots(run), (std::vector<size_t>{1, 3}));
}

TEST(ClockSnapshots, AreTicksAndTheEndOtherwise) {
  const auto run =
      with_snapshots({SnapshotKind::kTick, SnapshotKind::kPeak, SnapshotKind::kTick, SnapshotKind::kFinal});
  EXPECT_EQ(clock_snapshots(run), (std::vector<size_t>{0, 2, 3}));
  EXPECT_TRUE(clock_snapshots({}).empty());
}

}  // namespace
}  // namespace leakhunt::recording
