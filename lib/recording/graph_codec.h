// Encode and decode of the records of a heap graph, side by side. Freestanding, as codec.h.
//
//   graph  :=  graph (graph_sites | graph_nodes | graph_edges)* graph_end      or a graph with an obstacle
//
// Nodes are blocks, numbered from 0 in the order of their rows, which is that of their addresses. Of a large
// heap the recording holds some of them: blocks of sites that grow, and those through which they are held.
// Rows of one kind go on over the records of that kind; differences begin anew in each record.
#pragma once

#include "lib/recording/codec.h"

namespace leakhunt::recording {

struct GraphHeader {
  uint64_t number;  // in the order in which they were taken; written in the same order
  GraphReason reason;
  uint64_t iteration;  // or ticks completed when it was taken
  uint64_t time_ns;    // since the process start record
  uint64_t threads;
  uint64_t threads_parked;   // stood still, with all registers on their stacks
  uint64_t threads_waiting;  // stood still in a system call: the stack is known, some registers are not
  uint64_t pause_ns;         // for which those threads stood still
  Bytes obstacle;            // why there is no graph; empty: it follows
};
void encode(Encoder& out, const GraphHeader& record);
GraphHeader decode_graph(Decoder& in);

struct ReachCount {
  uint64_t blocks;
  uint64_t bytes;
};
inline constexpr size_t kReaches = 4;  // by Reach
struct GraphSiteRow {
  SiteId site;
  bool growing;
  ReachCount held[kReaches];
};
void encode_graph_site(Encoder& out, SiteId previous, const GraphSiteRow& row);
GraphSiteRow decode_graph_site(Decoder& in, SiteId previous);
inline constexpr size_t kMaxGraphSite = 10 * kMaxVarint;

struct GraphNodeRow {
  uint64_t address;
  uint64_t size;
  SiteId site;
  uint64_t birth;
  Reach reach;
  bool sampled;       // all pointers to it are among the edges
  uint64_t children;  // pointers in it to blocks of growing sites
};
void encode_graph_node(Encoder& out, uint64_t previous_address, const GraphNodeRow& row);
GraphNodeRow decode_graph_node(Decoder& in, uint64_t previous_address);
inline constexpr size_t kMaxGraphNode = 7 * kMaxVarint;

inline constexpr uint32_t kNoNode = UINT32_MAX;
struct GraphEdgeRow {
  uint32_t from;    // a node, or kNoNode: a root
  RootKind root;    // of a root
  uint64_t thread;  // of a root on a stack, in registers or thread-local: its number
  uint64_t slot;    // in the node: bytes from its beginning; a root: address. Of a register its number
  uint32_t to;      // a node
  uint64_t inside;  // bytes from the beginning of `to`
  uint64_t via;     // blocks that were left out on this way: not one pointer then, but a chain of them
};
void encode_graph_edge(Encoder& out, const GraphEdgeRow& row);
GraphEdgeRow decode_graph_edge(Decoder& in);
inline constexpr size_t kMaxGraphEdge = 7 * kMaxVarint;

struct GraphEnd {
  uint64_t number;  // of the header
  bool whole;       // all blocks and all pointers between them are there
  uint64_t blocks;  // that were looked at
  uint64_t block_bytes;
  uint64_t root_bytes;  // that were looked at outside of blocks
  uint64_t scan_ns;
  uint64_t nodes;  // rows in front of it
  uint64_t edges;
  uint64_t edges_left_out;  // there was no room for them
  uint64_t scan_cpu_ns;     // of scan_ns it had a processor; 0: an older recording does not say
};
void encode(Encoder& out, const GraphEnd& record);
GraphEnd decode_graph_end(Decoder& in);

}  // namespace leakhunt::recording
