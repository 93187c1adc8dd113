// Series with known truth: innocent ones, which must never be accused, and leaks, which must be found with
// their slope.
#include "reports/analysis/growth_class.h"

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leakhunt::reports {
namespace {

struct Series {
  std::vector<uint64_t> numbers;
  std::vector<int64_t> bytes;
  std::vector<int64_t> blocks;
};

// A series from its live blocks, each of `block_bytes`.
Series of_blocks(size_t length, int64_t block_bytes, const std::function<int64_t(size_t)>& blocks_at) {
  Series series;
  for (size_t i = 0; i < length; ++i) {
    series.numbers.push_back(100 + i);
    series.blocks.push_back(blocks_at(i));
    series.bytes.push_back(series.blocks.back() * block_bytes);
  }
  return series;
}

// One block whose size changes.
Series of_one_block(size_t length, const std::function<int64_t(size_t)>& bytes_at) {
  Series series = of_blocks(length, 1, bytes_at);
  series.blocks.assign(length, 1);
  return series;
}

Growth classify(const Series& series, size_t min_rises = kMinRisesOfSite) {
  return classify_growth({series.numbers, series.bytes, series.blocks}, min_rises);
}

struct Case {
  std::string name;
  std::function<Series(uint32_t seed)> make;
  double slope = 0;      // bytes per iteration; 0: innocent
  double tolerance = 0;  // relative; 0: exact
  uint32_t seeds = 1;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

int64_t as_int(double value) {
  return static_cast<int64_t>(std::floor(value));
}

// A cache of `keys` entries asked for one random key `per_step` times an iteration: it fills more and more
// slowly.
Series warm_cache(uint32_t seed, size_t length, size_t keys, size_t per_step) {
  std::mt19937 random(seed);
  std::vector<bool> present(keys, false);
  int64_t live = 0;
  return of_blocks(length, 256, [&](size_t) {
    for (size_t i = 0; i < per_step; ++i) {
      const size_t key = random() % keys;
      live += present[key] ? 0 : 1;
      present[key] = true;
    }
    return live;
  });
}

Series noise(uint32_t seed, size_t length, int64_t amplitude, const std::function<int64_t(size_t)>& below) {
  std::mt19937 random(seed);
  return of_blocks(length, 64,
                   [&](size_t i) { return below(i) + static_cast<int64_t>(random()) % amplitude; });
}

// A queue whose length follows its own past: noise that drifts.
Series drifting_noise(uint32_t seed, size_t length, double memory) {
  std::mt19937 random(seed);
  std::normal_distribution<double> step(0, 20);
  double level = 0;
  return of_blocks(length, 64, [&](size_t) {
    level = level * memory + step(random);
    return std::max<int64_t>(0, 1000 + as_int(level));
  });
}

const std::vector<Case>& innocents() {
  static const std::vector<Case> cases = {
      {"constant", [](uint32_t) { return of_blocks(1000, 64, [](size_t) { return 5; }); }},
      {"empty", [](uint32_t) { return of_blocks(1000, 64, [](size_t) { return 0; }); }},
      {"one_off_step",
       [](uint32_t) { return of_blocks(1000, 4096, [](size_t i) { return i < 400 ? 1 : 9; }); }},
      {"late_one_off_step",
       [](uint32_t) { return of_blocks(1000, 4096, [](size_t i) { return i < 990 ? 1 : 9; }); }},
      {"three_steps",
       [](uint32_t) { return of_blocks(1000, 64, [](size_t i) { return as_int(double(i) / 250); }); }},
      {"doubling_vector",
       [](uint32_t) {
         return of_one_block(10000, [](size_t i) { return int64_t{16} << as_int(std::log2(double(i + 1))); });
       }},
      {"doubling_vector_by_half",
       [](uint32_t) {
         return of_one_block(10000, [](size_t i) {
           double capacity = 16;
           while (capacity < double(i + 1) * 16) capacity *= 1.5;
           return as_int(capacity);
         });
       }},
      {"warm_cache_long_full", [](uint32_t seed) { return warm_cache(seed, 1000, 100, 1); }, 0, 0, 50},
      {"warm_cache_almost_full", [](uint32_t seed) { return warm_cache(seed, 1000, 300, 1); }, 0, 0, 50},
      {"warm_cache_still_filling", [](uint32_t seed) { return warm_cache(seed, 1000, 500, 1); }, 0, 0, 50},
      {"small_warm_cache_still_filling", [](uint32_t seed) { return warm_cache(seed, 100, 60, 1); }, 0, 0,
       400},
      {"warm_cache_of_200", [](uint32_t seed) { return warm_cache(seed, 300, 200, 1); }, 0, 0, 400},
      {"warm_cache_of_2000", [](uint32_t seed) { return warm_cache(seed, 2500, 2000, 1); }, 0, 0, 50},
      {"large_warm_cache_still_filling", [](uint32_t seed) { return warm_cache(seed, 5000, 30000, 10); }, 0,
       0, 20},
      {"cache_with_capacity",
       [](uint32_t) {
         return of_blocks(1000, 64, [](size_t i) { return std::min<int64_t>(int64_t(i), 700); });
       }},
      {"late_plateau",
       [](uint32_t) {
         return of_blocks(1000, 64, [](size_t i) { return std::min<int64_t>(int64_t(i), 850); });
       }},
      {"sawtooth_short",
       [](uint32_t) { return of_blocks(1000, 64, [](size_t i) { return int64_t(i % 10); }); }},
      {"sawtooth_cut_at_its_top",
       [](uint32_t) { return of_blocks(1000, 64, [](size_t i) { return int64_t((i + 1) % 77); }); }},
      {"sawtooth_of_300",
       [](uint32_t) { return of_blocks(1000, 64, [](size_t i) { return int64_t(i % 300); }); }},
      {"sawtooth_of_600",
       [](uint32_t) { return of_blocks(1000, 64, [](size_t i) { return int64_t(i % 600); }); }},
      {"sawtooth_of_uneven_length",
       [](uint32_t seed) {
         std::mt19937 random(seed);
         int64_t live = 0;
         return of_blocks(2000, 64, [&](size_t) { return live = random() % 60 == 0 ? 0 : live + 1; });
       },
       0, 0, 100},
      {"checkpoint_buffers",
       [](uint32_t) { return of_blocks(1000, 1 << 20, [](size_t i) { return i % 100 < 2 ? 3 : 0; }); }},
      {"noise", [](uint32_t seed) { return noise(seed, 1000, 1000, [](size_t) { return 5000; }); }, 0, 0,
       400},
      {"short_noise", [](uint32_t seed) { return noise(seed, 40, 1000, [](size_t) { return 5000; }); }, 0, 0,
       400},
      {"noise_of_one_block", [](uint32_t seed) { return noise(seed, 200, 2, [](size_t) { return 3; }); }, 0,
       0, 400},
      {"noise_with_memory", [](uint32_t seed) { return drifting_noise(seed, 2000, 0.9); }, 0, 0, 400},
      {"noise_with_long_memory", [](uint32_t seed) { return drifting_noise(seed, 2000, 0.99); }, 0, 0, 400},
      {"noise_above_a_step",
       [](uint32_t seed) { return noise(seed, 1000, 50, [](size_t i) { return i < 300 ? 100 : 400; }); }, 0,
       0, 200},
      {"noise_while_a_cache_fills",
       [](uint32_t seed) {
         return noise(seed, 2000, 20,
                      [](size_t i) { return as_int(500 * (1 - std::exp(-double(i) / 300))); });
       },
       0, 0, 100},
      {"lazily_made_singletons",
       [](uint32_t seed) {
         std::mt19937 random(seed);
         std::vector<size_t> made(6);
         for (size_t& at : made) at = random() % 1000;
         return of_blocks(1000, 128, [&](size_t i) {
           return std::count_if(made.begin(), made.end(), [&](size_t at) { return at <= i; });
         });
       },
       0, 0, 200},
      {"shrinking", [](uint32_t) { return of_blocks(1000, 64, [](size_t i) { return 2000 - int64_t(i); }); }},
      {"highest_mark_of_a_pool",
       [](uint32_t seed) {
         std::mt19937 random(seed);
         std::normal_distribution<double> load(100, 10);
         int64_t highest = 0;
         return of_blocks(5000, 64,
                          [&](size_t) { return highest = std::max(highest, as_int(load(random))); });
       },
       0, 0, 200},
  };
  return cases;
}

const std::vector<Case>& leaks() {
  static const std::vector<Case> cases = {
      {"one_block_every_iteration",
       [](uint32_t) { return of_blocks(100, 16, [](size_t i) { return int64_t(i); }); }, 16},
      {"as_few_iterations_as_possible",
       [](uint32_t) { return of_blocks(kMinJudged + 1, 16, [](size_t i) { return int64_t(i); }); }, 16},
      {"two_chunks_every_iteration",
       [](uint32_t) { return of_blocks(1000, 10'084'352, [](size_t i) { return 2 * int64_t(i); }); },
       20'168'704},
      {"one_block_every_10_iterations",
       [](uint32_t) { return of_blocks(10000, 16, [](size_t i) { return int64_t(i / 10); }); }, 1.6},
      {"one_block_every_10_of_80",
       [](uint32_t) { return of_blocks(81, 16, [](size_t i) { return int64_t(i / 10); }); }, 1.6},
      {"one_block_every_1000_of_10000",
       [](uint32_t) { return of_blocks(10000, 16, [](size_t i) { return int64_t((i + 300) / 1000); }); },
       0.016},
      {"at_every_checkpoint_and_a_bit_more",
       [](uint32_t) { return of_blocks(1000, 8, [](size_t i) { return int64_t(i / 100 * 50 + i); }); }, 12},
      {"starts_in_the_middle",
       [](uint32_t) { return of_blocks(1000, 24, [](size_t i) { return i < 500 ? 7 : int64_t(i) - 493; }); },
       24},
      {"starts_late",
       [](uint32_t) {
         return of_blocks(10000, 24, [](size_t i) { return i < 8000 ? 7 : int64_t(i) - 7993; });
       },
       24},
      {"after_a_warm_cache",
       [](uint32_t) {
         return of_blocks(1000, 32,
                          [](size_t i) { return std::min<int64_t>(int64_t(i) * 5, 1000) + int64_t(i); });
       },
       32},
      {"growing_buffer",
       [](uint32_t) { return of_one_block(500, [](size_t i) { return 4096 + 48 * int64_t(i); }); }, 48},
      {"sawtooth_that_leaks",
       [](uint32_t) { return of_blocks(1000, 16, [](size_t i) { return int64_t(i % 50 * 100 + i / 50); }); },
       0.32},
      {"quadratic",
       [](uint32_t) { return of_blocks(1000, 1, [](size_t i) { return int64_t(i) * int64_t(i); }); }, 1000,
       0.6},
      {"at_random_iterations",
       [](uint32_t seed) {
         std::mt19937 random(seed);
         int64_t live = 0;
         return of_blocks(10000, 16, [&](size_t) { return live += random() % 10 == 0 ? 1 : 0; });
       },
       1.6, 0.15, 50},
      {"at_uneven_distances",
       [](uint32_t) { return of_blocks(10000, 16, [](size_t i) { return as_int(double(i) / 3.14159265); }); },
       16 / 3.14159265, 0.01},
      {"under_a_sawtooth_of_uneven_length",
       [](uint32_t seed) {
         std::mt19937 random(seed);
         int64_t live = 0;
         return of_blocks(10000, 16, [&](size_t i) {
           live = random() % 60 == 0 ? 0 : live + 1;
           return live + int64_t(i / 10);
         });
       },
       1.6, 0.01, 50},
      {"under_noise_a_thousand_times_larger",
       [](uint32_t seed) { return noise(seed, 10000, 1000, [](size_t i) { return int64_t(i / 10); }); }, 6.4,
       0.02, 50},
      {"under_noise_in_few_iterations",
       [](uint32_t seed) { return noise(seed, 100, 20, [](size_t i) { return 3 * int64_t(i); }); }, 192, 0.05,
       50},
  };
  return cases;
}

class Innocent : public testing::TestWithParam<Case> {};
TEST_P(Innocent, IsNeverAccused) {
  for (uint32_t seed = 1; seed <= GetParam().seeds; ++seed) {
    const Growth growth = classify(GetParam().make(seed));
    EXPECT_FALSE(growth.grows()) << to_string(growth.kind) << " with seed " << seed << ", slope "
                                 << growth.bytes_per_step << (growth.noisy ? " (noisy)" : "") << " repeats "
                                 << growth.repeats;
    EXPECT_LE(growth.bytes_per_step, 0);
    EXPECT_FALSE(classify(GetParam().make(seed), kMinRisesOfSum).grows()) << "as a sum, with seed " << seed;
  }
}
INSTANTIATE_TEST_SUITE_P(Series, Innocent, testing::ValuesIn(innocents()), name_of);

class Leak : public testing::TestWithParam<Case> {};
TEST_P(Leak, IsFoundWithItsSlope) {
  for (uint32_t seed = 1; seed <= GetParam().seeds; ++seed) {
    const Growth growth = classify(GetParam().make(seed));
    EXPECT_TRUE(growth.grows()) << to_string(growth.kind) << " with seed " << seed;
    EXPECT_NEAR(growth.bytes_per_step, GetParam().slope, GetParam().slope * GetParam().tolerance)
        << "seed " << seed;
    EXPECT_LE(growth.bytes_interval.low, growth.bytes_per_step);
    EXPECT_GE(growth.bytes_interval.high, growth.bytes_per_step);
    EXPECT_TRUE(growth.exact || GetParam().tolerance > 0) << "seed " << seed;
  }
}
INSTANTIATE_TEST_SUITE_P(Series, Leak, testing::ValuesIn(leaks()), name_of);

// As lines of output were once read from a busy machine: where two came together, one has the growth of both.
TEST(GrowthClass, OfMarksThatComeLateIsLinear) {
  Series series;
  int64_t live = 400'000;
  uint64_t number = 5;
  for (const char step : std::string("1111122222222222112211212221111111111112111")) {
    number += static_cast<uint64_t>(step - '0');
    live += 20'057 * (step - '0');
    series.numbers.push_back(number);
    series.bytes.push_back(live);
    series.blocks.push_back(live / 20'057);
  }
  const Growth growth = classify(series);
  EXPECT_EQ(growth.kind, GrowthClass::kLinear) << to_string(growth.kind);
  EXPECT_LE(growth.bytes_interval.low, 20'057);
  EXPECT_GE(growth.bytes_interval.high, 20'057);
}

// From a busier machine: up to dozens in one.
TEST(GrowthClass, OfMarksThatComeInBunchesOnOneLineIsLinear) {
  std::mt19937 random(5);
  Series series;
  Series cache;
  uint64_t number = 150;
  for (size_t i = 0; i < 200; ++i) {
    number += random() % 5 == 0 ? 1 + random() % 40 : 1;
    const auto blocks = static_cast<int64_t>(number + random() % 2);  // of the next one, already
    series.numbers.push_back(number);
    series.blocks.push_back(std::max(blocks, series.blocks.empty() ? 0 : series.blocks.back()));
    series.bytes.push_back(56 * series.blocks.back());
    cache.numbers.push_back(number);
    cache.blocks.push_back(as_int(1000 * (1 - std::exp(-double(number) / 400))));
    cache.bytes.push_back(56 * cache.blocks.back());
  }
  const Growth growth = classify(series);
  EXPECT_EQ(growth.kind, GrowthClass::kLinear) << to_string(growth.kind);
  EXPECT_LE(growth.bytes_interval.low, 56);
  EXPECT_GE(growth.bytes_interval.high, 56);
  EXPECT_FALSE(classify(cache).grows()) << to_string(classify(cache).kind);
}

// 838 lines came in one piece, and then one by one: nobody saw how it rose in between.
TEST(GrowthClass, WhatRoseUnseenFillsNothing) {
  Series series;
  for (uint64_t number = 3; number < 1000; number = number == 3 ? 841 : number + 1) {
    series.numbers.push_back(number);
    series.bytes.push_back(400'000 + 1001 * static_cast<int64_t>(number));
    series.blocks.push_back(static_cast<int64_t>(number));
  }
  const Growth growth = classify(series);
  EXPECT_TRUE(growth.grows() || growth.kind == GrowthClass::kUndecided) << to_string(growth.kind);
}

// Each block is smaller than the one before: the bytes look like a cache that fills, the blocks do not.
TEST(GrowthClass, OfOneBlockEachIterationIsLinearHoweverSmallTheyGet) {
  const auto bytes = [](int64_t i) { return 4096 * i - 2 * i * (i - 1); };
  Series series = of_blocks(1000, 1, [&](size_t i) { return bytes(static_cast<int64_t>(i) + 1); });
  for (size_t i = 0; i < series.blocks.size(); ++i) series.blocks[i] = static_cast<int64_t>(i) + 1;
  const Growth growth = classify(series);
  EXPECT_EQ(growth.kind, GrowthClass::kLinear) << to_string(growth.kind);
  EXPECT_EQ(growth.blocks_per_step, 1);
  EXPECT_NEAR(growth.bytes_per_step, 2098, 3);
  EXPECT_LE(growth.bytes_interval.low, 100);
  EXPECT_GE(growth.bytes_interval.high, 4092);
  // One block that grows by less and less is no leak, nor is one that takes blocks as it pleases.
  Series one = of_one_block(1000, [&](size_t i) { return bytes(static_cast<int64_t>(i) + 1); });
  EXPECT_FALSE(classify(one).grows()) << to_string(classify(one).kind);
}

TEST(GrowthClass, NamesTheShapesOfTheInnocent) {
  const auto kind_of = [](const char* name) {
    for (const Case& c : innocents()) {
      if (c.name == name) return classify(c.make(1)).kind;
    }
    return GrowthClass::kUnjudged;
  };
  EXPECT_EQ(kind_of("constant"), GrowthClass::kFlat);
  EXPECT_EQ(kind_of("one_off_step"), GrowthClass::kStep);
  EXPECT_EQ(kind_of("late_plateau"), GrowthClass::kWarmUp);
  EXPECT_EQ(kind_of("doubling_vector"), GrowthClass::kDoubling);
  EXPECT_EQ(kind_of("doubling_vector_by_half"), GrowthClass::kDoubling);
  EXPECT_EQ(kind_of("warm_cache_still_filling"), GrowthClass::kFilling);
  EXPECT_EQ(kind_of("checkpoint_buffers"), GrowthClass::kSawtooth);
  EXPECT_EQ(kind_of("sawtooth_of_uneven_length"), GrowthClass::kSawtooth);
  EXPECT_EQ(kind_of("sawtooth_short"), GrowthClass::kSawtooth);
  EXPECT_EQ(kind_of("noise"), GrowthClass::kVarying);
  EXPECT_EQ(kind_of("shrinking"), GrowthClass::kShrinking);
}

TEST(GrowthClass, SaysSinceWhen) {
  const auto from = [](size_t start) {
    return of_blocks(1000, 24, [=](size_t i) { return i < start ? 7 : int64_t(i - start) + 8; });
  };
  EXPECT_EQ(classify(from(500)).since, 100u + 500u);
  EXPECT_EQ(classify(from(777)).since, 100u + 777u);
}

// One block of 15 bytes in 37 iterations, and from the thousandth on of 16: "connection-999",
// "connection-1000".
TEST(GrowthClass, ItsStartIsThatOfTheBlocksAndNotOfTheirLastSize) {
  Series series = of_blocks(3000, 1, [](size_t i) { return int64_t(i / 37); });
  for (size_t i = 0; i < series.bytes.size(); ++i)
    series.bytes[i] = 15 * series.blocks[i] + std::max<int64_t>(0, series.blocks[i] - 27);
  const Growth growth = classify(series);
  EXPECT_TRUE(growth.exact);
  EXPECT_EQ(growth.period, 37u);
  EXPECT_EQ(growth.since, 100u + 37u);
}

TEST(GrowthClass, JudgesNothingBelowTheMinimum) {
  const Series series = of_blocks(kMinJudged, 16, [](size_t i) { return int64_t(i); });
  EXPECT_EQ(classify(series).kind, GrowthClass::kUnjudged);
}

}  // namespace
}  // namespace leakhunt::reports
