#include "lib/recording/graph_codec.h"

namespace leakhunt::recording {

namespace {

template <typename Enum>
Enum enum_of(Decoder& in, uint64_t value, Enum last) {
  if (value <= static_cast<uint64_t>(last)) return static_cast<Enum>(value);
  in.failed = true;
  return last;
}

uint32_t get_index(Decoder& in) {
  const uint64_t value = get_varint(in);
  if (value >= kNoNode) in.failed = true;
  return static_cast<uint32_t>(value);
}

}  // namespace

void encode(Encoder& out, const GraphHeader& record) {
  put_varint(out, record.number);
  put_varint(out, static_cast<uint64_t>(record.reason));
  put_varint(out, record.iteration);
  put_varint(out, record.time_ns);
  put_varint(out, record.threads);
  put_varint(out, record.threads_parked);
  put_varint(out, record.threads_waiting);
  put_varint(out, record.pause_ns);
  put_bytes(out, record.obstacle);
}

GraphHeader decode_graph(Decoder& in) {
  GraphHeader record{};
  record.number = get_varint(in);
  record.reason = enum_of(in, get_varint(in), GraphReason::kExit);
  record.iteration = get_varint(in);
  record.time_ns = get_varint(in);
  record.threads = get_varint(in);
  record.threads_parked = get_varint(in);
  record.threads_waiting = get_varint(in);
  record.pause_ns = get_varint(in);
  record.obstacle = get_bytes(in);
  return record;
}

// Which of the four are there stands in front: mostly one.
void encode_graph_site(Encoder& out, SiteId previous, const GraphSiteRow& row) {
  put_varint(out, static_cast<uint64_t>(row.site) - static_cast<uint64_t>(previous));
  uint64_t present = row.growing ? 1 : 0;
  for (size_t i = 0; i < kReaches; ++i) present |= row.held[i].blocks != 0 ? uint64_t{2} << i : 0;
  put_varint(out, present);
  for (const ReachCount& held : row.held) {
    if (held.blocks == 0) continue;
    put_varint(out, held.blocks);
    put_varint(out, held.bytes);
  }
}

GraphSiteRow decode_graph_site(Decoder& in, SiteId previous) {
  GraphSiteRow row{};
  const uint64_t step = get_varint(in);
  const uint64_t present = get_varint(in);
  const uint64_t site = static_cast<uint64_t>(previous) + step;
  if (step > UINT32_MAX || site > UINT32_MAX || present >> (kReaches + 1) != 0) in.failed = true;
  row.site = static_cast<SiteId>(site);
  row.growing = (present & 1) != 0;
  for (size_t i = 0; i < kReaches; ++i) {
    if ((present >> (i + 1) & 1) == 0) continue;
    row.held[i].blocks = get_varint(in);
    row.held[i].bytes = get_varint(in);
    if (row.held[i].blocks == 0) in.failed = true;
  }
  return row;
}

void encode_graph_node(Encoder& out, uint64_t previous_address, const GraphNodeRow& row) {
  put_varint(out, row.address - previous_address);
  put_varint(out, row.size);
  put_varint(out, static_cast<uint64_t>(row.site));
  put_varint(out, row.birth);
  put_varint(out, static_cast<uint64_t>(row.reach) | (row.sampled ? 4 : 0));
  put_varint(out, row.children);
}

GraphNodeRow decode_graph_node(Decoder& in, uint64_t previous_address) {
  GraphNodeRow row{};
  const uint64_t step = get_varint(in);
  row.address = previous_address + step;
  if (row.address < previous_address) in.failed = true;
  row.size = get_varint(in);
  const uint64_t site = get_varint(in);
  if (site > UINT32_MAX) in.failed = true;
  row.site = static_cast<SiteId>(site);
  row.birth = get_varint(in);
  const uint64_t reach = get_varint(in);
  if (reach > 7) in.failed = true;
  row.reach = static_cast<Reach>(reach & 3);
  row.sampled = (reach & 4) != 0;
  row.children = get_varint(in);
  return row;
}

void encode_graph_edge(Encoder& out, const GraphEdgeRow& row) {
  if (row.from == kNoNode) {
    put_varint(out, 0);
    put_varint(out, static_cast<uint64_t>(row.root));
    put_varint(out, row.thread);
  } else {
    put_varint(out, uint64_t{row.from} + 1);
  }
  put_varint(out, row.slot);
  put_varint(out, row.to);
  put_varint(out, row.inside);
  put_varint(out, row.via);
}

GraphEdgeRow decode_graph_edge(Decoder& in) {
  GraphEdgeRow row{};
  const uint64_t from = get_varint(in);
  if (from == 0) {
    row.from = kNoNode;
    row.root = enum_of(in, get_varint(in), RootKind::kRegister);
    row.thread = get_varint(in);
  } else {
    if (from > kNoNode) in.failed = true;
    row.from = static_cast<uint32_t>(from - 1);
  }
  row.slot = get_varint(in);
  row.to = get_index(in);
  row.inside = get_varint(in);
  row.via = get_varint(in);
  return row;
}

void encode(Encoder& out, const GraphEnd& record) {
  put_varint(out, record.number);
  put_varint(out, record.whole ? 1 : 0);
  put_varint(out, record.blocks);
  put_varint(out, record.block_bytes);
  put_varint(out, record.root_bytes);
  put_varint(out, record.scan_ns);
  put_varint(out, record.nodes);
  put_varint(out, record.edges);
  put_varint(out, record.edges_left_out);
  put_varint(out, record.scan_cpu_ns);
}

GraphEnd decode_graph_end(Decoder& in) {
  GraphEnd record{};
  record.number = get_varint(in);
  const uint64_t whole = get_varint(in);
  if (whole > 1) in.failed = true;
  record.whole = whole == 1;
  record.blocks = get_varint(in);
  record.block_bytes = get_varint(in);
  record.root_bytes = get_varint(in);
  record.scan_ns = get_varint(in);
  record.nodes = get_varint(in);
  record.edges = get_varint(in);
  record.edges_left_out = get_varint(in);
  if (in.cursor != in.end) record.scan_cpu_ns = get_varint(in);
  return record;
}

}  // namespace leakhunt::recording
