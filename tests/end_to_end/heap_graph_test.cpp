// Heap graphs: every way of being held or lost, held against LeakSanitizer and memcheck; and nothing that a
// program can see of them, whatever happens to them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "lib/recording/reader.h"
#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::GraphReason;
using recording::HeapGraph;
using recording::Reach;
using recording::Run;

using Answers = std::map<uint64_t, std::multiset<std::string>>;  // size of the blocks -> what is said of them

// What a heap graph, memcheck and LeakSanitizer say of the blocks of tests/targets/heap_shapes.cpp.
// LeakSanitizer says nothing of blocks that it can reach. docs/heap-graph.md explains where they differ.
struct Shape {
  const char* what;
  uint64_t size;
  std::multiset<std::string> ours;
  std::multiset<std::string> memcheck;
  std::multiset<std::string> sanitizer;
};
const Shape kShapes[] = {
    {"a list from a global",
     1008,
     {"reachable", "reachable", "reachable"},
     {"reachable", "reachable", "reachable"},
     {}},
    {"the head of a lost chain", 1104, {"definite"}, {"definite"}, {"direct"}},
    {"its middle", 1120, {"indirect"}, {"indirect"}, {"indirect"}},
    {"its end", 1136, {"indirect"}, {"indirect"}, {"indirect"}},
    {"a pointer into the middle", 1200, {"possible"}, {"possible"}, {}},
    {"a lost circle", 1312, {"definite", "indirect"}, {"definite", "indirect"}, {"indirect", "indirect"}},
    {"on the stack of another thread", 1408, {"reachable"}, {"reachable"}, {}},
    {"thread-local", 1504, {"reachable"}, {"reachable"}, {}},
    {"thread-local, of another thread", 1520, {"reachable"}, {"reachable"}, {}},
    {"the elements of a vector", 1600, {"reachable"}, {"reachable"}, {}},
    {"in a vector", 1616, {"reachable"}, {"reachable"}, {}},
    {"a lost doubly-linked pair",
     1712,
     {"definite", "indirect"},
     {"definite", "indirect"},
     {"indirect", "indirect"}},
    {"a pointer that is hidden", 1808, {"definite"}, {"definite"}, {"direct"}},
    {"in a chunk that mmap gave", 1904, {"reachable"}, {"reachable"}, {"direct"}},
    {"in such a chunk, itself hidden", 1920, {"reachable"}, {"reachable"}, {"direct"}},
    {"seen as the second base class", 2000, {"reachable"}, {"reachable"}, {}},
    {"an array with its length in front", 2008, {"reachable"}, {"reachable"}, {}},
    {"a list whose links point to links", 2104, {"possible", "possible"}, {"possible", "possible"}, {}},
    {"a queue with a pointer to its last link",
     2208,
     {"reachable", "reachable"},
     {"reachable", "reachable"},
     {}},
    {"a pointer behind the end", 2304, {"definite"}, {"definite"}, {"direct"}},
    {"a pointer with a tag in its lowest bits", 2320, {"possible"}, {"possible"}, {}},
    {"seen as a base class without virtual functions", 2400, {"possible"}, {"possible"}, {}},
    {"seen as a virtual base class", 2504, {"reachable"}, {"reachable"}, {}},
    {"a circle of shared_ptr with a weak_ptr to it",
     2616,
     {"reachable", "reachable"},
     {"reachable", "reachable"},
     {}},
    {"held by its value behind a count", 2816, {"possible"}, {"possible"}, {}},
    {"nodes of a lost std::list",
     3016,
     {"indirect", "indirect"},
     {"indirect", "indirect"},
     {"indirect", "indirect"}},
    {"a node of a lost std::map", 3136, {"indirect"}, {"indirect"}, {"indirect"}},
    {"the elements of a lost std::vector", 3200, {"indirect"}, {"indirect"}, {"indirect"}},
    {"a string in it", 3300, {"indirect"}, {"indirect"}, {"indirect"}},
    {"a lost strdup", 3500, {"definite"}, {"definite"}, {"direct"}},
    {"a pool that is held by what was made in it", 3600, {"possible"}, {"possible"}, {}},
    {"held by what was made in it", 3704, {"possible", "possible"}, {"possible", "possible"}, {}},
    {"a value of a thread that ended", 3808, {"definite"}, {"definite"}, {"direct"}},
    {"lost by a thread that ended", 3904, {"definite"}, {"definite"}, {"direct"}},
    {"held from shared memory", 4008, {"reachable"}, {"reachable"}, {"direct"}},
    {"a thread's value of an early key", 4104, {"reachable"}, {"reachable"}, {}},
    {"a thread's value of a late key", 4208, {"reachable"}, {"reachable"}, {}},
    {"in front of a block that was freed", 4408, {"definite"}, {"definite"}, {"direct"}},
};
// Lost as well: what the lost containers are, and the two hidden mappings.
const std::set<uint64_t> kOtherLost = {24, 48, 1 << 16, 1 << 20};

std::string word_of(Reach reach) {
  const char* const words[] = {"definite", "indirect", "possible", "reachable"};
  return words[static_cast<size_t>(reach)];
}

Answers answers_of(const HeapGraph& graph) {
  Answers answers;
  for (const auto& node : graph.nodes) answers[node.size].insert(word_of(node.reach));
  return answers;
}

// Of every match: size of all blocks, their number, and the word (in the third group or the fourth).
Answers answers_in(std::string text, const std::string& pattern) {
  text.erase(std::remove(text.begin(), text.end(), ','), text.end());
  Answers answers;
  const std::regex expression(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) {
    std::string word = at->str(3).empty() ? at->str(4) : at->str(3);
    const std::map<std::string, std::string> ours{
        {"possib", "possible"}, {"Direct", "direct"}, {"Indirect", "indirect"}};
    if (const auto other = ours.find(word); other != ours.end()) word = other->second;
    const uint64_t blocks = std::stoull(at->str(2));
    for (uint64_t i = 0; i < blocks; ++i) answers[std::stoull(at->str(1)) / blocks].insert(word);
  }
  return answers;
}

void expect_answers(const Answers& answers, std::multiset<std::string> Shape::*expected) {
  for (const Shape& shape : kShapes) {
    const auto found = answers.find(shape.size);
    EXPECT_EQ(found == answers.end() ? std::multiset<std::string>() : found->second, shape.*expected)
        << shape.what;
  }
}

const HeapGraph* last_graph(const Run& run) {
  return run.graphs.empty() ? nullptr : &run.graphs.back();
}

TEST(HeapGraph, TellsEveryWayOfBeingHeldOrLost) {
  const Recorded result = recorded(target("heap_shapes"), "export LEAKHUNT_GRAPH=exit;");
  ASSERT_EQ(result.finished.exit_status, 0) << result.finished.err;
  ASSERT_EQ(result.run.graphs.size(), 1u);
  const HeapGraph& graph = result.run.graphs[0];
  EXPECT_EQ(graph.reason, GraphReason::kExit);
  EXPECT_TRUE(graph.whole) << graph.obstacle;
  EXPECT_EQ(graph.threads, 2u);
  EXPECT_EQ(graph.threads_parked + graph.threads_waiting, 2u);
  expect_answers(answers_of(graph), &Shape::ours);
}

// Neither libc's nor libstdc++'s: not the vectors of threads' data, of a thread that ended either.
TEST(HeapGraph, AccusesNobodyElse) {
  const Recorded result = recorded(target("heap_shapes"), "export LEAKHUNT_GRAPH=exit;");
  ASSERT_EQ(result.run.graphs.size(), 1u);
  std::set<uint64_t> known = kOtherLost;
  for (const Shape& shape : kShapes) known.insert(shape.size);
  for (const auto& node : result.run.graphs[0].nodes) {
    EXPECT_TRUE(node.reach == Reach::kReachable || known.contains(node.size))
        << node.size << " bytes " << word_of(node.reach);
  }
}

TEST(HeapGraph, MemcheckSaysTheSame) {
  if (std::system("command -v valgrind > /dev/null") != 0) GTEST_SKIP() << "valgrind is not installed";
  const Finished memcheck =
      run_command("valgrind --leak-check=full --show-leak-kinds=all " + target("heap_shapes"));
  expect_answers(
      answers_in(
          memcheck.err,
          R"((?:\d+ \()?(\d+)(?: direct \d+ indirect\))? bytes in (\d+) blocks are (?:(?:(definite|indirect|possib)ly|still) (?:lost|(reachable)))?)"),
      &Shape::memcheck);
}

TEST(HeapGraph, LeakSanitizerDiffersWhereItIsSaid) {
  const Finished sanitizer = run_command(target("heap_shapes_lsan"));
  expect_answers(
      answers_in(std::regex_replace(sanitizer.err,
                                    std::regex("(Direct|Indirect) leak of (\\d+) byte\\(s\\) in (\\d+)"),
                                    "$2 in $3 is $1"),
                 R"((\d+) in (\d+) is (Direct|Indirect))"),
      &Shape::sanitizer);
}

// --- nothing that a program can see

TEST(HeapGraph, TheProgramSeesNoChildNoSignalAndNoDescriptor) {
  const std::string command = target("heap_graph_hard_times sees_no_child");
  const Recorded result = recorded(command, "export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.out, run_command(command).out);
  EXPECT_EQ(result.finished.err, "");
  EXPECT_GE(result.run.graphs.size(), 10u);
}

TEST(HeapGraph, TheEndOfItsProcessIsNotThatOfTheProgram) {
  const Recorded result =
      recorded(target("heap_graph_hard_times kills_the_scanner"), "export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  ASSERT_EQ(result.finished.out, "killed\n");
  const bool said = std::any_of(
      result.run.graphs.begin(), result.run.graphs.end(),
      [](const HeapGraph& graph) { return graph.obstacle == "the process that scanned the heap was ended"; });
  EXPECT_TRUE(said);
  EXPECT_TRUE(result.run.complete());
  EXPECT_TRUE(result.run.step_asides.empty());
}

TEST(HeapGraph, SixtyFourAllocatingThreadsStandStillAndGoOn) {
  const Recorded result =
      recorded(target("heap_graph_hard_times many_threads"), "export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_EQ(result.finished.out, "64 threads\n");
  const HeapGraph* graph = last_graph(result.run);
  ASSERT_NE(graph, nullptr);
  EXPECT_EQ(graph->obstacle, "");
  EXPECT_TRUE(result.run.complete());
}

// The gate opens by itself when whoever closed it does not run; and the copy knows who waits there no longer.
TEST(HeapGraph, NobodyStandsStillAsLongAsWhoTakesItHasNoProcessor) {
  const Recorded result = recorded(target("stops_who_copies allocates"), "export LEAKHUNT_GRAPH=every=1;");
  if (result.finished.out == "not allowed\n") GTEST_SKIP() << "a child may not trace its parent here";
  EXPECT_EQ(result.finished.out, "went on\n");
  ASSERT_GE(result.run.graphs.size(), 1u);
  const HeapGraph& graph = result.run.graphs[0];
  EXPECT_EQ(graph.obstacle, "");
  EXPECT_EQ(graph.threads, 2u);
  EXPECT_TRUE(result.run.complete());
}

TEST(HeapGraph, WhoWaitedAndWaitsNoLongerIsNotTakenToStandThere) {
  const Recorded result = recorded(target("stops_who_copies wakes"), "export LEAKHUNT_GRAPH=every=1;");
  if (result.finished.out == "not allowed\n") GTEST_SKIP() << "a child may not trace its parent here";
  EXPECT_EQ(result.finished.out, "went on\n");
  ASSERT_GE(result.run.graphs.size(), 1u);
  EXPECT_EQ(result.run.graphs[0].threads_waiting, 0u);
  EXPECT_EQ(answers_of(result.run.graphs[0])[1234], std::multiset<std::string>{"possible"});
}

// Threads that ran on, in all graphs of a program that loses nothing.
uint64_t expect_that_nothing_is_lost(const std::string& program) {
  const Recorded result = recorded(program, "export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.out, run_command(program).out);
  uint64_t graphs = 0;
  uint64_t ran_on = 0;
  for (const HeapGraph& graph : result.run.graphs) {
    if (!graph.obstacle.empty()) continue;
    ++graphs;
    ran_on += graph.threads - graph.threads_parked - graph.threads_waiting;
    for (const recording::GraphSiteRow& row : graph.sites) {
      for (const Reach reach : {Reach::kDefinite, Reach::kIndirect})
        EXPECT_EQ(row.held[static_cast<size_t>(reach)].blocks, 0u)
            << word_of(reach) << " in graph " << graph.number << ", site " << static_cast<uint32_t>(row.site);
    }
  }
  EXPECT_GE(graphs, 5u);
  return ran_on;
}

// Registers of threads that ran on are not seen: what they may hold is lost possibly, and never for certain.
TEST(HeapGraph, NothingIsLostThatIsHandedFromRegisterToRegister) {
  EXPECT_GT(expect_that_nothing_is_lost(target("shuffles_pointers")), 0u);
}

TEST(HeapGraph, NothingIsLostThatIsBehindABlockWhichReallocMoves) {
  expect_that_nothing_is_lost(target("shuffles_pointers parks"));
}

// The kernel keeps such a register for itself; what earlier calls left below the stack pointer has it as
// well.
TEST(HeapGraph, WhatOnlyAWaitingThreadsRegisterHoldsIsNotLostForCertain) {
  const Recorded result = recorded(target("waits_with_a_pointer"), "export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.out, "read 1 byte\n");
  ASSERT_GE(result.run.graphs.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const HeapGraph& graph = result.run.graphs[i];
    EXPECT_EQ(graph.threads_waiting, 1u);
    EXPECT_EQ(answers_of(graph)[1234], std::multiset<std::string>{"possible"}) << "graph " << i;
  }
}

// Where that is wiped, nobody knows; but the function that waits uses such a register.
TEST(HeapGraph, WhatARegisterInUseMayHoldIsNotLostForCertain) {
  const Recorded result = recorded(target("waits_with_a_pointer wiped"), "export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.out, "read 1 byte\n");
  ASSERT_GE(result.run.graphs.size(), 2u);
  EXPECT_EQ(result.run.graphs[0].threads_waiting, 1u);
  EXPECT_EQ(answers_of(result.run.graphs[0])[1234], std::multiset<std::string>{"possible"});
}

TEST(HeapGraph, ForksOfTheProgramAreItsOwn) {
  const Recorded result = recorded(target("heap_graph_hard_times forks"), "export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_EQ(result.finished.out, "bad 0\n");
  EXPECT_GE(result.run.graphs.size(), 5u);
}

TEST(HeapGraph, WithoutMemoryThereIsNoneAndTheProgramGoesOn) {
  // Room for the program and its recording, and not for the graph's 24 MB.
  const Recorded result = recorded(target("heap_graph_hard_times keeps_a_list"),
                                   "ulimit -v 32000; export LEAKHUNT_GRAPH=every=1;");
  EXPECT_EQ(result.finished.exit_status, 0) << result.finished.err;
  EXPECT_TRUE(result.run.complete());
  ASSERT_FALSE(result.run.graphs.empty());
  EXPECT_NE(result.run.graphs[0].obstacle, "");
}

TEST(HeapGraph, WithoutAProcessForItThereIsNoneAndTheProgramGoesOn) {
  if (getuid() != 0 || std::system("command -v setpriv > /dev/null") != 0)
    GTEST_SKIP() << "a limit on processes binds only others than root, and this test becomes one";
  const TemporaryFolder folder;
  const std::string file = folder.file("recording.lhr");
  ASSERT_EQ(std::system(("chmod 777 " + folder.path()).c_str()), 0);
  const std::string command =
      "setpriv --reuid 54321 --clear-groups prlimit --nproc=0 env LEAKHUNT_GRAPH=every=1 "
      "LEAKHUNT_INTERVAL_MS=0 LEAKHUNT_RECORDING=" +
      file + " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " " + target("heap_graph_hard_times keeps_a_list");
  const Finished finished = run_command(command);
  if (finished.err.find("Permission denied") != std::string::npos ||
      finished.err.find("cannot be preloaded") != std::string::npos)
    GTEST_SKIP() << "the build's folder is root's alone";
  EXPECT_EQ(finished.exit_status, 0) << finished.err;
  const auto run = recording::read_recording(file);
  ASSERT_TRUE(run);
  ASSERT_FALSE(run->graphs.empty());
  EXPECT_EQ(run->graphs[0].obstacle,
            "no process could be made for the scan: the limit on processes is reached");
  EXPECT_TRUE(run->complete());
}

// --- when one is taken

TEST(HeapGraph, AHealthyProgramPaysForNone) {
  EXPECT_TRUE(recorded(target("heap_graph_hard_times is_healthy")).run.graphs.empty());
}

TEST(HeapGraph, AProgramThatGrowsIsLookedAtInPairs) {
  const recording::Run run = recorded(target("heap_graph_hard_times keeps_a_list")).run;
  std::set<uint64_t> iterations;
  for (const HeapGraph& graph : run.graphs) {
    if (graph.reason == GraphReason::kGrowth) iterations.insert(graph.iteration);
  }
  EXPECT_TRUE(std::any_of(iterations.begin(), iterations.end(), [&](uint64_t iteration) {
    return iterations.contains(iteration + 1);
  })) << iterations.size();
}

TEST(HeapGraph, OffIsOff) {
  EXPECT_TRUE(recorded(target("heap_graph_hard_times keeps_a_list"), "export LEAKHUNT_GRAPH=off;")
                  .run.graphs.empty());
}

// --- what the report makes of it

std::string report_of(const std::string& kind, const std::string& file) {
  const TemporaryFolder folder;
  run_command(LEAKHUNT_BIN "/leakhunt run --out " + folder.path() + " -- " +
              target("heap_graph_hard_times " + kind));
  // Lines are broken by width.
  return std::regex_replace(read_file(folder.file(file)), std::regex("\\s+"), " ");
}

TEST(HeapGraphReport, NamesTheMemberThatWasOverwritten) {
  const std::string report = report_of("overwrites_next", "report.txt");
  EXPECT_NE(report.find("definitely lost"), std::string::npos) << report;
  EXPECT_NE(report.find(
                "The last reference was held by Node::next (+0x0) of a block from heap_graph_hard_times.cpp"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("it was overwritten: now it points to another block"), std::string::npos) << report;
}

TEST(HeapGraphReport, NamesTheVariableThatHoldsAList) {
  const std::string report = report_of("keeps_a_list", "report.txt");
  EXPECT_NE(report.find("still reachable"), std::string::npos) << report;
  EXPECT_NE(report.find("Held by: global '(anonymous namespace)::kept' -> "), std::string::npos) << report;
}

TEST(HeapGraphReport, NamesWhoLostBlocksThoughNothingGrows) {
  const TemporaryFolder folder;
  run_command(LEAKHUNT_BIN "/leakhunt run --graph exit --out " + folder.path() + " -- " +
              target("heap_shapes"));
  const std::string report = read_file(folder.file("report.txt"));
  EXPECT_NE(report.find("Heap graph at the program's end"), std::string::npos) << report;
  // Not libc's function, but who called it.
  EXPECT_TRUE(std::regex_search(report, std::regex("3,500 B .*lose_what_libc_gave +heap_shapes.cpp:")))
      << report;
  EXPECT_TRUE(std::regex_search(report, std::regex("B  global '.*in_pool'\n"))) << report;
}

TEST(HeapGraphReport, IsInTheJsonAsWell) {
  const std::string report = report_of("overwrites_next", "report.json");
  EXPECT_NE(report.find("\"reachability\": \"definitely lost\""), std::string::npos);
  EXPECT_NE(report.find("\"seen_iteration\": "), std::string::npos);
}

}  // namespace
}  // namespace leakhunt::end_to_end
