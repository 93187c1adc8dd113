#include "reports/analysis/chosen_graphs.h"

namespace leakhunt::reports {

std::vector<const recording::HeapGraph*> chosen_graphs(const recording::Run& run) {
  std::vector<const recording::HeapGraph*> before_end;
  std::vector<const recording::HeapGraph*> at_end;
  for (const recording::HeapGraph& graph : run.graphs) {
    if (!graph.obstacle.empty()) continue;
    (graph.reason == recording::GraphReason::kExit ? at_end : before_end).push_back(&graph);
  }
  return before_end.empty() ? at_end : before_end;
}

}  // namespace leakhunt::reports
