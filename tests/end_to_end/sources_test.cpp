// Everything that gives memory is counted, whoever the allocator is.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::Run;
using recording::TagId;

TagTotals totals_of(const Run& run, const std::string& tag) {
  TagTotals totals;
  for (const recording::CallSite& site : run.sites) {
    if (run.tags.at(static_cast<size_t>(site.tag)).name != tag) continue;
    totals.allocations += site.total.allocations;
    totals.allocated_bytes += site.total.allocated_bytes;
    totals.frees += site.total.frees;
    totals.freed_bytes += site.total.freed_bytes;
  }
  return totals;
}

// "TAG allocations bytes frees bytes", a line each.
void expect_model(const Recorded& result, size_t tags) {
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_TRUE(result.run.complete());
  std::istringstream lines(result.finished.out);
  std::string tag;
  TagTotals model;
  size_t compared = 0;
  while (lines >> tag >> model.allocations >> model.allocated_bytes >> model.frees >> model.freed_bytes) {
    const TagTotals measured = totals_of(result.run, tag);
    EXPECT_EQ(measured.allocations, model.allocations) << tag;
    EXPECT_EQ(measured.allocated_bytes, model.allocated_bytes) << tag;
    EXPECT_EQ(measured.frees, model.frees) << tag;
    EXPECT_EQ(measured.freed_bytes, model.freed_bytes) << tag;
    ++compared;
  }
  EXPECT_EQ(compared, tags);
}

// The name of a library in the loader's usual place, or "".
std::string installed(const std::string& library) {
  for (const char* folder : {"/usr/lib/x86_64-linux-gnu/", "/lib/x86_64-linux-gnu/", "/usr/lib64/"}) {
    if (std::filesystem::exists(folder + library)) return folder + library;
  }
  return "";
}

TEST(Sources, EveryFunctionOfTheMallocFamilyAndEveryOperatorIsCountedToTheByte) {
  expect_model(recorded(target("memory_sources calls")), 3);
}

TEST(Sources, OtherAllocatorsAreCountedToTheByteAndTheirMappingsAreNoOnesGrowth) {
  for (const char* library : {"libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4"}) {
    SCOPED_TRACE(library);
    const std::string path = installed(library);
    if (path.empty()) {
      GTEST_LOG_(INFO) << library << " is not installed (scripts/packages): not tested with it";
      continue;
    }
    const Recorded result = recorded(target("memory_sources calls"), "", path);
    expect_model(result, 3);
    EXPECT_EQ(totals_of(result.run, "mapping").allocations, 0u);
    EXPECT_TRUE(result.run.step_asides.empty());
  }
}

TEST(Sources, LibcsOwnAllocationsForItsCallersAreSeen) {
  const Recorded result = recorded(target("memory_sources libc"));
  ASSERT_EQ(result.finished.exit_status, 0);
  std::istringstream lines(result.finished.out);
  std::string tag;
  uint64_t at_least = 0;
  size_t compared = 0;
  while (lines >> tag >> at_least) {
    const TagTotals totals = totals_of(result.run, tag);
    EXPECT_GE(totals.allocations, at_least) << tag;
    EXPECT_EQ(totals.frees, totals.allocations) << tag;
    EXPECT_EQ(totals.freed_bytes, totals.allocated_bytes) << tag;
    ++compared;
  }
  EXPECT_EQ(compared, 6u);
}

TEST(Sources, TheProgramsBreakIsAMappingToTheByte) {
  expect_model(recorded(target("memory_sources break")), 1);
}

TEST(Sources, AnswerOddRequestsAsWithoutUsAndLeaveErrnoAlone) {
  const Finished plain = run_command(target("memory_sources corners"));
  ASSERT_EQ(plain.exit_status, 0) << plain.err;
  const Recorded result = recorded(target("memory_sources corners"));
  EXPECT_EQ(result.finished.out, plain.out);
  EXPECT_EQ(result.finished.exit_status, 0);
}

TEST(Sources, AProgramWithItsOwnMallocKeepsItAndIsNotCalledHealthy) {
  const Finished plain = run_command(target("own_malloc"));
  const Recorded result = recorded(target("own_malloc"));
  EXPECT_EQ(result.finished.out, plain.out);
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  ASSERT_EQ(result.run.step_asides.size(), 1u);
  EXPECT_EQ(result.run.step_asides[0].kind, recording::StepAsideKind::kMappingsOnly);
  EXPECT_EQ(totals_of(result.run, "mapping").allocated_bytes, 3u << 20);

  const TemporaryFolder folder;
  const Finished command =
      run_command(LEAKHUNT_BIN "/leakhunt run --out " + folder.file("out") + " -- " + target("own_malloc"));
  EXPECT_EQ(command.exit_status, 4);
  EXPECT_NE(command.err.find("inconclusive: the program brings its own malloc; only mappings are counted"),
            std::string::npos)
      << command.err;
}

TEST(Sources, AreCountedFromStacksOfTenThousandFramesAndFromForeignOnes) {
  const Recorded result = recorded(target("deep_stacks 10000"));
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  for (const char* tag : {"recursion", "coroutine", "signal_stack"}) {
    EXPECT_EQ(totals_of(result.run, tag), (TagTotals{10'000, 240'000, 10'000, 240'000})) << tag;
  }
}

void expect_live_blocks(uint64_t millions) {
  const uint64_t count = millions * 1'000'000;
  const Recorded result = recorded(target("many_blocks live ") + std::to_string(count));
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  // Every third block, the first among them, has 16 bytes and is freed.
  const uint64_t freed = (count + 2) / 3;
  const uint64_t of_32 = (count + 1) / 3;
  const uint64_t of_48 = count / 3;
  EXPECT_EQ(totals_of(result.run, "live"),
            (TagTotals{count, 16 * freed + 32 * of_32 + 48 * of_48, freed, 16 * freed}));
  EXPECT_TRUE(result.run.step_asides.empty());
}

void expect_calls(uint64_t millions) {
  const uint64_t count = millions * 1'000'000;
  const Recorded result = recorded(target("many_blocks calls ") + std::to_string(count));
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_EQ(totals_of(result.run, "calls"), (TagTotals{count, 40 * count, count, 40 * count}));
}

TEST(Sources, AMillionLiveBlocksAreExact) {
  expect_live_blocks(1);
}

TEST(Sources, TwoMillionCallsAreExact) {
  expect_calls(2);
}

TEST(Sources, EveryOneOfManyDifferentStacksIsASite) {
  const Recorded result = recorded(target("many_blocks stacks 20000"));
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_EQ(totals_of(result.run, "stacks"), (TagTotals{20'000, 320'000, 0, 0}));
  EXPECT_GE(result.run.sites.size(), 20'000u);
}

// By hand, minutes long: --gtest_also_run_disabled_tests --gtest_filter='Stress.*'
TEST(Stress, DISABLED_TenMillionLiveBlocksAreExact) {
  expect_live_blocks(10);
}

TEST(Stress, DISABLED_AHundredMillionCallsAreExact) {
  expect_calls(100);
}

TEST(Sources, AnExecutableThatTakesMallocsAddressHasNoneOfItsOwn) {
  const Recorded result = recorded(target("malloc_by_address"));
  EXPECT_TRUE(result.run.step_asides.empty());
  EXPECT_GE(totals_of(result.run, "heap").allocated_bytes, 12'345u);
}

TEST(Sources, MallocAskedOfLibcItselfIsCountedAsByItsName) {
  for (const char* program : {"looks_up_malloc", "looks_up_malloc_fixed"}) {
    const Recorded result = recorded(target(program));
    EXPECT_EQ(result.finished.exit_status, 0) << program;
    const TagTotals heap = totals_of(result.run, "heap");
    EXPECT_GE(heap.allocations, 101u) << program;
    EXPECT_GE(heap.frees, 100u) << program;
    const uint64_t live = heap.allocated_bytes - heap.freed_bytes;
    EXPECT_GE(live, 12'345u) << program;
    EXPECT_LT(live, 12'345u + 54'321u) << program;
  }
}

}  // namespace
}  // namespace leakhunt::end_to_end
