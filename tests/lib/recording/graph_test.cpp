// The records of heap graphs: encoded and decoded, cut off, damaged, impossible.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "lib/recording/graph_codec.h"
#include "lib/recording/host_codec.h"
#include "lib/recording/reader.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

using ByteVector = std::vector<uint8_t>;

template <typename Encode>
ByteVector payload(const Encode& fields) {
  ByteVector bytes(1 << 14);
  Encoder out{bytes.data(), bytes.data() + bytes.size()};
  fields(out);
  EXPECT_FALSE(out.overflowed);
  bytes.resize(static_cast<size_t>(out.cursor - bytes.data()));
  return bytes;
}

GraphHeader header_of(uint64_t number, std::string_view obstacle = "") {
  return {number, GraphReason::kGrowth, 64, 1'000'000, 3, 1, 1, 250'000, bytes_of(obstacle)};
}

const std::vector<GraphNodeRow> kNodes = {
    {0x1000, 64, SiteId{0}, 5, Reach::kReachable, false, 2},
    {0x2000, 0, SiteId{1}, 60, Reach::kDefinite, true, 0},
    {0x7fff00001000, 1u << 30, SiteId{1}, 61, Reach::kPossible, true, 0}};
const std::vector<GraphEdgeRow> kEdges = {{kNoNode, RootKind::kData, 0, 0x555500001234, 0, 0, 0},
                                          {kNoNode, RootKind::kStack, 7, 0x7ffc00000010, 2, 16, 0},
                                          {0, RootKind::kData, 0, 0x18, 1, 0, 0},
                                          {1, RootKind::kData, 0, 8, 2, 4096, 1000}};

ByteVector nodes_payload() {
  return payload([](Encoder& out) {
    uint64_t previous = 0;
    for (const GraphNodeRow& row : kNodes) {
      encode_graph_node(out, previous, row);
      previous = row.address;
    }
  });
}

ByteVector edges_payload() {
  return payload([](Encoder& out) {
    for (const GraphEdgeRow& row : kEdges) encode_graph_edge(out, row);
  });
}

ByteVector sites_payload() {
  return payload([](Encoder& out) {
    GraphSiteRow row{SiteId{0}, false, {}};
    row.held[3] = {1, 64};
    encode_graph_site(out, SiteId{0}, row);
    row = {SiteId{1}, true, {{10, 640}, {0, 0}, {2, 128}, {0, 0}}};
    encode_graph_site(out, SiteId{0}, row);
  });
}

ByteVector end_payload(uint64_t number, uint64_t edges = 4) {
  return payload([&](Encoder& out) {
    encode(out, GraphEnd{number, true, 13, 832, 4096, 777, 3, edges, 0, 555});
  });
}

RecordingBuilder two_sites() {
  RecordingBuilder recording;
  recording.process_start();
  recording.site(kHeapTag, {0x1000});
  recording.site(kHeapTag, {0x2000});
  recording.allocate(SiteId{0}, 10).iteration(0);
  return recording;
}

RecordingBuilder& add_graph(RecordingBuilder& recording, uint64_t number) {
  return recording.frame(RecordType::kGraph, payload([&](Encoder& out) { encode(out, header_of(number)); }))
      .frame(RecordType::kGraphSites, sites_payload())
      .frame(RecordType::kGraphNodes, nodes_payload())
      .frame(RecordType::kGraphEdges, edges_payload())
      .frame(RecordType::kGraphEnd, end_payload(number));
}

void expect_the_graph(const HeapGraph& graph, uint64_t number) {
  EXPECT_EQ(graph.number, number);
  EXPECT_EQ(graph.reason, GraphReason::kGrowth);
  EXPECT_EQ(graph.iteration, 64u);
  EXPECT_EQ(graph.threads - graph.threads_parked - graph.threads_waiting, 1u);
  EXPECT_EQ(graph.pause_ns, 250'000u);
  EXPECT_TRUE(graph.whole);
  EXPECT_EQ(graph.block_bytes, 832u);
  ASSERT_EQ(graph.sites.size(), 2u);
  EXPECT_EQ(graph.sites[0].held[3].bytes, 64u);
  EXPECT_TRUE(graph.sites[1].growing);
  EXPECT_EQ(graph.sites[1].held[0].blocks, 10u);
  EXPECT_EQ(graph.sites[1].held[2].bytes, 128u);
  ASSERT_EQ(graph.nodes.size(), kNodes.size());
  for (size_t i = 0; i < kNodes.size(); ++i) {
    EXPECT_EQ(graph.nodes[i].address, kNodes[i].address);
    EXPECT_EQ(graph.nodes[i].size, kNodes[i].size);
    EXPECT_EQ(graph.nodes[i].site, kNodes[i].site);
    EXPECT_EQ(graph.nodes[i].birth, kNodes[i].birth);
    EXPECT_EQ(graph.nodes[i].reach, kNodes[i].reach);
    EXPECT_EQ(graph.nodes[i].sampled, kNodes[i].sampled);
    EXPECT_EQ(graph.nodes[i].children, kNodes[i].children);
  }
  ASSERT_EQ(graph.edges.size(), kEdges.size());
  for (size_t i = 0; i < kEdges.size(); ++i) {
    EXPECT_EQ(graph.edges[i].from, kEdges[i].from);
    EXPECT_EQ(graph.edges[i].root, kEdges[i].root);
    EXPECT_EQ(graph.edges[i].thread, kEdges[i].thread);
    EXPECT_EQ(graph.edges[i].slot, kEdges[i].slot);
    EXPECT_EQ(graph.edges[i].to, kEdges[i].to);
    EXPECT_EQ(graph.edges[i].inside, kEdges[i].inside);
    EXPECT_EQ(graph.edges[i].via, kEdges[i].via);
  }
}

TEST(GraphRecords, ComesBackAsItWas) {
  RecordingBuilder recording = two_sites();
  const recording::Run run = add_graph(recording, 3).run();
  EXPECT_EQ(run.damage.damaged_records, 0u) << run.damage.note;
  ASSERT_EQ(run.graphs.size(), 1u);
  expect_the_graph(run.graphs[0], 3);
}

TEST(GraphRecords, AnObstacleIsAllOfIt) {
  RecordingBuilder recording = two_sites();
  recording.frame(RecordType::kGraph, payload([](Encoder& out) { encode(out, header_of(0, "no process")); }));
  const recording::Run run = add_graph(recording, 1).run();
  ASSERT_EQ(run.graphs.size(), 2u);
  EXPECT_EQ(run.graphs[0].obstacle, "no process");
  expect_the_graph(run.graphs[1], 1);
}

TEST(GraphRecords, CutOffAnywhereItIsNotThere) {
  RecordingBuilder whole = two_sites();
  const size_t before = whole.bytes().size();
  add_graph(whole, 0);
  const ByteVector bytes = whole.bytes();
  for (size_t size = before; size < bytes.size(); ++size) {
    RecordingBuilder cut;
    cut.raw(ByteVector(bytes.begin() + static_cast<ptrdiff_t>(sizeof(FileHeader)),
                       bytes.begin() + static_cast<ptrdiff_t>(size)));
    const recording::Run run = cut.run();
    ASSERT_TRUE(run.graphs.empty()) << size;
    ASSERT_EQ(run.snapshots.size(), 1u) << size;
    ASSERT_EQ(run.damage.damaged_records, 0u) << size;
  }
}

// Any byte of the first of two graphs: that one may be lost, the other stays, and nothing false is believed.
TEST(GraphRecords, ADamagedByteCostsItAlone) {
  RecordingBuilder first = two_sites();
  const size_t begin = first.bytes().size();
  add_graph(first, 0);
  const size_t end = first.bytes().size();
  const ByteVector bytes = add_graph(first, 1).bytes();
  for (size_t at = begin; at < end; ++at) {
    ByteVector damaged = bytes;
    damaged[at] ^= 0x41;
    RecordingBuilder recording;
    recording.raw(ByteVector(damaged.begin() + static_cast<ptrdiff_t>(sizeof(FileHeader)), damaged.end()));
    const recording::Run run = recording.run();
    ASSERT_FALSE(run.graphs.empty()) << at;
    ASSERT_LE(run.graphs.size(), 2u) << at;
    expect_the_graph(run.graphs.back(), 1);
    if (run.graphs.size() == 2) expect_the_graph(run.graphs.front(), 0);  // padding was struck
  }
}

TEST(GraphRecords, ImpossibleContentIsDamage) {
  const auto row = [](const GraphEdgeRow& edge) {
    return payload([&](Encoder& out) { encode_graph_edge(out, edge); });
  };
  const auto node = [](const GraphNodeRow& of) {
    return payload([&](Encoder& out) { encode_graph_node(out, 0, of); });
  };
  const struct {
    const char* what;
    RecordType type;
    ByteVector payload;
  } cases[] = {
      {"an edge to a node that is not there", RecordType::kGraphEdges, row({0, {}, 0, 0, 3, 0, 0})},
      {"an edge from one", RecordType::kGraphEdges, row({3, {}, 0, 0, 0, 0, 0})},
      {"an edge from an unknown kind of root", RecordType::kGraphEdges, {0, 5, 0, 0, 0, 0, 0}},
      {"half an edge", RecordType::kGraphEdges, {1, 0}},
      {"a node in front of the last one", RecordType::kGraphNodes,
       node({0x500, 8, SiteId{0}, 0, Reach::kIndirect, false, 0})},
      {"a node of an unknown site", RecordType::kGraphNodes,
       node({~uint64_t{0}, 8, SiteId{900}, 0, Reach::kIndirect, false, 0})},
      {"a node that is held in no way there is", RecordType::kGraphNodes, {1, 1, 0, 0, 8, 0}},
      {"a site that was there", RecordType::kGraphSites, {1, 2, 1, 1}},
      {"a site with blocks and none", RecordType::kGraphSites, {1, 2, 0, 1}},
      {"the end of another graph", RecordType::kGraphEnd, end_payload(9)},
      {"an end that counts more", RecordType::kGraphEnd, end_payload(0, 5)},
      {"an unknown reason", RecordType::kGraph, {0, 3, 0, 0, 0, 0, 0, 0, 0}},
  };
  for (const auto& impossible : cases) {
    RecordingBuilder recording = two_sites();
    recording.frame(RecordType::kGraph, payload([](Encoder& out) { encode(out, header_of(0)); }))
        .frame(RecordType::kGraphSites, sites_payload())
        .frame(RecordType::kGraphNodes, nodes_payload())
        .frame(RecordType::kGraphEdges, edges_payload())
        .frame(impossible.type, impossible.payload);
    const recording::Run run = add_graph(recording, 1).run();
    EXPECT_EQ(run.damage.damaged_records, 1u) << impossible.what;
    ASSERT_EQ(run.graphs.size(), 1u) << impossible.what;
    expect_the_graph(run.graphs[0], 1);
  }
}

TEST(GraphRecords, NamesComeBackAsTheyWere) {
  DataNames names;
  names.variables[0x555500001234] = {"ns::g_tape", 16, "nodes.first"};
  names.members[{SiteId{1}, 8}] = {"Arena::Chunk", "next"};
  RecordingBuilder recording = two_sites();
  const recording::Run run = recording.frame(RecordType::kDataNames, encode(names)).run();
  ASSERT_EQ(run.data_names.variables.size(), 1u);
  EXPECT_EQ(run.data_names.variables.begin()->second.variable, "ns::g_tape");
  EXPECT_EQ(run.data_names.variables.begin()->second.offset, 16u);
  EXPECT_EQ(run.data_names.variables.begin()->second.member, "nodes.first");
  const auto member = run.data_names.members.find({SiteId{1}, 8});
  ASSERT_NE(member, run.data_names.members.end());
  EXPECT_EQ(member->second.type + "::" + member->second.member, "Arena::Chunk::next");
}

TEST(GraphRecords, AnyBytesAreReadOrRefused) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 1000; ++round) {
    RecordingBuilder recording = two_sites();
    recording.frame(RecordType::kGraph, payload([](Encoder& out) { encode(out, header_of(0)); }));
    for (int i = 0; i < 4; ++i) {
      ByteVector bytes(random() % 40);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() % 3 == 0 ? random() : random() % 4);
      recording.frame(static_cast<RecordType>(21 + random() % 6), bytes);
    }
    for (const HeapGraph& graph : recording.run().graphs) {
      for (const GraphEdgeRow& edge : graph.edges) {
        ASSERT_LT(edge.to, graph.nodes.size()) << seed;
        ASSERT_TRUE(edge.from == kNoNode || edge.from < graph.nodes.size()) << seed;
      }
    }
  }
}

}  // namespace
}  // namespace leakhunt::recording
