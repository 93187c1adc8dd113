// Somebody else's project gates its tests with three lines: configured, built and run in a directory of its
// own.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/cli/command_line.h"

namespace leakhunt {
namespace {

bool can_build() {
  return std::system("command -v cmake ninja >/dev/null 2>&1") == 0;
}

void build(const cli::CommandLine& command) {
  const cli::Called built =
      command.shell("cmake -S " LEAKHUNT_SOURCE_DIR
                    "/tests/sample_project -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug "
                    "-DLEAKHUNT_COMMAND=" LEAKHUNT_BIN "/leakhunt && cmake --build build");
  ASSERT_EQ(built.status, 0) << built.out << built.err;
}

// What growth could not convict in so short a run: three blocks of three hundred iterations.
TEST(SampleProject, OneBlockInAHundredIterationsIsARegressionWithItsCallSite) {
  if (!can_build()) GTEST_SKIP() << "cmake or ninja is not installed";
  const cli::CommandLine command;
  build(command);
  const std::string run = LEAKHUNT_BIN
      "/leakhunt run --max-growth 1kB --baseline sample.baseline --out out/gated -- "
      "build/sample_tests --gtest_repeat=300 --gtest_brief=1 --gtest_print_time=0";
  for (const char* out : {"out/a", "out/b"}) {
    const cli::Called accepted = command.call(std::string("run --max-growth 1kB --out ") + out +
                                              " -- build/sample_tests --gtest_repeat=300 --gtest_brief=1 "
                                              "--gtest_print_time=0");
    ASSERT_EQ(accepted.status, 0) << accepted.err;
  }
  ASSERT_EQ(command.call("baseline accept out/a out/b --baseline sample.baseline").status, 0);
  const cli::Called healthy = command.shell(run);
  EXPECT_EQ(healthy.status, 0) << command.file("out/gated/report.txt");
  // The program fails by itself when a test leaks in five repetitions in a row; here it does not.
  const cli::Called leaking = command.shell("SAMPLE_LEAKS=100 " + run);
  EXPECT_EQ(leaking.status, 1) << leaking.err;
  const std::string report = cli::unwrapped(command.file("out/gated/report.txt"));
  EXPECT_TRUE(cli::contains(report, "tag test Cache.Forgets: blocks live at the end")) << report;
  EXPECT_TRUE(cli::contains(report, "by Cache::forget_one (cache_test.cpp:")) << report;
}

TEST(SampleProject, ItsTestsAndBenchmarksAreGated) {
  if (!can_build()) GTEST_SKIP() << "cmake or ninja is not installed";
  const cli::CommandLine command;
  build(command);

  const cli::Called healthy = command.shell("ctest --test-dir build --output-on-failure");
  EXPECT_EQ(healthy.status, 0) << healthy.out;
  EXPECT_TRUE(command.has("build/leakhunt/memory.sample_tests/junit.xml"));

  const cli::Called leaking = command.shell("SAMPLE_LEAKS=1 ctest --test-dir build --output-on-failure");
  EXPECT_NE(leaking.status, 0);
  EXPECT_TRUE(
      cli::contains(leaking.out, "leakhunt: Cache.Forgets kept memory in each of its last 5 repetitions"))
      << leaking.out;
  EXPECT_FALSE(cli::contains(leaking.out, "leakhunt: Cache.Remembers kept")) << leaking.out;
  const std::string report = command.file("build/leakhunt/memory.sample_tests/report.txt");
  EXPECT_TRUE(cli::contains(report, "leak in tag test Cache.Forgets: Cache::forget_one")) << report;

  const cli::Called alone = command.shell("SAMPLE_LEAKS=1 build/sample_tests --gtest_repeat=20");
  EXPECT_EQ(alone.status, 0) << "without leakhunt it is a test program like any other";

  if (!command.has("build/sample_benchmark")) GTEST_SKIP() << "Google Benchmark is not installed";
  const cli::Called measured =
      command.shell(LEAKHUNT_BIN "/leakhunt run -- build/sample_benchmark --benchmark_format=json");
  const auto json = nlohmann::json::parse(measured.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << measured.out << measured.err;
  const auto& none = json["benchmarks"][0];  // what Google Benchmark itself needs in between
  const auto& two = json["benchmarks"][1];
  EXPECT_EQ(two["allocs_per_iter"].get<double>() - none["allocs_per_iter"].get<double>(), 2) << measured.out;
  EXPECT_EQ(two["total_allocated_bytes"].get<int64_t>() - none["total_allocated_bytes"].get<int64_t>(),
            16'000);
  EXPECT_GE(two["max_bytes_used"].get<int64_t>(), 1'000);
  EXPECT_LT(two["max_bytes_used"].get<int64_t>(), 16'000) << "one block at a time";
  EXPECT_EQ(two["net_heap_growth"].get<int64_t>(), 0);
}

}  // namespace
}  // namespace leakhunt
