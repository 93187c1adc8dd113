#include "reports/analysis/threads.h"

#include <sstream>

#include <gtest/gtest.h>

#include "reports/formats/threads.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::Run;
using recording::Thread;

Thread thread(uint64_t begin_ns, std::optional<uint64_t> end_ns, uint64_t reserved, uint64_t touched) {
  return {1, "worker", begin_ns, end_ns, 0, reserved, touched};
}

// One leak of 16 bytes an iteration in each of `count` threads, through the same stack.
Run leak_in_threads(uint32_t count) {
  std::vector<SyntheticSite> sites(count, {"heap", "keep", [](size_t i) { return int64_t(i + 1) * 16; }});
  Run run = make_run(sites, {.iterations = 100, .warm_up = 10});
  for (uint32_t i = 0; i < count; ++i) {
    run.sites[i].thread = i + 1;
    run.sites[i].frames = run.sites[0].frames;
    run.threads[i + 1] = thread(i, std::nullopt, 1 << 20, 4096);
  }
  return run;
}

TEST(Threads, AreCountedWhileTheyLive) {
  recording::Run run;
  run.threads[0] = thread(0, std::nullopt, 100, 10);
  run.threads[1] = thread(10, 20, 1000, 50);
  run.threads[2] = thread(20, 30, 1000, 60);  // begins as the one before ends
  run.threads[3] = thread(25, 26, 10, 1);
  EXPECT_EQ(most_threads(run), 3u);
  const ThreadStacks stacks = largest_stacks(run);
  EXPECT_EQ(stacks.threads, 3u);
  EXPECT_EQ(stacks.reserved_bytes, 1110u);
  EXPECT_EQ(stacks.touched_bytes, 71u);
  EXPECT_EQ(stacks.time_ns, 25u);
}

TEST(Threads, OfNoRecordAreNone) {
  const recording::Run run = make_run({{"heap", "keep", [](size_t) { return int64_t{16}; }}});
  EXPECT_EQ(threads_figure(run), "");
  EXPECT_FALSE(split_by_thread(run));
  const Report report = analyse(run);
  EXPECT_TRUE(thread_uses(run, report.growth).empty());
  std::ostringstream out;
  write_threads(report, out);
  EXPECT_NE(out.str().find("leakhunt run --by-thread"), std::string::npos);
}

TEST(Threads, EachHasItsOwnGrowthAndThePlaceHasAllOfIt) {
  const recording::Run run = leak_in_threads(12);
  const Report report = analyse(run);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].growth.bytes_per_step, 12 * 16);
  EXPECT_EQ(
      threads_sentence(report, report.findings[0]),
      "In 12 threads: 1 worker, 2 worker, 3 worker, 4 worker, 5 worker, 6 worker, 7 worker, 8 worker and 4 "
      "more.");
  const std::vector<ThreadUse> uses = thread_uses(run, report.growth);
  ASSERT_EQ(uses.size(), 12u);
  for (const ThreadUse& use : uses) {
    EXPECT_EQ(use.growth_bytes_per_step, 16);
    EXPECT_EQ(use.peak_live_bytes, 1600);
    EXPECT_EQ(use.allocations, 100u);
  }
}

TEST(Threads, OfTheCppLibraryAreNamedByWhatTheyWereMadeFor) {
  recording::Run run;
  run.threads[1] = thread(0, 1, 0, 0);
  run.threads[1].start_routine = 0x1000;
  const auto name_of = [&](const char* function) {
    recording::Symbol symbol;
    symbol.source_frames = {{function, "", 0, false}};
    run.symbols[run.threads[1].start_symbol()] = symbol;
    return start_routine_name(run, run.threads[1]);
  };
  const std::string before = "std::thread::_State_impl<std::thread::_Invoker<std::tuple<";
  EXPECT_EQ(name_of((before + "main::<lambda()> > > >::_M_run").c_str()), "std::thread: main::<lambda()>");
  EXPECT_EQ(name_of((before + "void (*)(int), int> > >::_M_run()").c_str()),
            "std::thread: void (*)(int), int");
  EXPECT_EQ(name_of("pool::run(void*)"), "pool::run");
}

}  // namespace
}  // namespace leakhunt::reports
