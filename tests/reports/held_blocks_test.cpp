// All blocks of a heap graph: who lost them, and what goes with each root.
#include "reports/analysis/held_blocks.h"

#include <gtest/gtest.h>

#include <sstream>

#include "reports/formats/held_blocks.h"
#include "reports/report.h"
#include "tests/reports/hand_made_graph.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::GraphReason;
using recording::HeapGraph;
using recording::kNoNode;
using recording::Reach;
using recording::RootKind;
using recording::SiteId;

// Two places that stay as they are.
recording::Run run_of_two_places() {
  const auto flat = [](size_t) { return int64_t{1024}; };
  return make_run({{"heap", "keeps", flat}, {"heap", "loses", flat}});
}

void give(HeapGraph& graph, size_t node, uint32_t site, Reach reach) {
  graph.nodes[node].site = SiteId{site};
  graph.nodes[node].reach = reach;
}

std::string text_of(const recording::Run& run) {
  const Report report = analyse(run);
  std::ostringstream out;
  write_held_blocks(report, out);
  return out.str();
}

TEST(HeldBlocks, ThereAreNoneWithoutAGraph) {
  recording::Run run = run_of_two_places();
  EXPECT_EQ(text_of(run), "");
  run.graphs.emplace_back().obstacle = "no memory";
  EXPECT_EQ(text_of(run), "");
}

TEST(HeldBlocks, AreOfTheLastGraphBeforeTheEnd) {
  recording::Run run = run_of_two_places();
  run.graphs.push_back(hand_made_graph({8}, {}));
  run.graphs.back().reason = GraphReason::kEvery;
  run.graphs.back().iteration = 64;
  run.graphs.push_back(hand_made_graph({8}, {}));
  run.graphs.back().reason = GraphReason::kExit;
  EXPECT_EQ(find_held_blocks(run, analyse(run).growth).graph, &run.graphs[0]);
  EXPECT_NE(text_of(run).find("Heap graph after 64 iterations"), std::string::npos);
  run.graphs.erase(run.graphs.begin());
  EXPECT_NE(text_of(run).find("Heap graph at the program's end"), std::string::npos);
}

TEST(HeldBlocks, NameThePlacesThatLostMostFirst) {
  recording::Run run = run_of_two_places();
  HeapGraph graph = hand_made_graph({100, 20, 30, 4000}, {{kNoNode, 3}, {1, 2}});
  give(graph, 0, 0, Reach::kPossible);
  give(graph, 1, 1, Reach::kDefinite);
  give(graph, 2, 1, Reach::kIndirect);
  give(graph, 3, 0, Reach::kReachable);
  add_site_sums(graph);
  run.graphs.push_back(graph);
  const GrowthMap growth = analyse(run).growth;
  const HeldBlocks blocks = find_held_blocks(run, growth);
  EXPECT_EQ(blocks.held[static_cast<size_t>(Reach::kReachable)].bytes, 4000u);
  ASSERT_EQ(blocks.lost.size(), 2u);
  EXPECT_EQ(growth.places[blocks.lost[0].place].sites, std::vector{SiteId{1}});
  EXPECT_EQ(blocks.lost[0].held[static_cast<size_t>(Reach::kIndirect)].bytes, 30u);
  const std::string text = text_of(run);
  EXPECT_LT(text.find("loses.cpp:10"), text.find("keeps.cpp:10")) << text;
}

TEST(HeldBlocks, SayWhatEachVariableHoldsAlone) {
  recording::Run run = run_of_two_places();
  // 0 is held by `table` at two slots, 1 behind it; 2 is held by both variables.
  HeapGraph graph = hand_made_graph(
      {10, 200, 3000},
      {{kNoNode, 0, 0x100}, {kNoNode, 0, 0x108}, {0, 1}, {kNoNode, 2, 0x108}, {kNoNode, 2, 0x200}});
  run.graphs.push_back(graph);
  run.data_names.variables[0x100] = {"table", 0, ""};
  run.data_names.variables[0x108] = {"table", 8, ""};
  run.data_names.variables[0x200] = {"other", 0, ""};
  const HeldBlocks blocks = find_held_blocks(run, analyse(run).growth);
  ASSERT_EQ(blocks.roots.size(), 1u);
  EXPECT_EQ(blocks.roots[0].bytes, 210u);
  EXPECT_NE(text_of(run).find("210 B  global 'table'\n"), std::string::npos) << text_of(run);
}

// A pointer that is left over on a stack takes nothing away from the variable that holds the block.
TEST(HeldBlocks, OnAStackCountOnlyWhereNothingElseHoldsThem) {
  recording::Run run = run_of_two_places();
  HeapGraph graph = hand_made_graph({10, 200}, {{kNoNode, 0, 0x100},
                                                {kNoNode, 0, 0x7ffc, 0, RootKind::kStack},
                                                {kNoNode, 1, 0x7ffd, 0, RootKind::kStack}});
  run.graphs.push_back(graph);
  const HeldBlocks blocks = find_held_blocks(run, analyse(run).growth);
  ASSERT_EQ(blocks.roots.size(), 2u);
  EXPECT_EQ(blocks.roots[0].holder.root, RootKind::kStack);
  EXPECT_EQ(blocks.roots[0].bytes, 200u);
  EXPECT_EQ(blocks.roots[1].holder.root, RootKind::kData);
  EXPECT_EQ(blocks.roots[1].bytes, 10u);
}

TEST(HeldBlocks, AnEmptyHeapIsSaidToBeOne) {
  recording::Run run = run_of_two_places();
  run.graphs.push_back(hand_made_graph({}, {}));
  EXPECT_NE(text_of(run).find("No block was live."), std::string::npos);
}

TEST(HeldBlocks, SayOfHowManyThreadsTheRegistersWereNotSeen) {
  recording::Run run = run_of_two_places();
  run.graphs.push_back(hand_made_graph({8}, {{kNoNode, 0}}));
  run.graphs.back().threads = 4;
  run.graphs.back().threads_parked = 2;
  run.graphs.back().threads_waiting = 1;
  EXPECT_NE(text_of(run).find("The registers of 1 thread that ran on were not seen"), std::string::npos);
  run.graphs.back().threads_waiting = 2;
  EXPECT_EQ(text_of(run).find("registers"), std::string::npos);
}

TEST(HeldBlocks, OfAPartOfTheHeapSayNothingOfRoots) {
  recording::Run run = run_of_two_places();
  run.graphs.push_back(hand_made_graph({10}, {{kNoNode, 0}}));
  run.graphs.back().whole = false;
  EXPECT_TRUE(find_held_blocks(run, analyse(run).growth).roots.empty());
}

}  // namespace
}  // namespace leakhunt::reports
