#include "reports/analysis/held_blocks.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "reports/analysis/chosen_graphs.h"
#include "reports/analysis/dominators.h"

namespace leakhunt::reports {

namespace {

using recording::GraphEdgeRow;
using recording::HeapGraph;
using recording::kNoNode;
using recording::kReaches;
using recording::Reach;
using recording::RootKind;
using recording::Run;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

uint64_t lost_bytes(const ReachCounts& held) {
  return held[index(Reach::kDefinite)].bytes + held[index(Reach::kIndirect)].bytes;
}

uint64_t lost_blocks(const ReachCounts& held) {
  return held[index(Reach::kDefinite)].blocks + held[index(Reach::kIndirect)].blocks;
}

void add(ReachCounts& sum, const recording::GraphSiteRow& row) {
  for (size_t i = 0; i < kReaches; ++i) {
    sum[i].blocks += row.held[i].blocks;
    sum[i].bytes += row.held[i].bytes;
  }
}

std::vector<LostPlace> lost_places(const HeapGraph& graph, const GrowthMap& growth) {
  std::vector<size_t> place_of(growth.sites.size(), growth.places.size());
  for (size_t i = 0; i < growth.places.size(); ++i) {
    for (const recording::SiteId site : growth.places[i].sites) place_of[index(site)] = i;
  }
  std::map<size_t, ReachCounts> by_place;
  for (const recording::GraphSiteRow& row : graph.sites) {
    const size_t place = index(row.site) < place_of.size() ? place_of[index(row.site)] : growth.places.size();
    if (place < growth.places.size()) add(by_place[place], row);
  }
  std::vector<LostPlace> lost;
  for (const auto& [place, held] : by_place) {
    if (lost_blocks(held) + held[index(Reach::kPossible)].blocks > 0) lost.push_back({place, held});
  }
  const auto weight = [](const LostPlace& place) {
    return std::tuple(lost_bytes(place.held), lost_blocks(place.held),
                      place.held[index(Reach::kPossible)].bytes);
  };
  std::stable_sort(lost.begin(), lost.end(),
                   [&](const LostPlace& a, const LostPlace& b) { return weight(a) > weight(b); });
  return lost;
}

// --- what goes with each root

using RootKey = std::tuple<RootKind, uint64_t, std::string>;  // thread or address; name of the variable

// Of a variable without a name its module is known.
uint64_t module_around(const Run& run, uint64_t address) {
  for (const recording::Module& module : run.modules) {
    if (address >= module.begin && address < module.end) return module.begin;
  }
  return address;
}

RootKey key_of(const Run& run, const GraphEdgeRow& edge) {
  switch (edge.root) {
    case RootKind::kData: {
      const auto name = run.data_names.variables.find(edge.slot);
      if (name == run.data_names.variables.end()) return {edge.root, module_around(run, edge.slot), ""};
      // Two of the same name in different files are told apart by where they begin.
      return {edge.root, edge.slot - name->second.offset, name->second.variable};
    }
    case RootKind::kAnonymous:
      return {edge.root, 0, ""};
    default:
      return {edge.root, edge.thread, ""};
  }
}

bool is_passing(const GraphEdgeRow& edge) {
  return edge.from == kNoNode && (edge.root == RootKind::kStack || edge.root == RootKind::kRegister);
}

std::vector<bool> reached_without_stacks(const HeapGraph& graph) {
  std::vector<std::vector<uint32_t>> to(graph.nodes.size());
  std::vector<bool> reached(graph.nodes.size());
  std::vector<uint32_t> queue;
  const auto reach = [&](uint32_t node) {
    if (reached[node]) return;
    reached[node] = true;
    queue.push_back(node);
  };
  for (const GraphEdgeRow& edge : graph.edges) {
    if (edge.from != kNoNode) to[edge.from].push_back(edge.to);
  }
  for (const GraphEdgeRow& edge : graph.edges) {
    if (edge.from == kNoNode && !is_passing(edge)) reach(edge.to);
  }
  for (size_t at = 0; at < queue.size(); ++at) {
    for (const uint32_t next : to[queue[at]]) reach(next);
  }
  return reached;
}

// The roots become blocks of no bytes, held by nothing but themselves; then what they dominate is the answer.
std::vector<RootHold> root_holds(const Run& run, const HeapGraph& graph) {
  const std::vector<bool> reached = reached_without_stacks(graph);
  HeapGraph rooted;
  rooted.nodes = graph.nodes;
  std::map<RootKey, uint32_t> numbers;
  std::vector<RootHold> roots;
  const auto root_of = [&](const GraphEdgeRow& edge) {
    const auto [place, is_new] = numbers.try_emplace(key_of(run, edge), static_cast<uint32_t>(roots.size()));
    if (is_new) {
      const bool of_thread = edge.root != RootKind::kData && edge.root != RootKind::kAnonymous;
      roots.push_back({{{}, edge.root, of_thread ? edge.thread : 0, edge.slot}, 0, 0});
      rooted.nodes.push_back({});
      GraphEdgeRow begin{};
      begin.from = kNoNode;
      begin.to = static_cast<uint32_t>(graph.nodes.size()) + place->second;
      rooted.edges.push_back(begin);
    }
    ++roots[place->second].blocks;
    return static_cast<uint32_t>(graph.nodes.size()) + place->second;
  };
  for (const GraphEdgeRow& edge : graph.edges) {
    if (is_passing(edge) && reached[edge.to]) continue;
    GraphEdgeRow same = edge;
    if (edge.from == kNoNode) same.from = root_of(edge);
    rooted.edges.push_back(same);
  }
  const std::vector<uint64_t> bytes = retained_bytes(rooted);
  for (size_t i = 0; i < roots.size(); ++i) roots[i].bytes = bytes[graph.nodes.size() + i];
  std::erase_if(roots, [](const RootHold& root) { return root.bytes == 0; });
  std::stable_sort(roots.begin(), roots.end(),
                   [](const RootHold& a, const RootHold& b) { return a.bytes > b.bytes; });
  return roots;
}

}  // namespace

HeldBlocks find_held_blocks(const Run& run, const GrowthMap& growth) {
  HeldBlocks blocks;
  const std::vector<const HeapGraph*> graphs = chosen_graphs(run);
  if (graphs.empty()) return blocks;
  blocks.graph = graphs.back();
  for (const recording::GraphSiteRow& row : blocks.graph->sites) add(blocks.held, row);
  blocks.lost = lost_places(*blocks.graph, growth);
  if (blocks.graph->whole) blocks.roots = root_holds(run, *blocks.graph);
  return blocks;
}

}  // namespace leakhunt::reports
