// hand_made_graph: heap graphs of a few lines, for the tests of what is concluded from them.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

struct HandMadeEdge {
  uint32_t from;  // a node, or kNoNode: a root
  uint32_t to;
  uint64_t slot = 0;
  uint64_t inside = 0;
  recording::RootKind root = recording::RootKind::kData;
};

// Whole; one site for all blocks, each 4,096 bytes behind the one before, all born in iteration 0 and
// reachable.
inline recording::HeapGraph hand_made_graph(const std::vector<uint64_t>& sizes,
                                            const std::vector<HandMadeEdge>& edges) {
  recording::HeapGraph graph;
  graph.whole = true;
  graph.blocks = sizes.size();
  for (size_t i = 0; i < sizes.size(); ++i) {
    recording::GraphNodeRow node{};
    node.address = 0x10000 + i * 4096;
    node.size = sizes[i];
    node.reach = recording::Reach::kReachable;
    node.sampled = true;
    graph.nodes.push_back(node);
  }
  for (const HandMadeEdge& edge : edges) {
    recording::GraphEdgeRow row{};
    row.from = edge.from;
    row.root = edge.root;
    row.slot = edge.slot;
    row.to = edge.to;
    row.inside = edge.inside;
    graph.edges.push_back(row);
  }
  return graph;
}

// The sums of the graph's only or several sites, from its nodes.
inline void add_site_sums(recording::HeapGraph& graph) {
  for (const recording::GraphNodeRow& node : graph.nodes) {
    while (graph.sites.size() <= static_cast<size_t>(node.site))
      graph.sites.push_back({recording::SiteId{static_cast<uint32_t>(graph.sites.size())}, false, {}});
    recording::ReachCount& held =
        graph.sites[static_cast<size_t>(node.site)].held[static_cast<size_t>(node.reach)];
    held.blocks += 1;
    held.bytes += node.size;
  }
}

}  // namespace leakhunt::reports
