// Names for what lies in no file, and for files that are not what they were.
#include "scenarios/runner/symbolise.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "scenarios/runner/names_ahead.h"
#include "scenarios/runner/perf_map.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

namespace fs = std::filesystem;
using recording::Run;
using recording::Symbol;

uint64_t now_ns() {
  return static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
}

// What the loader added to the addresses in the test program's file.
uint64_t own_bias() {
  Dl_info info{};
  link_map* map = nullptr;
  dladdr1(reinterpret_cast<void*>(&now_ns), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP);
  return map->l_addr;
}

Run run_with_site(std::vector<uint64_t> frames) {
  Run run;
  run.process.pid = static_cast<uint64_t>(getpid());
  run.process.start_unix_ns = now_ns();
  recording::CallSite site;
  site.frames = std::move(frames);
  run.sites.push_back(site);
  return run;
}

TEST(Symbolise, AnAddressInNoModuleIsAnonymousCode) {
  const auto symbols = symbolise(run_with_site({0x5000, 0}));
  ASSERT_EQ(symbols.size(), 1u);
  EXPECT_EQ(symbols.at(0x5000).module, "[anonymous code]");
  EXPECT_EQ(symbols.at(0x5000).address, 0x5000u);
  EXPECT_TRUE(symbols.at(0x5000).source_frames.empty());
}

TEST(Symbolise, AModuleWhoseRecordIsLostHasNoNameAndNoNote) {
  recording::Run run = run_with_site({0x1500});
  run.modules.push_back({0x1000, 0x1000, 0x2000, "", {}});
  const Symbol symbol = symbolise(run).at(0x1500);
  EXPECT_EQ(symbol.module, "");
  EXPECT_EQ(symbol.note, "");
}

TEST(Symbolise, AFileWithoutBuildIdThatIsNewerThanTheProcessIsNotBelieved) {
  const ScratchDirectory scratch;
  const fs::path program = scratch.path() / "program";
  fs::copy_file("/proc/self/exe", program);
  recording::Run run = run_with_site({0x1500, 0x2500});
  run.modules.push_back({0, 0x1000, 0x3000, program.string(), {}});
  run.process.start_unix_ns = now_ns() + 1'000'000'000;  // it has just been written
  EXPECT_EQ(symbolise(run).at(0x1500).note, "");
  run.process.start_unix_ns = now_ns() - 60'000'000'000;
  const auto symbols = symbolise(run);
  for (const uint64_t address : {0x1500u, 0x2500u}) {
    EXPECT_EQ(symbols.at(address).note, "the file has changed since");
    EXPECT_EQ(symbols.at(address).offset, address);
    EXPECT_TRUE(symbols.at(address).source_frames.empty());
  }
}

TEST(Symbolise, ASymboliserIsSharedByManyRuns) {
  Symboliser symboliser;
  const auto here = reinterpret_cast<uint64_t>(&now_ns) + 1;
  for (const uint64_t bias : {0x10000000ull, 0x20000000ull}) {
    recording::Run run = run_with_site({bias + here});
    run.modules.push_back({bias, bias, UINT64_MAX, "/proc/self/exe", {}});
    run.process.start_unix_ns = now_ns() + 1'000'000'000;
    EXPECT_EQ(symboliser.symbolise(run).at(bias + here).offset, here);
  }
}

// The program is gone before the run is over, its names are not.
TEST(NamesAhead, AreKnownAtTheEnd) {
  const ScratchDirectory scratch;
  const fs::path program = scratch.path() / "program";
  fs::copy_file("/proc/self/exe", program);
  const auto bias = 0x10000000ull;
  const uint64_t address = bias + (reinterpret_cast<uint64_t>(&now_ns) - own_bias()) + 1;
  recording::RecordingBuilder recording;
  recording.process_start();
  recording.module({bias, bias, UINT64_MAX, program.string(), {}});
  recording.site(recording::kHeapTag, {address, 0x5000, 0});
  const fs::path file = scratch.path() / "recording.lhr";
  Symboliser symboliser;
  NamesAhead names(file.string(), symboliser);  // the file is not there yet
  recording.write(file.string());
  for (int i = 0; i < 3000 && names.looked_up() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  names.stop();
  EXPECT_EQ(names.looked_up(), 1u);  // the other addresses lie nowhere
  fs::remove(program);
  const auto symbol = symboliser.symbolise(recording.run()).at(address);
  ASSERT_FALSE(symbol.source_frames.empty());
  EXPECT_NE(symbol.source_frames.back().function.find("now_ns"), std::string::npos);
}

TEST(PerfMap, NamesCodeThatWasMadeAtRunTime) {
  const ScratchDirectory scratch;
  scratch.write("perf-77.map",
                "1000 20 first function\n0x1020 10 second\n1020 10 second, compiled anew\nnonsense\n\n"
                "3000 ffffffffffffffffff far\n2000 8 last");
  const PerfMap map = PerfMap::of_process(77, now_ns() - 60'000'000'000, scratch.path());
  EXPECT_EQ(map.find(0x1000), "first function");
  EXPECT_EQ(map.find(0x101F), "first function");
  EXPECT_EQ(map.find(0x1020), "second, compiled anew");
  EXPECT_EQ(map.find(0x1030), "");
  EXPECT_EQ(map.find(0x2007), "last");
  EXPECT_EQ(map.find(0), "");
  EXPECT_EQ(map.find(UINT64_MAX), "");
}

TEST(PerfMap, OfAnEarlierProcessOrOfNobodyIsEmpty) {
  const ScratchDirectory scratch;
  scratch.write("perf-77.map", "1000 20 f\n");
  EXPECT_EQ(PerfMap::of_process(77, now_ns() + 60'000'000'000, scratch.path()).find(0x1000), "");
  EXPECT_EQ(PerfMap::of_process(78, 0, scratch.path()).find(0x1000), "");
  fs::create_symlink(scratch.path() / "perf-77.map", scratch.path() / "perf-79.map");
  EXPECT_EQ(PerfMap::of_process(79, 0, scratch.path()).find(0x1000), "");
}

}  // namespace
}  // namespace leakhunt::runner
