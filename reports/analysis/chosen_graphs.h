// chosen_graphs: which heap graphs of a run are spoken of. At the program's end main's variables are gone, so
// one from before says more.
#pragma once

#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// Those that came about, in their order: the ones before the end; where there are none, the one at the end.
std::vector<const recording::HeapGraph*> chosen_graphs(const recording::Run& run);

}  // namespace leakhunt::reports
