// Threads are known, and what each of them allocates; nothing that a program can see of them is different.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::CallSite;
using recording::Run;
using recording::Thread;

constexpr const char* kByThread = "LEAKHUNT_BY_THREAD=1";

// Sums over the blocks of `bytes` bytes of one thread.
TagTotals blocks_of(const Run& run, uint32_t thread, uint64_t bytes) {
  TagTotals totals;
  for (const CallSite& site : run.sites) {
    if (site.thread != thread || site.total.allocated_bytes != bytes * site.total.allocations) continue;
    totals.allocations += site.total.allocations;
    totals.frees += site.total.frees;
  }
  return totals;
}

bool is_in_program(const Run& run, uint64_t address) {
  return std::any_of(run.modules.begin(), run.modules.end(), [&](const recording::Module& module) {
    return address >= module.begin && address < module.end && module.path == target("threads");
  });
}

TEST(Threads, TwoHundredAtOnceAreToldApartWithNameStackAndCounters) {
  const Recorded result = recorded(target("threads at_once 200"), kByThread);
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  const recording::Run& run = result.run;
  ASSERT_EQ(run.threads.size(), 201u);
  EXPECT_EQ(run.threads.at(0).tid, run.process.pid);
  EXPECT_EQ(run.threads.at(0).end_ns, std::nullopt);
  std::map<uint64_t, uint32_t> by_k;
  for (const auto& [number, thread] : run.threads) {
    if (number != 0) by_k[std::stoul(thread.name.substr(1))] = number;
  }
  ASSERT_EQ(by_k.size(), 200u);
  for (const auto& [k, number] : by_k) {
    const Thread& thread = run.threads.at(number);
    EXPECT_TRUE(thread.end_ns) << k;
    EXPECT_TRUE(is_in_program(run, thread.start_routine)) << k;
    EXPECT_GE(thread.stack_touched, k * 16 * 1024) << k;
    EXPECT_LE(thread.stack_touched, k * 16 * 1024 + (64 << 10)) << k;
    EXPECT_GT(thread.stack_reserved, thread.stack_touched) << k;
    const TagTotals blocks = blocks_of(run, number, 16);
    EXPECT_EQ(blocks.allocations, 10 * k) << k;
    EXPECT_EQ(blocks.frees, 9 * k) << k;
  }
}

TEST(Threads, AThousandShortOnesAreAllKnownAndDoNotMultiplyTheCallSites) {
  const Recorded result = recorded(target("threads short 1000"), kByThread);
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  const recording::Run& run = result.run;
  EXPECT_EQ(run.threads.size(), 1001u);
  for (const auto& [number, thread] : run.threads)
    EXPECT_EQ(thread.end_ns.has_value(), number != 0) << number;
  TagTotals all;
  for (uint32_t thread = 1; thread <= recording::kOtherThreads; ++thread) {
    const TagTotals blocks = blocks_of(run, thread, 32);
    all.allocations += blocks.allocations;
    all.frees += blocks.frees;
    EXPECT_EQ(blocks.allocations, thread < recording::kOtherThreads ? 3 : 3 * (1000 - 254)) << thread;
  }
  EXPECT_EQ(all.allocations, 3000u);
  EXPECT_EQ(all.frees, 2000u);
  EXPECT_LE(run.sites.size(), 10u + 256 * 5);
}

TEST(Threads, AreNoPartOfACallSiteUnlessAskedFor) {
  const Recorded result = recorded(target("threads short 20"));
  EXPECT_EQ(result.run.threads.size(), 21u);
  for (const CallSite& site : result.run.sites) EXPECT_EQ(site.thread, std::nullopt);
  EXPECT_LE(result.run.sites.size(), 15u);
}

TEST(Threads, AreForTheProgramWhatTheyAreWithoutUs) {
  const Finished plain = run_command(target("threads semantics"));
  ASSERT_EQ(plain.exit_status, 0);
  const Recorded result = recorded(target("threads semantics"), kByThread);
  EXPECT_EQ(result.finished.out, plain.out);
  EXPECT_EQ(result.finished.err, "");
  for (const auto& [number, thread] : result.run.threads)
    EXPECT_EQ(thread.end_ns.has_value(), number != 0) << number << ": the end of each is known";
}

TEST(Threads, OfTheCppLibraryAreNamedByWhatTheyRun) {
  const TemporaryFolder folder;
  const std::string out = folder.file("out");
  run_command(LEAKHUNT_BIN "/leakhunt run --out " + out + " -- " + target("threads cpp"));
  const std::string json = read_file(out + "/report.json");
  EXPECT_NE(json.find("tuple<void (*)(int), int>"), std::string::npos);
  EXPECT_NE(json.find("cpp()::<lambda()>"), std::string::npos);
}

TEST(Threads, ALeakThatIsSpreadOverThemIsOneFindingThatListsThem) {
  const TemporaryFolder folder;
  const std::string out = folder.file("out");
  const Finished run = run_command(LEAKHUNT_BIN "/leakhunt run --by-thread --out " + out + " -- " +
                                   target("threads leak 64 60"));
  EXPECT_EQ(run.exit_status, 1) << run.err;
  const std::string text = read_file(out + "/report.txt");
  EXPECT_NE(text.find("+3,072 B and 64 blocks per iteration, exactly"), std::string::npos) << text;
  EXPECT_NE(text.find("In 64 threads: 1 leaker, 2 leaker"), std::string::npos) << text;
  EXPECT_EQ(text.find("different stacks"), std::string::npos) << text;
  EXPECT_EQ(text.find("\n  2. "), std::string::npos) << text;

  const Finished table = run_command(LEAKHUNT_BIN "/leakhunt report --by-thread " + out);
  EXPECT_EQ(table.exit_status, 1);
  EXPECT_NE(table.out.find("threads: 65, at most 65 at once"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("64 leaker"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("+48 B"), std::string::npos) << table.out;
}

TEST(Threads, AReportByThreadSaysHowToRecordItWhereItWasNot) {
  const TemporaryFolder folder;
  const std::string out = folder.file("out");
  run_command(LEAKHUNT_BIN "/leakhunt run --out " + out + " -- " + target("threads leak 3 5"));
  const Finished table = run_command(LEAKHUNT_BIN "/leakhunt report --by-thread " + out);
  EXPECT_NE(table.out.find("3 leaker"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("keep_one_each_iteration"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("leakhunt run --by-thread"), std::string::npos) << table.out;
}

TEST(Threads, ManyShortOnesReuseWhatTheTrackerKeepsOfThem) {
  const Recorded result = recorded(target("threads short 5000"));
  ASSERT_EQ(result.finished.exit_status, 0);
  EXPECT_EQ(result.run.threads.size(), 5'001u);
  EXPECT_LT(result.run.snapshots.back().tracker_bytes, 16u << 20);
}

}  // namespace
}  // namespace leakhunt::end_to_end
