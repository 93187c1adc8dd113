// snapshot_sample DIRECTORY: a heap graph as Chrome DevTools opens it, and what we say of it ourselves, for
// reader_test.mjs to compare. Prints nothing.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "reports/analysis/dominators.h"
#include "reports/formats/formats.h"
#include "tests/reports/hand_made_graph.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::HeapGraph;
using recording::kNoNode;
using recording::Reach;
using recording::RootKind;
using recording::SiteId;

constexpr uint32_t kBlocks = 400;
constexpr uint32_t kHeld = kBlocks * 9 / 10;  // the others nothing holds
constexpr uint32_t kSites = 3;

// Lists, trees, circles and blocks that several hold, from roots of every kind; the last tenth is lost.
HeapGraph random_graph() {
  std::mt19937 random(20'26);
  std::vector<uint64_t> sizes;
  std::vector<HandMadeEdge> edges;
  for (uint32_t i = 0; i < kBlocks; ++i) {
    sizes.push_back(16 + random() % 4096);
    const bool lost = i >= kHeld;
    const uint32_t first = lost ? kHeld : 0;
    const uint32_t room = lost ? kBlocks - kHeld : kHeld;
    if (!lost && random() % 8 == 0)
      edges.push_back({kNoNode, i, 0x1000 + 8 * i, 0, static_cast<RootKind>(random() % 5)});
    for (uint32_t k = 0, count = static_cast<uint32_t>(random() % 3); k < count; ++k) {
      const uint32_t to = first + static_cast<uint32_t>(random() % room);
      if (to != i) edges.push_back({i, to, 8 * k});
    }
  }
  HeapGraph graph = hand_made_graph(sizes, edges);
  for (uint32_t i = 0; i < kBlocks; ++i) graph.nodes[i].site = SiteId{i % kSites};
  const std::vector<uint64_t> retained = retained_bytes(graph);
  for (uint32_t i = 0; i < kBlocks; ++i) {
    if (retained[i] == 0) graph.nodes[i].reach = Reach::kDefinite;
  }
  add_site_sums(graph);
  return graph;
}

void write(const std::filesystem::path& folder) {
  const auto flat = [](size_t) { return int64_t{1024}; };
  recording::Run run = make_run({{"arena.chunk", "Arena::new_chunk", flat},
                                 {"heap", "ns::Table<\"quoted\">::insert", flat},
                                 {"tape.node", "(anonymous namespace)::push", flat}});
  run.graphs.push_back(random_graph());
  std::ofstream snapshot(folder / "sample.heapsnapshot", std::ios::binary);
  write_heapsnapshot(analyse(run), snapshot);
  const HeapGraph& graph = run.graphs[0];
  const std::vector<uint64_t> retained = retained_bytes(graph);
  std::ofstream expected(folder / "expected.json", std::ios::binary);
  expected << "{\"edges\": " << graph.edges.size() << ", \"blocks\": [";
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    expected << (i == 0 ? "\n" : ",\n") << "{\"size\": " << graph.nodes[i].size
             << ", \"retained\": " << retained[i]
             << ", \"site\": " << static_cast<uint32_t>(graph.nodes[i].site) << "}";
  }
  expected << "]}\n";
}

}  // namespace
}  // namespace leakhunt::reports

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: snapshot_sample DIRECTORY\n";
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  leakhunt::reports::write(argv[1]);
  return 0;
}
