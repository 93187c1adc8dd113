// Counters are right: what the tracker counted equals what the program knows it did.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::expand_sum;
using recording::Measure;
using recording::Run;
using recording::SiteFilter;
using recording::TagId;

std::map<std::string, TagId> tag_ids(const Run& run) {
  std::map<std::string, TagId> ids;
  for (uint32_t i = 0; i < run.tags.size(); ++i) ids[run.tags[i].name] = TagId{i};
  return ids;
}

// [tag][iteration], from the recording.
using History = std::map<std::pair<std::string, size_t>, TagTotals>;

History measured(const Run& run) {
  const std::vector<size_t> clock = recording::clock_snapshots(run);
  History history;
  for (const auto& [name, id] : tag_ids(run)) {
    const SiteFilter filter{id, std::nullopt};
    const auto allocations = expand_sum(run, filter, Measure::kAllocations);
    const auto allocated = expand_sum(run, filter, Measure::kAllocatedBytes);
    const auto frees = expand_sum(run, filter, Measure::kFrees);
    const auto freed = expand_sum(run, filter, Measure::kFreedBytes);
    for (const size_t at : clock) {
      history[{name, run.snapshots[at].iteration}] = {
          static_cast<uint64_t>(allocations[at]), static_cast<uint64_t>(allocated[at]),
          static_cast<uint64_t>(frees[at]), static_cast<uint64_t>(freed[at])};
    }
  }
  return history;
}

TEST(Counters, EqualAModelByteForByteAtEveryIterationOfRandomMixesFromEightThreads) {
  std::random_device entropy;
  for (const unsigned seed : {1u, 2u, entropy()}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Recorded result = recorded(target("random_mix") + " " + std::to_string(seed) + " 6 8000");
    ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
    ASSERT_TRUE(result.run.complete());
    const History history = measured(result.run);
    std::istringstream lines(result.finished.out);
    size_t compared = 0;
    size_t iteration = 0;
    std::string tag;
    TagTotals model;
    while (lines >> iteration >> tag >> model.allocations >> model.allocated_bytes >> model.frees >>
           model.freed_bytes) {
      const auto found = history.find({tag, iteration});
      ASSERT_NE(found, history.end()) << tag << " at iteration " << iteration;
      EXPECT_EQ(found->second.allocations, model.allocations) << tag << " at iteration " << iteration;
      EXPECT_EQ(found->second.allocated_bytes, model.allocated_bytes) << tag << " at iteration " << iteration;
      EXPECT_EQ(found->second.frees, model.frees) << tag << " at iteration " << iteration;
      EXPECT_EQ(found->second.freed_bytes, model.freed_bytes) << tag << " at iteration " << iteration;
      ++compared;
    }
    EXPECT_EQ(compared, 6u * 8u);
  }
}

TEST(Counters, ShowALeakOfOneBlockAnIterationExactly) {
  const Recorded result = recorded(target("steady_leak") + " 500");
  const recording::Run& run = result.run;
  const auto live = expand_sum(run, {recording::kHeapTag, recording::SiteKind::kBlock}, Measure::kLiveBytes);
  const auto clock = recording::clock_snapshots(run);
  ASSERT_EQ(clock.size(), 500u);
  for (size_t i = 1; i < clock.size(); ++i) EXPECT_EQ(live[clock[i]] - live[clock[i - 1]], 48);
}

TEST(Counters, AreExactWhereMoreThan4GibPassInSomeIterations) {
  const Recorded result = recorded(target("steady_leak") + " 60 huge");
  const auto allocated =
      expand_sum(result.run, {recording::kHeapTag, recording::SiteKind::kBlock}, Measure::kAllocatedBytes);
  const auto clock = recording::clock_snapshots(result.run);
  ASSERT_EQ(clock.size(), 60u);
  constexpr int64_t kHuge = int64_t{512} << 20;
  for (size_t i = 1; i < clock.size(); ++i) {
    const int64_t passed = allocated[clock[i]] - allocated[clock[i - 1]];
    const int64_t blocks = static_cast<int64_t>(7 * i % 13 + 3 * i % 11);
    EXPECT_EQ(passed / kHuge, blocks) << "iteration " << i;
    EXPECT_LT(passed % kHuge, 64 << 10) << "iteration " << i;
  }
}

TEST(Counters, KnowInWhichIterationEverySurvivorWasBorn) {
  const Recorded result = recorded(target("steady_leak") + " 300");
  ASSERT_FALSE(result.run.cohorts.empty());
  std::map<uint64_t, uint64_t> blocks_of_48;
  for (const recording::Cohort& row : result.run.cohorts.back().rows) {
    if (row.bytes == 48 * row.blocks) blocks_of_48[row.birth] += row.blocks;
  }
  for (uint64_t birth = 0; birth < 300; ++birth) EXPECT_EQ(blocks_of_48[birth], 1u) << "born in " << birth;
}

}  // namespace
}  // namespace leakhunt::end_to_end
