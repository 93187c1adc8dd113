// RunBuilder, continued: the records of a heap graph. A graph counts once its end is there, and all that the
// end says was in front of it.
#include "lib/recording/run_builder.h"

namespace leakhunt::recording {

bool RunBuilder::take_graph(Decoder& in) {
  const GraphHeader record = decode_graph(in);
  if (in.failed) return false;
  HeapGraph graph;
  graph.number = record.number;
  graph.reason = record.reason;
  graph.iteration = record.iteration;
  graph.time_ns = record.time_ns;
  graph.threads = record.threads;
  graph.threads_parked = record.threads_parked;
  graph.threads_waiting = record.threads_waiting;
  graph.pause_ns = record.pause_ns;
  graph.obstacle = view_of(record.obstacle);
  open_graph_.reset();
  if (graph.obstacle.empty()) {
    open_graph_ = std::move(graph);
  } else {
    run_.graphs.push_back(std::move(graph));
  }
  return true;
}

// Parts of a graph whose beginning was damaged are passed over.
bool RunBuilder::take_graph_sites(Decoder& in) {
  SiteId previous{0};
  while (in.cursor != in.end) {
    const GraphSiteRow row = decode_graph_site(in, previous);
    if (in.failed || !reach_sites(static_cast<uint64_t>(row.site) + 1)) return false;
    previous = row.site;
    if (!open_graph_) continue;
    if (!open_graph_->sites.empty() && row.site <= open_graph_->sites.back().site) return false;
    open_graph_->sites.push_back(row);
  }
  return true;
}

bool RunBuilder::take_graph_nodes(Decoder& in) {
  uint64_t previous = 0;
  while (in.cursor != in.end) {
    const GraphNodeRow row = decode_graph_node(in, previous);
    if (in.failed || !reach_sites(static_cast<uint64_t>(row.site) + 1)) return false;
    previous = row.address;
    if (!open_graph_) continue;
    if (!open_graph_->nodes.empty() && row.address <= open_graph_->nodes.back().address) return false;
    open_graph_->nodes.push_back(row);
  }
  return true;
}

bool RunBuilder::take_graph_edges(Decoder& in) {
  while (in.cursor != in.end) {
    const GraphEdgeRow row = decode_graph_edge(in);
    if (in.failed) return false;
    if (!open_graph_) continue;
    const uint64_t nodes = open_graph_->nodes.size();
    if (row.to >= nodes || (row.from != kNoNode && row.from >= nodes)) return false;
    open_graph_->edges.push_back(row);
  }
  return true;
}

bool RunBuilder::take_graph_end(Decoder& in) {
  const GraphEnd record = decode_graph_end(in);
  if (in.failed) return false;
  if (!open_graph_) return true;
  HeapGraph graph = std::move(*open_graph_);
  open_graph_.reset();
  if (record.number != graph.number || record.nodes != graph.nodes.size() ||
      record.edges != graph.edges.size())
    return false;
  graph.whole = record.whole;
  graph.blocks = record.blocks;
  graph.block_bytes = record.block_bytes;
  graph.root_bytes = record.root_bytes;
  graph.scan_ns = record.scan_ns;
  graph.scan_cpu_ns = record.scan_cpu_ns;
  graph.edges_left_out = record.edges_left_out;
  run_.graphs.push_back(std::move(graph));
  return true;
}

}  // namespace leakhunt::recording
