#include "reports/analysis/dominators.h"

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

// Nodes that are reached, each behind all that it leads to.
std::vector<uint32_t> postorder(const Flow& flow) {
  std::vector<uint32_t> order;
  std::vector<bool> seen(flow.to.size());
  std::vector<std::pair<uint32_t, size_t>> open{{0, 0}};
  seen[0] = true;
  while (!open.empty()) {
    auto& [node, next] = open.back();
    if (next == flow.to[node].size()) {
      order.push_back(node);
      open.pop_back();
      continue;
    }
    const uint32_t child = flow.to[node][next++];
    if (seen[child]) continue;
    seen[child] = true;
    open.emplace_back(child, 0);
  }
  return order;
}

// By place in the postorder: the place of the immediate dominator.
std::vector<uint32_t> dominators(const Flow& flow, const std::vector<uint32_t>& order) {
  std::vector<uint32_t> place(flow.to.size(), kUnknown);
  for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  const uint32_t root = static_cast<uint32_t>(order.size()) - 1;
  std::vector<uint32_t> by(order.size(), kUnknown);
  by[root] = root;
  const auto meet = [&](uint32_t a, uint32_t b) {
    while (a != b) {
      while (a < b) a = by[a];
      while (b < a) b = by[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t i = root; i-- > 0;) {
      uint32_t found = kUnknown;
      for (const uint32_t source : flow.from[order[i]]) {
        const uint32_t at = place[source];
        if (at == kUnknown || by[at] == kUnknown) continue;
        found = found == kUnknown ? at : meet(at, found);
      }
      if (by[i] == found) continue;
      by[i] = found;
      changed = true;
    }
  }
  return by;
}

}  // namespace

std::vector<uint64_t> retained_bytes(const HeapGraph& graph) {
  const Flow flow(graph);
  const std::vector<uint32_t> order = postorder(flow);
  const std::vector<uint32_t> by = dominators(flow, order);
  std::vector<uint64_t> retained(graph.nodes.size());
  for (uint32_t i = 0; i + 1 < order.size(); ++i) retained[order[i] - 1] += graph.nodes[order[i] - 1].size;
  for (uint32_t i = 0; i + 1 < order.size(); ++i) {  // a dominator comes later in the order
    const uint32_t above = order[by[i]];
    if (above != 0) retained[above - 1] += retained[order[i] - 1];
  }
  return retained;
}

}  // namespace leakhunt::reports
