#include "reports/analysis/lost_memory.h"

#include "reports/analysis/sampling.h"

namespace leakhunt::reports {

namespace {

using recording::GraphReason;
using recording::HeapGraph;
using recording::Reach;
using recording::ReachCount;

const HeapGraph* graph_at_end(const recording::Run& run) {
  const HeapGraph* last = nullptr;
  for (const HeapGraph& graph : run.graphs) {
    if (graph.reason == GraphReason::kExit) last = &graph;
  }
  return last;
}

std::string why_unknown(const recording::Run& run, const HeapGraph* graph) {
  if (is_sampled(run)) return "the tracker was short of memory and knows only a sample of the blocks";
  if (graph == nullptr)
    return "there is no heap graph of the program's end: it was killed, or recorded without one (--graph "
           "exit)";
  return graph->obstacle.empty() ? "" : "there is no heap graph of the program's end: " + graph->obstacle;
}

}  // namespace

LostMemory lost_at_end(const recording::Run& run) {
  const HeapGraph* graph = graph_at_end(run);
  LostMemory result{{}, why_unknown(run, graph)};
  if (!result.why_unknown.empty()) return result;
  for (const recording::GraphSiteRow& row : graph->sites) {
    for (const Reach reach : {Reach::kDefinite, Reach::kIndirect}) {
      const ReachCount& held = row.held[static_cast<size_t>(reach)];
      if (held.blocks == 0) continue;
      result.by_site[row.site].blocks += held.blocks;
      result.by_site[row.site].bytes += held.bytes;
    }
  }
  return result;
}

}  // namespace leakhunt::reports
