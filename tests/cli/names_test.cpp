// Names of frames in what a user gets: replaced and unloaded modules, and a report made elsewhere.
#include <gtest/gtest.h>

#include <numeric>

#include "lib/recording/reader.h"
#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

namespace fs = std::filesystem;
using recording::Run;

Run recording_of(const CommandLine& command, const std::string& out) {
  auto run = recording::read_recording((command.path() / out / "recording.lhr").string());
  EXPECT_TRUE(run.has_value()) << run.error().message;
  return std::move(*run);
}

struct Kept {
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  size_t sites = 0;
};

// What was allocated through a function of this name.
Kept allocated_by(const Run& run, const std::string& function) {
  Kept kept;
  for (const recording::CallSite& site : run.sites) {
    const auto is_function = [&](uint64_t address) {
      const recording::Symbol* symbol = symbol_of(run, site, address);
      return symbol != nullptr && !symbol->source_frames.empty() &&
             symbol->source_frames.back().function == function;
    };
    if (std::none_of(site.frames.begin(), site.frames.end(), is_function)) continue;
    kept.blocks += site.total.allocations;
    kept.bytes += site.total.allocated_bytes;
    ++kept.sites;
  }
  return kept;
}

TEST(Names, OfLibrariesThatWereInOnePlaceOneAfterTheOtherStayApart) {
  const CommandLine command;
  for (const std::string stacks : {"cfi", "fp"}) {
    const Called called = command.call("run --stacks " + stacks + " -- " LEAKHUNT_RELOADS);
    ASSERT_EQ(called.out, "one place\n") << called.err;
    const recording::Run run = recording_of(command, "out/reloads");
    const Kept first = allocated_by(run, "first_library_keeps");
    const Kept second = allocated_by(run, "second_library_keeps");
    EXPECT_EQ(first.blocks, 7u) << stacks;
    EXPECT_EQ(first.bytes, 7000u);
    EXPECT_EQ(first.sites, 1u) << "a library that comes back is the one that was there";
    EXPECT_EQ(second.blocks, 5u) << stacks;
    EXPECT_EQ(second.bytes, 10000u);
    EXPECT_EQ(run.damage.note, "");
    const std::string json = command.file("out/reloads/report.json");
    EXPECT_TRUE(contains(json, "first_library_keeps") && contains(json, "second_library_keeps"));
  }
}

TEST(Names, OfCodeInNoFileAreHonest) {
  const CommandLine command;
  EXPECT_EQ(command.call("run --stacks fp -- " LEAKHUNT_MAKES_CODE).out, "made\n");
  const std::string unnamed = command.file("out/makes_code/report.json");
  EXPECT_TRUE(contains(unnamed, "\"module\": \"[anonymous code]\"")) << unnamed;
  EXPECT_FALSE(contains(unnamed, "made_at_run_time"));

  EXPECT_EQ(command.call("run --stacks fp -- " LEAKHUNT_MAKES_CODE " named").out, "made\n");
  const recording::Run run = recording_of(command, "out/makes_code");
  fs::remove("/tmp/perf-" + std::to_string(run.process.pid) + ".map");
  EXPECT_EQ(allocated_by(run, "made_at_run_time").blocks, 3u);
}

// A copy of the steps in the scratch directory: there it may be changed.
class OwnProgram : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(command_.path() / "bin");
    fs::copy_file(LEAKHUNT_STEPS, program());
  }
  fs::path program() const { return command_.path() / "bin/steps"; }

  CommandLine command_;
};

TEST_F(OwnProgram, ReportsAreTheSameOnAMachineWithoutIt) {
  EXPECT_EQ(command_.call("run -- bin/steps 100 1000 0").status, 1);
  fs::rename(command_.path() / "bin", command_.path() / "elsewhere");
  fs::rename(command_.path() / "out", command_.path() / "copied");
  for (const std::string format : {"text", "json", "massif"}) {
    const std::string file = format == "massif" ? "massif.out"
                             : format == "text" ? "report.txt"
                                                : "report.json";
    const Called called =
        command_.call("report copied/steps --format " + format, "LEAKHUNT_DEBUG_DIR=/nowhere ");
    EXPECT_EQ(called.out, command_.file("copied/steps/" + file)) << format;
    EXPECT_EQ(called.status, 1);
  }
  EXPECT_TRUE(contains(command_.file("copied/steps/report.txt"), "leak"));
  EXPECT_TRUE(contains(command_.file("copied/steps/report.json"), "steps.c"));
}

TEST_F(OwnProgram, ThatWasRebuiltWhileItRanLendsItsNamesToNobody) {
  fs::copy_file(LEAKHUNT_OTHER_LIBRARY, command_.path() / "other");
  const Called called = command_.call("run -- bin/steps 100 1000 0 replace other");
  EXPECT_EQ(called.status, 1) << called.err;
  const std::string report = command_.file("out/steps/report.txt");
  EXPECT_TRUE(contains(report, "steps+0x")) << report;
  EXPECT_TRUE(contains(unwrapped(report), "the file has changed since")) << report;
  EXPECT_FALSE(contains(report, "steps.c")) << report;
}

TEST_F(OwnProgram, ThatWasDeletedWhileItRanIsNamedByItsPlace) {
  const Called called = command_.call("run -- bin/steps 100 1000 0 remove");
  EXPECT_EQ(called.status, 1) << called.err;
  const std::string report = command_.file("out/steps/report.txt");
  EXPECT_TRUE(contains(report, "steps+0x")) << report;
  EXPECT_TRUE(contains(unwrapped(report), "the file is gone")) << report;
}

TEST_F(OwnProgram, WithoutSymbolsIsNamedByItsPlaceAndTheRestOfTheStackByName) {
  ASSERT_EQ(command_.shell("strip bin/steps").status, 0);
  EXPECT_EQ(command_.call("run -- bin/steps 100 1000 0").status, 1);
  const std::string report = command_.file("out/steps/report.txt");
  EXPECT_TRUE(contains(report, "steps+0x")) << report;
  EXPECT_TRUE(contains(report, "__libc_start_main")) << report;
}

}  // namespace
}  // namespace leakhunt::cli
