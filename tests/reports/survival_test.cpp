// Who dies, by birth: a leak, a cache and a pool that all grow are told apart.
#include "reports/analysis/survival.h"

#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::Cohorts;
using recording::SiteId;

// One block more live with every iteration, whoever it is.
SyntheticSite one_more(const std::string& function) {
  return {"heap", function, [](size_t i) { return static_cast<int64_t>(i + 1) * 16; }, {}, 16};
}

// Besides what it gains, the site frees `blocks` old ones in every iteration and makes as many new ones.
void add_churn(recording::Run& run, size_t site, uint64_t blocks) {
  for (recording::Stretch& stretch : run.sites[site].series) {
    stretch.each.allocations += blocks;
    stretch.each.allocated_bytes += blocks * 16;
    stretch.each.frees += blocks;
    stretch.each.freed_bytes += blocks * 16;
  }
}

void add_rows(Cohorts& table, uint32_t site, uint64_t first, uint64_t end, uint64_t blocks) {
  for (uint64_t birth = first; birth < end; ++birth)
    table.rows.push_back({SiteId{site}, birth, blocks, blocks * 16});
}

// Sites: 0 a leak, 1 a cache. Both have 1,000 blocks at the end of the last iteration.
recording::Run leak_and_cache() {
  recording::Run run = make_run({one_more("leak"), one_more("cache")});
  add_churn(run, 1, 9);
  Cohorts table{1000, {}};
  add_rows(table, 0, 0, 1000, 1);
  add_rows(table, 1, 900, 1000, 10);
  run.cohorts.push_back(table);
  return run;
}

const Finding* finding_of(const Report& report, SiteId site) {
  for (const Finding& finding : report.findings) {
    if (finding.sites.front() == site) return &finding;
  }
  return nullptr;
}

TEST(Survival, ALeakKeepsOfEveryGenerationAndACacheOfTheYoungOnly) {
  const recording::Run run = leak_and_cache();
  const Report report = analyse(run);
  const Finding* leak = finding_of(report, SiteId{0});
  const Finding* cache = finding_of(report, SiteId{1});
  ASSERT_TRUE(leak != nullptr && cache != nullptr);
  EXPECT_EQ(leak->kind, FindingKind::kLeak);
  EXPECT_EQ(leak->keeping, Keeping::kKept);
  EXPECT_EQ(leak->survival->born_judged, 900u) << "since the first judged iteration, 100";
  for (const Generation& generation : leak->survival->generations)
    EXPECT_EQ(generation.alive, generation.born);
  EXPECT_EQ(cache->kind, FindingKind::kGrowth);
  EXPECT_EQ(cache->keeping, Keeping::kTurnover);
  EXPECT_EQ(cache->survival->generations[0].alive, 0u);
  const Generation& oldest = cache->survival->generations[0];
  EXPECT_EQ(oldest.born, 10 * (oldest.last - oldest.first + 1));
}

TEST(Survival, GenerationsTileTheTimeSinceTheGrowthBegan) {
  const Report report = analyse(leak_and_cache());
  const auto& generations = report.findings.at(0).survival->generations;
  EXPECT_EQ(generations.front().first, 100u);
  EXPECT_EQ(generations.back().last, 999u);
  for (size_t i = 1; i < kGenerations; ++i) EXPECT_EQ(generations[i].first, generations[i - 1].last + 1);
}

TEST(Survival, LooksAtTheLoopAndNotAtTheEndWhereEverythingWasFreed) {
  recording::Run run = leak_and_cache();
  Cohorts in_loop{800, {}};
  add_rows(in_loop, 0, 0, 800, 1);
  run.cohorts.front() = in_loop;
  run.cohorts.push_back({1000, {}});  // the leak was given back before the end
  const Report report = analyse(run);
  const Finding* leak = finding_of(report, SiteId{0});
  ASSERT_TRUE(leak != nullptr && leak->survival);
  EXPECT_EQ(leak->survival->live_blocks, 800u);
  EXPECT_EQ(leak->survival->generations.back().last, 799u);
}

TEST(Survival, CountsBirthsFromTheStartOfTheClockWhateverTheIterationsAreCalled) {
  recording::Run run = leak_and_cache();  // resumed: the program calls its first iteration 5,000
  for (recording::Snapshot& snapshot : run.snapshots) snapshot.iteration += 5000;
  const Report report = analyse(run);
  const Finding* leak = finding_of(report, SiteId{0});
  ASSERT_TRUE(leak != nullptr && leak->survival);
  EXPECT_EQ(leak->survival->born_judged, 900u);
  EXPECT_EQ(leak->survival->generations.front().first, 5100u);
}

TEST(Survival, OfAPoolFewerAndFewerAreBorn) {
  Growth growth;
  growth.blocks_per_step = 0.1;
  Survival pool;
  pool.born_judged = 100;
  pool.born_in_first_half = 80;
  pool.steps_of_first_half = 500;
  for (size_t i = 0; i < kGenerations; ++i) pool.generations[i] = {0, 0, i < 4 ? 20u : 5u, i < 4 ? 20u : 5u};
  EXPECT_EQ(pool.keeping(growth), Keeping::kDwindling);
}

TEST(Survival, ALeakOfFewAmongManyShortLivedBlocksIsNoTurnover) {
  Growth growth;  // one block in ten iterations is lost
  growth.blocks_per_step = 0.1;
  Survival survival;
  survival.born_judged = 1100;  // 100 lost ones, and 1,000 that are in use
  survival.born_in_first_half = 50;
  survival.steps_of_first_half = 500;
  EXPECT_FALSE(survival.is_turnover(growth));
  survival.born_in_first_half = 2;
  EXPECT_TRUE(survival.is_turnover(growth));
}

}  // namespace
}  // namespace leakhunt::reports
