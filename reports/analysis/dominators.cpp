#include "reports/analysis/dominators.h"

#include <algorithm>

namespace leakhunt::reports {

namespace {

using recording::GraphEdgeRow;
using recording::HeapGraph;
using recording::kNoNode;

constexpr uint32_t kUnknown = UINT32_MAX;

// Node 0 is all roots together; node i + 1 is the graph's node i.
struct Flow {
  std::vector<std::vector<uint32_t>> to;
  std::vector<std::vector<uint32_t>> from;

  explicit Flow(const HeapGraph& graph) : to(graph.nodes.size() + 1), from(graph.nodes.size() + 1) {
    for (const GraphEdgeRow& edge : graph.edges) {
      const uint32_t source = edge.from == kNoNode ? 0 : edge.from + 1;
      to[source].push_back(edge.to + 1);
      from[edge.to + 1].push_back(source);
    }
  }
};

// A depth-first tree of the nodes that are reached, numbered as they are met: a dominator comes before what
// it dominates.
struct Tree {
  std::vector<uint32_t> nodes;    // by number
  std::vector<uint32_t> numbers;  // by node; kUnknown: not reached
  std::vector<uint32_t> parents;  // by number
};

Tree walk(const Flow& flow) {
  Tree tree{{0}, std::vector<uint32_t>(flow.to.size(), kUnknown), {0}};
  std::vector<std::pair<uint32_t, size_t>> open{{0, 0}};
  tree.numbers[0] = 0;
  while (!open.empty()) {
    auto& [node, next] = open.back();
    if (next == flow.to[node].size()) {
      open.pop_back();
      continue;
    }
    const uint32_t child = flow.to[node][next++];
    if (tree.numbers[child] != kUnknown) continue;
    tree.numbers[child] = static_cast<uint32_t>(tree.nodes.size());
    tree.nodes.push_back(child);
    tree.parents.push_back(tree.numbers[node]);
    open.emplace_back(child, 0);
  }
  return tree;
}

// The part of the tree that was looked at: of each node, the one with the least semidominator above it.
class Forest {
 public:
  explicit Forest(size_t size) : semi(size), above_(size, kUnknown), label_(size) {
    for (uint32_t i = 0; i < size; ++i) semi[i] = label_[i] = i;
  }

  std::vector<uint32_t> semi;

  void link(uint32_t parent, uint32_t child) { above_[child] = parent; }

  uint32_t least_above(uint32_t node) {
    if (above_[node] == kUnknown) return node;
    path_.clear();
    for (uint32_t at = node; above_[above_[at]] != kUnknown; at = above_[at]) path_.push_back(at);
    for (; !path_.empty(); path_.pop_back()) {
      const uint32_t at = path_.back();
      const uint32_t above = above_[at];
      if (semi[label_[above]] < semi[label_[at]]) label_[at] = label_[above];
      above_[at] = above_[above];
    }
    return label_[node];
  }

 private:
  std::vector<uint32_t> above_;
  std::vector<uint32_t> label_;
  std::vector<uint32_t> path_;
};

// By number: that of the immediate dominator. O(edges x log(nodes)), also for long lists whose nodes point
// both ways, where iterating until nothing changes takes the square. Source: T. Lengauer and R. E. Tarjan, "A
// Fast Algorithm for Finding Dominators in a Flowgraph", ACM TOPLAS 1 (1979), the simple version.
std::vector<uint32_t> dominators(const Flow& flow, const Tree& tree) {
  const auto count = static_cast<uint32_t>(tree.nodes.size());
  Forest forest(count);
  std::vector<uint32_t> by(count, 0);
  std::vector<std::vector<uint32_t>> waiting(count);  // by semidominator
  for (uint32_t i = count; i-- > 1;) {
    for (const uint32_t source : flow.from[tree.nodes[i]]) {
      if (tree.numbers[source] == kUnknown) continue;
      forest.semi[i] = std::min(forest.semi[i], forest.semi[forest.least_above(tree.numbers[source])]);
    }
    const uint32_t parent = tree.parents[i];
    waiting[forest.semi[i]].push_back(i);
    forest.link(parent, i);
    for (const uint32_t each : waiting[parent]) {
      const uint32_t least = forest.least_above(each);
      by[each] = forest.semi[least] < forest.semi[each] ? least : parent;
    }
    waiting[parent].clear();
  }
  for (uint32_t i = 1; i < count; ++i) {
    if (by[i] != forest.semi[i]) by[i] = by[by[i]];
  }
  return by;
}

}  // namespace

std::vector<uint64_t> retained_bytes(const HeapGraph& graph) {
  const Flow flow(graph);
  const Tree tree = walk(flow);
  const std::vector<uint32_t> by = dominators(flow, tree);
  std::vector<uint64_t> retained(graph.nodes.size());
  for (size_t i = 1; i < tree.nodes.size(); ++i)
    retained[tree.nodes[i] - 1] = graph.nodes[tree.nodes[i] - 1].size;
  for (size_t i = tree.nodes.size(); i-- > 1;) {
    const uint32_t above = tree.nodes[by[i]];
    if (above != 0) retained[above - 1] += retained[tree.nodes[i] - 1];
  }
  return retained;
}

}  // namespace leakhunt::reports
