#include "reports/analysis/retention.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "reports/analysis/chosen_graphs.h"
#include "reports/analysis/dominators.h"

namespace leakhunt::reports {

namespace {

using recording::GraphEdgeRow;
using recording::GraphNodeRow;
using recording::GraphReason;
using recording::HeapGraph;
using recording::kNoNode;
using recording::Reach;
using recording::RootKind;
using recording::Run;
using recording::SiteId;

using Sites = std::set<SiteId>;

bool is_held(Reach reach) {
  return reach == Reach::kReachable || reach == Reach::kPossible;
}

bool is_on_stack(const GraphEdgeRow& edge) {
  return edge.from == kNoNode && (edge.root == RootKind::kStack || edge.root == RootKind::kRegister);
}

Holder holder_of(const HeapGraph& graph, const GraphEdgeRow& edge) {
  Holder holder;
  holder.slot = edge.slot;
  if (edge.from != kNoNode) {
    holder.site = graph.nodes[edge.from].site;
  } else {
    holder.root = edge.root;
    const bool of_thread = edge.root != RootKind::kData && edge.root != RootKind::kAnonymous;
    if (of_thread) holder.thread = edge.thread;
  }
  return holder;
}

// --- ways

// By breadth, from all roots at once; `allowed` says which pointers count. Per node the edge by which it was
// reached.
constexpr uint32_t kNoEdge = UINT32_MAX;

template <typename Allowed>
std::vector<uint32_t> reach_by(const HeapGraph& graph, const Allowed& allowed) {
  std::vector<std::vector<uint32_t>> from(graph.nodes.size());
  std::vector<uint32_t> by(graph.nodes.size(), kNoEdge);
  std::vector<uint32_t> queue;
  for (uint32_t i = 0; i < graph.edges.size(); ++i) {
    const GraphEdgeRow& edge = graph.edges[i];
    if (!allowed(edge)) continue;
    if (edge.from != kNoNode) {
      from[edge.from].push_back(i);
    } else if (by[edge.to] == kNoEdge) {
      by[edge.to] = i;
      queue.push_back(edge.to);
    }
  }
  for (size_t at = 0; at < queue.size(); ++at) {
    for (const uint32_t i : from[queue[at]]) {
      const uint32_t to = graph.edges[i].to;
      if (by[to] != kNoEdge) continue;
      by[to] = i;
      queue.push_back(to);
    }
  }
  return by;
}

// The block that has been there for longest: what holds it is no passing hand. Of those the first.
std::optional<uint32_t> oldest_reached(const HeapGraph& graph, const Sites& sites,
                                       const std::vector<uint32_t>& by) {
  std::optional<uint32_t> found;
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNodeRow& node = graph.nodes[i];
    if (by[i] == kNoEdge || !is_held(node.reach) || !sites.contains(node.site)) continue;
    if (!found || node.birth < graph.nodes[*found].birth) found = i;
  }
  return found;
}

void follow_way(const HeapGraph& graph, const std::vector<uint32_t>& by, uint32_t node,
                Retention& retention) {
  std::vector<WayStep> way;
  retention.way_to = graph.nodes[node].site;
  uint32_t first = node;
  for (uint32_t at = node; at != kNoNode; at = graph.edges[by[at]].from) {
    const GraphEdgeRow& edge = graph.edges[by[at]];
    first = at;
    const WayStep step{holder_of(graph, edge), 1 + edge.via, edge.inside};
    const bool repeats = !way.empty() && step.holder.site && step.holder == way.back().holder &&
                         step.bytes_inside == way.back().bytes_inside;
    if (repeats) {
      way.back().blocks += step.blocks;
    } else {
      way.push_back(step);
    }
  }
  std::reverse(way.begin(), way.end());
  retention.way = std::move(way);
  if (graph.whole) retention.retained_bytes = retained_bytes(graph)[first];
}

// First by pointers to beginnings that do not lie on a stack, where many a pointer is only passing by.
void find_way(const HeapGraph& graph, const Sites& sites, Retention& retention) {
  const auto attempts = std::to_array<bool (*)(const GraphEdgeRow&)>({
      [](const GraphEdgeRow& edge) { return edge.inside == 0 && !is_on_stack(edge); },
      [](const GraphEdgeRow& edge) { return edge.inside == 0; },
      [](const GraphEdgeRow&) { return true; },
  });
  for (const auto allowed : attempts) {
    const std::vector<uint32_t> by = reach_by(graph, allowed);
    const auto node = oldest_reached(graph, sites, by);
    if (node) return follow_way(graph, by, *node, retention);
  }
}

// --- last holders

// The same block in two graphs: nobody else was given its address meanwhile.
using BlockKey = std::tuple<uint64_t, uint64_t, SiteId>;
BlockKey key_of(const GraphNodeRow& node) {
  return {node.address, node.birth, node.site};
}

using EdgeKey = std::tuple<bool, uint64_t, uint64_t>;  // root?, address of the slot, thread
EdgeKey slot_key(const HeapGraph& graph, const GraphEdgeRow& edge) {
  if (edge.from == kNoNode) return {true, edge.slot, edge.root == RootKind::kRegister ? edge.thread + 1 : 0};
  return {false, graph.nodes[edge.from].address + edge.slot, 0};
}

// How well a slot explains: a pointer to the beginning, in data or in a block.
int rank_of(const GraphEdgeRow& edge) {
  return (is_on_stack(edge) ? 0 : 2) + (edge.inside == 0 ? 1 : 0);
}

class Comparison {
 public:
  Comparison(const HeapGraph& before, const HeapGraph& after) : before_(before), after_(after) {
    for (uint32_t i = 0; i < before.nodes.size(); ++i) before_by_key_[key_of(before.nodes[i])] = i;
    for (uint32_t i = 0; i < after.nodes.size(); ++i) after_by_key_[key_of(after.nodes[i])] = i;
    edges_to_.resize(before.nodes.size());
    for (const GraphEdgeRow& edge : before.edges) {
      if (edge.via == 0) edges_to_[edge.to].push_back(&edge);
    }
    for (const GraphEdgeRow& edge : after.edges) {
      if (edge.via == 0) slots_after_[slot_key(after, edge)] = &edge;
    }
  }

  // What the blocks of these sites had in common that were held, and are lost.
  std::optional<LastHolder> find(const Sites& sites) const {
    std::map<std::tuple<bool, SiteId, uint64_t, uint64_t, uint64_t>, Candidate> candidates;
    uint64_t compared = 0;
    for (const GraphNodeRow& node : after_.nodes) {
      if (node.reach != Reach::kDefinite || !sites.contains(node.site)) continue;
      const auto there = before_by_key_.find(key_of(node));
      if (there == before_by_key_.end() || !is_held(before_.nodes[there->second].reach)) continue;
      ++compared;
      for (const GraphEdgeRow* edge : edges_to_[there->second]) {
        if (!is_of_circle(*edge)) vote(*edge, candidates);
      }
    }
    const Candidate* best = nullptr;
    for (const auto& [key, candidate] : candidates) {
      if (best == nullptr ||
          std::pair(candidate.rank, candidate.blocks) > std::pair(best->rank, best->blocks))
        best = &candidate;
    }
    if (best == nullptr) return std::nullopt;
    return conclude(*best, compared);
  }

  // Sites of the lost blocks that hold these.
  Sites leaders_of(const Sites& sites) const {
    std::vector<uint32_t> holder(after_.nodes.size(), kNoNode);
    for (const GraphEdgeRow& edge : after_.edges) {
      if (edge.from != kNoNode && !is_held(after_.nodes[edge.from].reach)) holder[edge.to] = edge.from;
    }
    Sites leaders;
    for (uint32_t i = 0; i < after_.nodes.size(); ++i) {
      if (after_.nodes[i].reach != Reach::kIndirect || !sites.contains(after_.nodes[i].site)) continue;
      uint32_t at = i;
      for (int step = 0; step < 4096 && at != kNoNode && after_.nodes[at].reach == Reach::kIndirect; ++step)
        at = holder[at];
      if (at != kNoNode && after_.nodes[at].reach == Reach::kDefinite) leaders.insert(after_.nodes[at].site);
    }
    return leaders;
  }

 private:
  // A block that is lost as well and points there still does not hold it: they are lost together.
  bool is_of_circle(const GraphEdgeRow& edge) const {
    if (edge.from == kNoNode) return false;
    const auto holder = after_by_key_.find(key_of(before_.nodes[edge.from]));
    if (holder == after_by_key_.end() || is_held(after_.nodes[holder->second].reach)) return false;
    const auto now = slots_after_.find(slot_key(before_, edge));
    return now != slots_after_.end() &&
           key_of(after_.nodes[now->second->to]) == key_of(before_.nodes[edge.to]);
  }

  struct Candidate {
    const GraphEdgeRow* edge = nullptr;
    uint64_t blocks = 0;
    int rank = 0;
  };

  template <typename Candidates>
  void vote(const GraphEdgeRow& edge, Candidates& candidates) const {
    const Holder holder = holder_of(before_, edge);
    const uint64_t place = is_on_stack(edge) ? 0 : edge.slot;  // a frame is elsewhere the next time
    Candidate& candidate = candidates[{holder.site.has_value(), holder.site.value_or(SiteId{0}), place,
                                       static_cast<uint64_t>(edge.root), holder.thread}];
    ++candidate.blocks;
    const int rank = rank_of(edge);
    if (candidate.edge != nullptr && rank <= candidate.rank) return;
    candidate.edge = &edge;
    candidate.rank = rank;
  }

  LastHolder conclude(const Candidate& best, uint64_t compared) const {
    LastHolder last;
    last.holder = holder_of(before_, *best.edge);
    last.seen = before_.iteration;
    last.gone = after_.iteration;
    last.blocks = best.blocks;
    last.compared = compared;
    if (best.edge->from != kNoNode) {
      const auto holder = after_by_key_.find(key_of(before_.nodes[best.edge->from]));
      if (holder == after_by_key_.end()) {
        if (after_.whole) last.now = LastHolder::Now::kHolderIsGone;
      } else if (!is_held(after_.nodes[holder->second].reach)) {
        last.now = LastHolder::Now::kHolderIsLost;
        return last;
      }
    }
    if (is_on_stack(*best.edge)) return last;
    const auto now = slots_after_.find(slot_key(before_, *best.edge));
    if (now != slots_after_.end() && last.now != LastHolder::Now::kHolderIsGone) {
      last.now = LastHolder::Now::kOtherBlock;
      last.other = after_.nodes[now->second->to].site;
    }
    return last;
  }

  const HeapGraph& before_;
  const HeapGraph& after_;
  std::map<BlockKey, uint32_t> before_by_key_;
  std::map<BlockKey, uint32_t> after_by_key_;
  std::vector<std::vector<const GraphEdgeRow*>> edges_to_;
  std::map<EdgeKey, const GraphEdgeRow*> slots_after_;
};

// --- circles

// Of the blocks of a circle one is lost definitely: what points to it is what it leads to.
std::optional<Holder> find_circle(const HeapGraph& graph, const Sites& sites) {
  std::map<std::pair<SiteId, uint64_t>, std::pair<uint64_t, Holder>> slots;
  for (const GraphEdgeRow& edge : graph.edges) {
    const GraphNodeRow& to = graph.nodes[edge.to];
    if (edge.from == kNoNode || edge.via != 0 || to.reach != Reach::kDefinite || !sites.contains(to.site))
      continue;
    auto& [count, holder] = slots[{graph.nodes[edge.from].site, edge.slot}];
    ++count;
    holder = holder_of(graph, edge);
  }
  const auto rarer = [](const auto& a, const auto& b) { return a.second.first < b.second.first; };
  const auto most = std::max_element(slots.begin(), slots.end(), rarer);
  if (most == slots.end()) return std::nullopt;
  return most->second.second;
}

// --- containers

std::map<SiteId, uint64_t> children_by_site(const HeapGraph& graph) {
  std::map<SiteId, uint64_t> sums;
  for (const GraphNodeRow& node : graph.nodes) {
    if (is_held(node.reach)) sums[node.site] += node.children;
  }
  return sums;
}

// A list has none: each of its blocks points to one.
std::optional<Container> find_container(const HeapGraph& before, const HeapGraph& after, const Sites& sites) {
  const auto children_before = children_by_site(before);
  std::set<SiteId> holders;
  for (const GraphEdgeRow& edge : after.edges) {
    if (edge.from == kNoNode || edge.via != 0 || !sites.contains(after.nodes[edge.to].site)) continue;
    holders.insert(after.nodes[edge.from].site);
  }
  std::optional<Container> found;
  for (const auto& [site, children] : children_by_site(after)) {
    if (sites.contains(site) || !holders.contains(site)) continue;
    const auto earlier = children_before.find(site);
    const uint64_t had = earlier == children_before.end() ? 0 : earlier->second;
    if (earlier == children_before.end() || children <= had) continue;
    if (found && children - had <= found->after - found->before) continue;
    found = Container{{site, {}, 0, 0}, had, children, before.iteration, after.iteration};
  }
  return found;
}

bool count_held(const HeapGraph& graph, const Sites& sites, Retention& retention) {
  uint64_t blocks = 0;
  for (const recording::GraphSiteRow& row : graph.sites) {
    if (!sites.contains(row.site)) continue;
    for (size_t i = 0; i < recording::kReaches; ++i) {
      retention.held[i].blocks += row.held[i].blocks;
      retention.held[i].bytes += row.held[i].bytes;
      blocks += row.held[i].blocks;
    }
  }
  const auto more = [](const auto& a, const auto& b) { return a.bytes < b.bytes; };
  const auto* most = std::max_element(std::begin(retention.held), std::end(retention.held), more);
  retention.mostly = static_cast<Reach>(most - std::begin(retention.held));
  retention.iteration = graph.iteration;
  retention.at_end = graph.reason == GraphReason::kExit;
  retention.threads_unknown = graph.threads - graph.threads_parked - graph.threads_waiting;
  return blocks != 0;
}

void compare_graphs(const std::vector<const HeapGraph*>& graphs, const Sites& sites, Retention& retention) {
  // Over as long a time as there is: then it is plain who grows.
  for (size_t i = 0; i + 1 < graphs.size() && !retention.container; ++i)
    retention.container = find_container(*graphs[i], *graphs.back(), sites);
  for (size_t i = graphs.size(); i-- > 1;) {
    const HeapGraph& before = *graphs[i - 1];
    const HeapGraph& after = *graphs[i];
    if (retention.last_holder) continue;
    const Comparison comparison(before, after);
    retention.last_holder = comparison.find(sites);
    if (retention.last_holder) continue;
    const Sites leaders = comparison.leaders_of(sites);
    if (leaders.empty()) continue;
    retention.last_holder = comparison.find(leaders);
    if (retention.last_holder) retention.last_holder->through = *leaders.begin();
  }
}

}  // namespace

const char* to_string(Reach reach) {
  switch (reach) {
    case Reach::kDefinite:
      return "definitely lost";
    case Reach::kIndirect:
      return "indirectly lost";
    case Reach::kPossible:
      return "possibly lost";
    case Reach::kReachable:
      return "still reachable";
  }
  return "";
}

std::optional<Retention> find_retention(const Run& run, const std::vector<SiteId>& of) {
  const Sites sites(of.begin(), of.end());
  std::vector<const HeapGraph*> graphs = chosen_graphs(run);
  if (graphs.empty()) return std::nullopt;
  Retention retention;
  if (!count_held(*graphs.back(), sites, retention)) return std::nullopt;
  if (is_held(retention.mostly)) find_way(*graphs.back(), sites, retention);
  const size_t most = 8;  // the last ones; older ones say nothing new
  if (graphs.size() > most) graphs.erase(graphs.begin(), graphs.end() - most);
  retention.circle = find_circle(*graphs.back(), sites);
  compare_graphs(graphs, sites, retention);
  if (retention.lost_bytes() == 0) retention.last_holder.reset();
  return retention;
}

}  // namespace leakhunt::reports
