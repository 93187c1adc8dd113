// leakhunt run and the children of the program: each in a recording of its own, in one report.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "lib/recording/reader.h"
#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

namespace fs = std::filesystem;
using Recorded = recording::Run;

const std::string kTree = LEAKHUNT_TARGETS "/process_tree ";

struct Totals {
  uint64_t allocations = 0;
  uint64_t bytes = 0;
  uint64_t frees = 0;
  bool operator==(const Totals&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Totals& totals) {
  return out << totals.allocations << " allocations of " << totals.bytes << " bytes, " << totals.frees
             << " frees";
}

// What process_tree does with BLOCKS.
Totals expected(uint64_t blocks) {
  return {blocks, blocks * 100, blocks / 4};
}

Totals totals_of(const Recorded& run, const std::string& tag) {
  Totals totals;
  for (const recording::CallSite& site : run.sites) {
    if (run.tags.at(static_cast<size_t>(site.tag)).name != tag) continue;
    totals.allocations += site.total.allocations;
    totals.bytes += site.total.allocated_bytes;
    totals.frees += site.total.frees;
  }
  return totals;
}

Recorded read(const fs::path& file) {
  auto run = recording::read_recording(file.string());
  if (!run) {
    ADD_FAILURE() << run.error().message;
    return {};
  }
  EXPECT_EQ(run->damage.note, "") << file;
  return std::move(*run);
}

std::vector<Recorded> children(const CommandLine& command, const std::string& out = "out/process_tree") {
  std::vector<Recorded> runs;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(command.path() / out / "processes", ignored))
    runs.push_back(read(entry.path()));
  return runs;
}

nlohmann::json report(const CommandLine& command, const std::string& out = "out/process_tree") {
  return nlohmann::json::parse(command.file(out + "/report.json"));
}

class OneChild : public testing::TestWithParam<const char*> {};

TEST_P(OneChild, IsCountedExactlyAndByItself) {
  const CommandLine command;
  const Called called = command.call("run -- " + kTree + GetParam() + " 400");
  EXPECT_EQ(called.status, 0) << called.err;
  size_t found = 0;
  for (const Recorded& run : children(command)) {
    if (totals_of(run, "child").allocations == 0) continue;
    ++found;
    EXPECT_EQ(totals_of(run, "child"), expected(400));
    EXPECT_EQ(totals_of(run, "parent"), expected(0));
    EXPECT_TRUE(run.complete());
  }
  EXPECT_EQ(found, 1u);
  const Recorded root = read(command.path() / "out/process_tree/recording.lhr");
  EXPECT_EQ(totals_of(root, "parent"), expected(10));
  EXPECT_EQ(totals_of(root, "child"), expected(0));
}

INSTANTIATE_TEST_SUITE_P(ProcessTree, OneChild,
                         testing::Values("fork", "_fork", "forkpty", "thread_fork", "vfork", "spawn",
                                         "spawnp", "system", "popen", "nested", "clone", "sys_fork",
                                         "sys_clone", "sys_clone3", "clone_vm", "execveat", "sys_execve",
                                         "sys_execveat", "fexecve", "wordexp"),
                         [](const auto& each) { return std::string(each.param); });

TEST(ProcessTree, ParentsAreKnownThroughAllGenerations) {
  const CommandLine command;
  command.call("run -- " + kTree + "nested 400");
  std::vector<uint64_t> chain = {read(command.path() / "out/process_tree/recording.lhr").process.pid};
  const std::vector<Recorded> runs = children(command);
  ASSERT_EQ(runs.size(), 3u);
  for (size_t generation = 0; generation < 3; ++generation) {
    for (const Recorded& run : runs) {
      if (run.process.parent_pid != chain.back()) continue;
      chain.push_back(run.process.pid);
      break;
    }
  }
  EXPECT_EQ(chain.size(), 4u);
  EXPECT_EQ(report(command)["processes"].size(), 4u);
  EXPECT_EQ(report(command)["processes_total"]["processes"], 4);
}

TEST(ProcessTree, ThreadsThatAllocateDuringTheForkDisturbNoChild) {
  const CommandLine command;
  const Called called = command.call("run -- " + kTree + "threads 200");
  EXPECT_NE(called.status, 3) << called.err;
  const std::vector<Recorded> runs = children(command);
  EXPECT_EQ(runs.size(), 200u);
  for (const Recorded& run : runs) {
    EXPECT_EQ(totals_of(run, "child"), expected(100));
    EXPECT_EQ(totals_of(run, "heap").allocations, 0u);
    EXPECT_TRUE(run.complete());
  }
}

TEST(ProcessTree, ManyChildrenAtOnceAreAllThere) {
  const CommandLine command;
  EXPECT_EQ(command.call("run -- " + kTree + "many 200").status, 0);
  const std::vector<Recorded> runs = children(command);
  EXPECT_EQ(runs.size(), 200u);
  for (const Recorded& run : runs) EXPECT_EQ(totals_of(run, "child"), expected(100));
  EXPECT_EQ(report(command)["processes_total"]["processes"], 201);
  EXPECT_EQ(report(command)["processes"].size(), 201u);
  EXPECT_TRUE(contains(command.file("out/process_tree/report.txt"), "… and 181 more"));
}

TEST(ProcessTree, APoolOfTheParentsIsEmptyInTheChild) {
  const CommandLine command;
  EXPECT_EQ(command.call("run -- " + kTree + "pool").status, 0);
  const std::vector<Recorded> runs = children(command);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(totals_of(runs[0], "pool"), (Totals{12, 120, 12}));
  EXPECT_EQ(totals_of(read(command.path() / "out/process_tree/recording.lhr"), "pool"),
            (Totals{10, 10'000, 0}));
}

TEST(ProcessTree, ALeakInAChildFailsTheRunAndNamesTheProcess) {
  const CommandLine command;
  const Called called = command.call("run -- " + kTree + "leaks 200");
  EXPECT_EQ(called.status, 1) << called.err;
  const nlohmann::json json = report(command);
  EXPECT_EQ(json["verdict"], "fail");
  ASSERT_EQ(json["processes"].size(), 2u);
  EXPECT_EQ(json["processes"][0]["verdict"], "pass");
  EXPECT_EQ(json["processes"][1]["verdict"], "fail");
  EXPECT_EQ(json["processes"][1]["growth_bytes_per_iteration"], 64);
  EXPECT_EQ(json["processes"][1]["parent_pid"], json["processes"][0]["pid"]);
  const std::string who = "process " + std::to_string(json["processes"][1]["pid"].get<int>()) + " (";
  const std::string text = unwrapped(command.file("out/process_tree/report.txt"));
  EXPECT_TRUE(contains(text, who)) << text;
  EXPECT_TRUE(contains(text, "leak in tag heap, (anonymous namespace)::leak (process_tree.cpp:")) << text;
  command.call("run --max-growth 100 -- " + kTree + "leaks 200");
  EXPECT_EQ(report(command)["processes"][1]["verdict"], "pass");
}

TEST(ProcessTree, TheReportOfAChildAloneAndOfTheTreeAgainAreTheSame) {
  const CommandLine command;
  command.call("run -- " + kTree + "leaks 200");
  const Called again = command.call("report out/process_tree");
  EXPECT_EQ(again.status, 1);
  EXPECT_EQ(again.out, command.file("out/process_tree/report.txt"));
  const Called alone = command.shell(LEAKHUNT_BIN "/leakhunt report out/process_tree/processes/*.lhr");
  EXPECT_EQ(alone.status, 1);
  EXPECT_TRUE(contains(alone.out, "FAIL  ")) << alone.out;
  EXPECT_TRUE(contains(alone.out, "(anonymous namespace)::leak")) << alone.out;
}

TEST(ProcessTree, AKilledChildIsReadUpToItsLastIteration) {
  const CommandLine command;
  command.call("run -- " + kTree + "killed 400");
  const std::vector<Recorded> runs = children(command);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(totals_of(runs[0], "child"), expected(400));
  EXPECT_FALSE(runs[0].complete());
  EXPECT_TRUE(contains(command.file("out/process_tree/report.txt"), "no orderly end"));
}

TEST(ProcessTree, AChildBehindTheBackOfLibcIsNotRecordedAndNotHurt) {
  const CommandLine command;
  EXPECT_EQ(command.call("run -- " + kTree + "raw 400").status, 0);
  EXPECT_FALSE(command.has("out/process_tree/processes"));
  EXPECT_FALSE(report(command).contains("processes"));
  EXPECT_FALSE(contains(command.file("out/process_tree/report.txt"), "Processes"));
}

TEST(ProcessTree, ADaemonGoesOnBeingRecorded) {
  const CommandLine command;
  const std::string stop = (command.path() / "stop").string();
  const Called called = command.call("run -- " + kTree + "daemon " + stop);
  EXPECT_EQ(called.status, 0) << called.err;
  EXPECT_TRUE(contains(command.file("out/process_tree/report.txt"), "still running"));
  std::ofstream(stop) << "now";
  size_t complete = 0;
  for (int look = 0; look < 500 && complete != 2; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    complete = 0;
    for (const Recorded& run : children(command)) complete += run.complete() ? 1 : 0;
  }
  ASSERT_EQ(complete, 2u);
  const Called again = command.call("report out/process_tree");
  EXPECT_TRUE(contains(again.out, "ended later")) << again.out;
  uint64_t allocations = 0;
  for (const Recorded& run : children(command)) allocations += totals_of(run, "child").allocations;
  EXPECT_EQ(allocations, 800u);
}

TEST(ProcessTree, APipelineOfAShellIsAProcessForEachPart) {
  const CommandLine command;
  const Called called = command.call("run -- sh -c 'printf \"b\\na\\n\" | sort | cat; exit 3'");
  EXPECT_EQ(called.out, "a\nb\n");
  EXPECT_EQ(called.status, 3);
  std::vector<std::string> programs;
  for (const Recorded& run : children(command, "out/sh"))
    programs.push_back(fs::path(run.process.command_line.at(0)).filename().string());
  std::sort(programs.begin(), programs.end());
  EXPECT_EQ(programs, (std::vector<std::string>{"cat", "sh", "sort"}));
}

class Environment : public testing::TestWithParam<const char*> {};

TEST_P(Environment, OfAChildsProgramIsWhatItWouldBeWithoutUs) {
  const CommandLine command;
  const std::string before = "env -i A=1 LD_PRELOAD=" LEAKHUNT_OTHER_LIBRARY " B=2 PATH=\"$PATH\" ";
  for (const std::string program : {"/usr/bin/env", LEAKHUNT_STATIC_ENVIRONMENT}) {
    std::string line = kTree;
    line.append("run ").append(GetParam()).append(" ").append(program);
    const Called plain = command.shell(before + line);
    EXPECT_TRUE(contains(plain.out, "\nLD_PRELOAD=")) << plain.out;
    for (const std::string follow : {"yes", "no"}) {
      std::string call = "run --follow-fork=";
      call.append(follow).append(" -- ").append(line);
      const Called ours = command.call(call, before);
      EXPECT_EQ(ours.out, plain.out) << line << " with --follow-fork=" << follow;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ProcessTree, Environment,
                         testing::Values("fork", "vfork", "spawn", "spawnp", "system", "popen", "clone_vm",
                                         "execveat", "sys_execve", "sys_execveat", "fexecve", "wordexp"),
                         [](const auto& each) { return std::string(each.param); });

TEST(ProcessTree, ChildrenAreNotFollowedUnlessTheyAreToBe) {
  const CommandLine command;
  for (const std::string how : {"fork", "vfork", "spawn", "system", "popen"}) {
    std::string call = "run --follow-fork=no -- ";
    call.append(kTree).append(how).append(" 400");
    EXPECT_EQ(command.call(call).status, 0);
    EXPECT_FALSE(command.has("out/process_tree/processes")) << how;
  }
  EXPECT_EQ(command.call("run --follow-fork=perhaps -- true").status, 2);
}

TEST(ProcessTree, AChildThatMayWriteNoFileGoesOn) {
  const CommandLine command;
  const Called called =
      command.call("run -- bash -c 'ulimit -f 0; (exit 3); echo $?; /bin/true; exit 5' | cat");
  EXPECT_EQ(called.out, "3\n");
  EXPECT_TRUE(contains(called.err, "bash ended with status 5")) << called.err;
}

TEST(ProcessTree, AnEarlierRunsChildrenAreNotTakenForThisOnes) {
  const CommandLine command;
  command.call("run -- " + kTree + "many 5");
  EXPECT_EQ(children(command).size(), 5u);
  command.call("run -- " + kTree + "fork 10");
  EXPECT_EQ(children(command).size(), 1u);
  command.call("run -- " + kTree + "child 10");
  EXPECT_FALSE(command.has("out/process_tree/processes"));
}

TEST(ProcessTree, ARecordingInsideARecordingIsItsOwn) {
  const CommandLine command;
  const Called called =
      command.call("run --out outer -- " LEAKHUNT_BIN "/leakhunt run --out inner -- " + kTree + "fork 400");
  EXPECT_EQ(called.status, 0) << called.err;
  EXPECT_EQ(totals_of(read(command.path() / "inner/recording.lhr"), "parent"), expected(10));
  const std::vector<Recorded> runs = children(command, "inner");
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(totals_of(runs[0], "child"), expected(400));
}

TEST(ProcessTree, WhatAShellDoesIsTheSameWithUs) {
  const CommandLine command;
  for (const std::string line :
       {"sh -c 'exit 7' && echo no || echo yes", "sh -c 'kill -TERM $$'; echo $?",
        "echo $(echo $(echo deep)); (exit 4); echo $?", "trap 'echo trapped' USR1; kill -USR1 $$; wait",
        "sleep 0 & wait $!; echo $?", "cat <<EOF\ntext\nEOF", "ls /proc/self/fd | wc -l",
        "ulimit -n 5; echo a | cat"}) {
    std::ofstream(command.path() / "script") << line << '\n';
    const Called plain = command.shell("sh script");
    const Called ours = command.call("run -- sh script");
    EXPECT_EQ(ours.out, plain.out) << line;
    EXPECT_TRUE(ours.err.starts_with(plain.err)) << line << '\n' << ours.err;
  }
}

}  // namespace
}  // namespace leakhunt::cli
