// What would go with each block, held against its definition: what no root reaches any more once it is taken
// out.
#include "reports/analysis/dominators.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/reports/hand_made_graph.h"

namespace leakhunt::reports {
namespace {

using recording::GraphEdgeRow;
using recording::HeapGraph;
using recording::kNoNode;

std::vector<bool> reached_without(const HeapGraph& graph, uint32_t taken_out) {
  std::vector<bool> reached(graph.nodes.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (const GraphEdgeRow& edge : graph.edges) {
      const bool held = edge.from == kNoNode || (reached[edge.from] && edge.from != taken_out);
      if (!held || edge.to == taken_out || reached[edge.to]) continue;
      reached[edge.to] = changed = true;
    }
  }
  return reached;
}

std::vector<uint64_t> naive_retained_bytes(const HeapGraph& graph) {
  const std::vector<bool> all = reached_without(graph, kNoNode);
  std::vector<uint64_t> retained(graph.nodes.size());
  for (uint32_t node = 0; node < graph.nodes.size(); ++node) {
    if (!all[node]) continue;
    const std::vector<bool> rest = reached_without(graph, node);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (all[i] && !rest[i]) retained[node] += graph.nodes[i].size;
    }
  }
  return retained;
}

TEST(Dominators, OfAnEmptyGraphThereIsNothing) {
  EXPECT_TRUE(retained_bytes(HeapGraph()).empty());
}

TEST(Dominators, AListRetainsWhatIsBehindEachOfIts) {
  const HeapGraph graph = hand_made_graph({1, 2, 4}, {{kNoNode, 0}, {0, 1}, {1, 2}});
  EXPECT_EQ(retained_bytes(graph), (std::vector<uint64_t>{7, 6, 4}));
}

TEST(Dominators, WhatTwoHoldIsRetainedByTheOneAboveBoth) {
  const HeapGraph graph = hand_made_graph({1, 2, 4, 8}, {{kNoNode, 0}, {0, 1}, {0, 2}, {1, 3}, {2, 3}});
  EXPECT_EQ(retained_bytes(graph), (std::vector<uint64_t>{15, 2, 4, 8}));
}

TEST(Dominators, WhatARootHoldsAsWellNobodyRetains) {
  const HeapGraph graph = hand_made_graph({1, 2}, {{kNoNode, 0}, {0, 1}, {kNoNode, 1}});
  EXPECT_EQ(retained_bytes(graph), (std::vector<uint64_t>{1, 2}));
}

TEST(Dominators, WhatNoRootReachesRetainsNothing) {
  const HeapGraph graph = hand_made_graph({1, 2, 4}, {{kNoNode, 0}, {1, 2}, {2, 1}, {1, 0}});
  EXPECT_EQ(retained_bytes(graph), (std::vector<uint64_t>{1, 0, 0}));
}

TEST(Dominators, AreWhatTheirDefinitionSaysInRandomGraphs) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const uint32_t nodes = 1 + static_cast<uint32_t>(random() % 25);
    std::vector<uint64_t> sizes;
    for (uint32_t i = 0; i < nodes; ++i) sizes.push_back(random() % 1000);
    std::vector<HandMadeEdge> edges;
    for (uint32_t i = 0, count = static_cast<uint32_t>(random() % (3 * nodes)); i < count; ++i)
      edges.push_back({random() % 6 == 0 ? kNoNode : static_cast<uint32_t>(random() % nodes),
                       static_cast<uint32_t>(random() % nodes)});
    const HeapGraph graph = hand_made_graph(sizes, edges);
    ASSERT_EQ(retained_bytes(graph), naive_retained_bytes(graph)) << "seed " << seed;
  }
}

// A recursion would not survive it.
TEST(Dominators, OfAVeryLongListAreFoundToo) {
  constexpr uint32_t kLong = 300'000;
  std::vector<HandMadeEdge> edges{{kNoNode, 0}};
  for (uint32_t i = 0; i + 1 < kLong; ++i) edges.push_back({i, i + 1});
  const auto retained = retained_bytes(hand_made_graph(std::vector<uint64_t>(kLong, 1), edges));
  EXPECT_EQ(retained.front(), kLong);
  EXPECT_EQ(retained.back(), 1u);
}

// As a document is held in memory: each element points to the next one, to the one before and to its parent.
// Where the work grows as the square of their number, this takes minutes.
TEST(Dominators, OfAsManyElementsAsAWholeGraphHasThatPointBothWays) {
  constexpr uint32_t kMany = 32'000;
  std::vector<HandMadeEdge> edges{{kNoNode, 0}, {0, 1}, {0, kMany - 1}};
  for (uint32_t i = 1; i < kMany; ++i) {
    edges.push_back({i, 0});
    if (i + 1 < kMany) edges.push_back({i, i + 1});
    if (i > 1) edges.push_back({i, i - 1});
  }
  const auto retained = retained_bytes(hand_made_graph(std::vector<uint64_t>(kMany, 1), edges));
  EXPECT_EQ(retained.front(), kMany);
  EXPECT_EQ(retained[kMany / 2], 1u);
}

}  // namespace
}  // namespace leakhunt::reports
