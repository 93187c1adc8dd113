// The heap graph that the report speaks of as a V8 heap snapshot, which Chrome DevTools opens (Memory, Load).
// Fields and types as in V8's src/profiler/heap-snapshot-generator.cc.
//
//   (root) -> (data) | (thread-local data) | (stacks) ... -> block, block ...
//          -> (lost)                what nothing holds, that it can be looked at
//          -> (way not recorded)    of a graph that holds some of the blocks only
//
// Nodes are named tag/function. Ids are those of the same blocks in every graph of the run.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <ostream>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "reports/analysis/chosen_graphs.h"
#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/member_names.h"
#include "reports/formats/retention.h"

namespace leakhunt::reports {

namespace {

using recording::GraphEdgeRow;
using recording::GraphNodeRow;
using recording::HeapGraph;
using recording::kNoNode;

enum NodeType : uint32_t { kNative = 8, kSynthetic = 9 };
enum EdgeType : uint32_t { kElement = 1, kProperty = 2, kWeak = 6 };

// The groups under the root; the first five are those of recording::RootKind.
constexpr std::array<const char*, 7> kGroups = {
    "(data)", "(thread-local data)", "(memory outside of all blocks)", "(stacks)", "(registers)",
    "(lost)", "(way not recorded)"};
constexpr size_t kLostGroup = 5;
constexpr size_t kUnknownGroup = 6;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

class Strings {
 public:
  uint32_t number(const std::string& text) {
    const auto [place, is_new] = numbers_.try_emplace(text, static_cast<uint32_t>(texts_.size()));
    if (is_new) texts_.push_back(&place->first);
    return place->second;
  }
  void write(std::ostream& out) const {
    for (size_t i = 0; i < texts_.size(); ++i) {
      out << (i == 0 ? "\n\"" : ",\n\"");
      for (const char c : *texts_[i]) {
        if (c == '"' || c == '\\') out << '\\';
        out << c;
      }
      out << '"';
    }
  }

 private:
  std::map<std::string, uint32_t> numbers_;
  std::vector<const std::string*> texts_;
};

struct Edge {
  uint32_t type;
  uint32_t name;  // or index
  size_t to;      // node of the snapshot
};

class Snapshot {
 public:
  Snapshot(const Report& report, const HeapGraph& graph)
      : report_(report), graph_(graph), edges_(first_block() + graph.nodes.size()) {
    number_blocks();
    add_groups();
    for (const GraphEdgeRow& edge : graph.edges) add_edge(edge);
    add_unreached();
  }

  void write(std::ostream& out) {
    size_t edge_count = 0;
    for (const auto& edges : edges_) edge_count += edges.size();
    out << R"({"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],)"
           R"("node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic",)"
           R"("concatenated string","sliced string","symbol","bigint","object shape"],"string","number","number","number","number","number"],)"
           R"("edge_fields":["type","name_or_index","to_node"],)"
           R"("edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"],)"
           R"("trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],)"
           R"("trace_node_fields":["id","function_info_index","count","size","children"],)"
           R"("sample_fields":["timestamp_us","last_assigned_id"],)"
           R"("location_fields":["object_index","script_id","line","column"]},)"
        << fmt::format("\"node_count\":{},\"edge_count\":{},\"trace_function_count\":0}},\n\"nodes\":[",
                       edges_.size(), edge_count);
    for (size_t node = 0; node < edges_.size(); ++node) write_node(node, out);
    out << "],\n\"edges\":[";
    const char* comma = "\n";
    for (const auto& edges : edges_) {
      for (const Edge& edge : edges) {
        out << fmt::format("{}{},{},{}", comma, edge.type, edge.name, edge.to * kNodeFields);
        comma = "\n,";
      }
    }
    out << "],\n\"trace_function_infos\":[],\"trace_tree\":[],\"samples\":[],\"locations\":[],\n\"strings\":"
           "[";
    strings_.write(out);
    out << "]}\n";
  }

 private:
  static constexpr size_t kNodeFields = 7;
  static constexpr size_t first_block() { return 1 + kGroups.size(); }

  // Blocks are counted over all graphs, so that the same one has the same id in each.
  void number_blocks() {
    for (const HeapGraph& graph : report_.run->graphs) {
      for (const GraphNodeRow& node : graph.nodes) {
        const auto next = static_cast<uint32_t>(ids_.size());
        ids_.try_emplace({node.address, node.birth, index(node.site)}, next);
      }
    }
  }

  void add_groups() {
    for (size_t group = 0; group < kGroups.size(); ++group)
      edges_[0].push_back({kElement, static_cast<uint32_t>(group + 1), group + 1});
  }

  static bool is_lost(const GraphNodeRow& node) {
    return node.reach == recording::Reach::kDefinite || node.reach == recording::Reach::kIndirect;
  }

  // The member's, or "+0x18".
  std::string slot_name(const auto& member, uint64_t slot) const {
    if (member == report_.run->data_names.members.end()) return fmt::format("+{:#x}", slot);
    const std::string readable = readable_path(member->second.member);
    return escape_line(readable.empty() ? member->second.member : readable);
  }

  static uint32_t small(uint64_t value) {
    return static_cast<uint32_t>(std::min<uint64_t>(value, std::numeric_limits<uint32_t>::max()));
  }

  void add_edge(const GraphEdgeRow& edge) {
    const size_t to = first_block() + edge.to;
    if (edge.from == kNoNode) {
      const Holder holder{std::nullopt, edge.root, edge.thread, edge.slot};
      edges_[1 + index(edge.root)].push_back({kProperty, strings_.number(holder_words(report_, holder)), to});
      return;
    }
    const GraphNodeRow& from = graph_.nodes[edge.from];
    auto& edges = edges_[first_block() + edge.from];
    const auto& members = report_.run->data_names.members;
    const auto member = members.find({from.site, edge.slot});
    if (is_lost(from) && !is_lost(graph_.nodes[edge.to])) {
      // Hung under (lost) to be looked at, it would otherwise seem to hold what it points to.
      edges.push_back({kWeak, strings_.number(slot_name(member, edge.slot)), to});
    } else if (edge.via != 0) {
      edges.push_back({kProperty, strings_.number(fmt::format("({} blocks left out)", edge.via)), to});
    } else if (member != members.end()) {
      edges.push_back({kProperty, strings_.number(slot_name(member, edge.slot)), to});
    } else {
      edges.push_back({kElement, small(edge.slot), to});
    }
  }

  // Everything must hang on the root.
  void add_unreached() {
    std::vector<bool> reached(edges_.size());
    std::vector<size_t> queue;
    const auto reach = [&](size_t from) {
      if (reached[from]) return;
      reached[from] = true;
      queue.push_back(from);
      while (!queue.empty()) {
        const size_t at = queue.back();
        queue.pop_back();
        for (const Edge& edge : edges_[at]) {
          if (reached[edge.to]) continue;
          reached[edge.to] = true;
          queue.push_back(edge.to);
        }
      }
    };
    reach(0);
    const auto adopt = [&](size_t group, auto accepts) {
      for (size_t i = 0; i < graph_.nodes.size(); ++i) {
        const size_t node = first_block() + i;
        if (reached[node] || !accepts(graph_.nodes[i])) continue;
        edges_[1 + group].push_back({kElement, small(edges_[1 + group].size()), node});
        reach(node);
      }
    };
    adopt(kLostGroup, [](const GraphNodeRow& node) { return node.reach == recording::Reach::kDefinite; });
    adopt(kUnknownGroup, [](const GraphNodeRow&) { return true; });
  }

  std::string name_of(const GraphNodeRow& node) const {
    const recording::CallSite& site = report_.run->sites[index(node.site)];
    const StackFrame* frame = report_.growth.sites[index(node.site)].attribution.frame();
    return fmt::format("{}/{}", tag_label(report_, site.tag),
                       frame != nullptr ? function_label(*frame) : std::string(kNoStack));
  }

  std::string root_name() const {
    if (!graph_.obstacle.empty()) return escape_line("(root) no heap graph: " + graph_.obstacle);
    if (graph_.whole || graph_.blocks == 0) return "(root)";
    return fmt::format("(root) {} of {} blocks: those that grow, and the ways to them", graph_.nodes.size(),
                       graph_.blocks);
  }

  void write_node(size_t node, std::ostream& out) {
    out << (node == 0 ? "\n" : "\n,");
    const size_t edges = edges_[node].size();
    if (node < first_block()) {
      const std::string name = node == 0 ? root_name() : kGroups[node - 1];
      out << fmt::format("{},{},{},0,{},0,0", static_cast<uint32_t>(kSynthetic), strings_.number(name),
                         node * 2 + 1, edges);
      return;
    }
    const GraphNodeRow& block = graph_.nodes[node - first_block()];
    const uint64_t id = (ids_.at({block.address, block.birth, index(block.site)}) + first_block()) * 2 + 1;
    out << fmt::format("{},{},{},{},{},0,0", static_cast<uint32_t>(kNative), strings_.number(name_of(block)),
                       small(id), small(block.size), edges);
  }

  const Report& report_;
  const HeapGraph& graph_;
  std::map<std::tuple<uint64_t, uint64_t, size_t>, uint32_t> ids_;
  std::vector<std::vector<Edge>> edges_;  // by node of the snapshot
  Strings strings_;
};

}  // namespace

void write_heapsnapshot(const Report& report, std::ostream& out) {
  const auto& graphs = report.run->graphs;
  const std::vector<const HeapGraph*> chosen = chosen_graphs(*report.run);
  HeapGraph none;
  none.obstacle = graphs.empty() ? "none was taken" : graphs.back().obstacle;
  Snapshot(report, chosen.empty() ? none : *chosen.back()).write(out);
}

}  // namespace leakhunt::reports
