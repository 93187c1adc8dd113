// Of growth whose start is known: is it found?
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

enum class Pace { kClockwork, kUneven, kRandom, kOfAllSizes };

struct Leak {
  size_t iterations = 2000;
  size_t every = 10;
  Pace pace = Pace::kClockwork;
  size_t start = 0;

  std::string name() const {
    return "a block in " + std::to_string(every) + " of " + std::to_string(iterations) + " iterations from " +
           std::to_string(start) + ", pace " + std::to_string(static_cast<int>(pace));
  }
};

struct Blocks {
  std::vector<int64_t> bytes;
  std::vector<int64_t> blocks;
  uint64_t first = 0;

  SyntheticSite site() const {
    return {"heap", "leak", [this](size_t i) { return bytes[i]; }, [this](size_t i) { return blocks[i]; }};
  }
};

Blocks blocks_of(const Leak& leak) {
  std::mt19937 random(static_cast<unsigned>(leak.iterations + 31 * leak.every + 7 * leak.start));
  Blocks made;
  size_t next = leak.start;
  for (size_t i = 0; i < leak.iterations; ++i) {
    const bool comes = leak.pace == Pace::kRandom ? i >= leak.start && random() % leak.every == 0 : i == next;
    int64_t bytes = made.bytes.empty() ? 0 : made.bytes.back();
    int64_t blocks = made.blocks.empty() ? 0 : made.blocks.back();
    if (comes) {
      if (blocks == 0) made.first = i;
      next = i + leak.every;
      if (leak.pace == Pace::kUneven) next += random() % (leak.every / 2 + 1);
      bytes += leak.pace == Pace::kOfAllSizes ? 16 + static_cast<int64_t>(random() % 200) : 64;
      ++blocks;
    }
    made.bytes.push_back(bytes);
    made.blocks.push_back(blocks);
  }
  return made;
}

// Nothing if it is not found.
std::optional<uint64_t> found_start(const Blocks& leak, bool with_noise, uint64_t warm_up) {
  const SyntheticSite cache = {"heap", "cache", [with_noise](size_t i) {
                                 return 5000 + (with_noise ? 30 * static_cast<int64_t>(i * i % 97) : 0);
                               }};
  SyntheticOptions options;
  options.iterations = leak.bytes.size();
  options.warm_up = warm_up;
  const recording::Run run = make_run({cache, leak.site()}, options);
  for (const Finding& finding : analyse(run).findings) {
    if (!finding.sites.empty() && static_cast<size_t>(finding.sites.front()) == 1)
      return finding.growth.since;
  }
  return std::nullopt;
}

TEST(GrowthStart, IsTheFirstBlocksIteration) {
  size_t found = 0;
  for (const size_t iterations : {500u, 2000u}) {
    for (const size_t every : {1u, 2u, 7u, 33u, 100u}) {
      for (const Pace pace : {Pace::kClockwork, Pace::kUneven, Pace::kOfAllSizes}) {
        for (const size_t start : {size_t{0}, iterations / 50, iterations / 7, iterations / 2}) {
          const Leak leak{iterations, every, pace, start};
          const Blocks blocks = blocks_of(leak);
          const auto since = found_start(blocks, start % 2 == 0, iterations / 10);
          if (!since) continue;
          EXPECT_EQ(*since, blocks.first) << leak.name();
          ++found;
        }
      }
    }
  }
  EXPECT_GE(found, 90u);
}

TEST(GrowthStart, OfRandomLossesIsTheFirstOneAlmostAlways) {
  size_t found = 0;
  size_t right = 0;
  for (const size_t every : {1u, 2u, 3u, 5u, 10u}) {
    for (size_t start = 0; start < 1500; start += 113) {
      const Blocks blocks = blocks_of({4000, every, Pace::kRandom, start});
      const auto since = found_start(blocks, false, 400);
      if (!since) continue;
      ++found;
      right += *since == blocks.first ? 1 : 0;
    }
  }
  EXPECT_GE(found, 60u);
  EXPECT_GE(right + 1, found);
}

// What a program takes at once when it begins is not the beginning of what it loses.
TEST(GrowthStart, IsNotTheCrowdAtTheProgramsBeginning) {
  for (const size_t every : {10u, 50u}) {
    Blocks blocks = blocks_of({3000, every, Pace::kClockwork, 700});
    for (size_t i = 0; i < blocks.bytes.size(); ++i) {
      blocks.bytes[i] += 64 * static_cast<int64_t>(std::min<size_t>(i, 40));
      blocks.blocks[i] += static_cast<int64_t>(std::min<size_t>(i, 40));
    }
    const auto since = found_start(blocks, false, 300);
    ASSERT_TRUE(since);
    EXPECT_EQ(*since, 700u) << every;
  }
  Blocks blocks = blocks_of({3000, 20, Pace::kClockwork, 60});
  for (size_t i = 0; i < blocks.bytes.size(); ++i) {
    blocks.bytes[i] += 64 * static_cast<int64_t>(std::min<size_t>(i, 40));
    blocks.blocks[i] += static_cast<int64_t>(std::min<size_t>(i, 40));
  }
  const auto since = found_start(blocks, false, 300);
  ASSERT_TRUE(since);
  EXPECT_GE(*since, 36u);
  EXPECT_LE(*since, 60u);
}

}  // namespace
}  // namespace leakhunt::reports
