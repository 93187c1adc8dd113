// positive_control: shows that a gate could fail. A leak is injected into the data of the run at a synthetic
// call site, and the very same analysis has to catch it; a gate that does not is broken, and its pass means
// nothing.
#pragma once

#include "lib/recording/run.h"
#include "reports/gate/baseline.h"
#include "reports/report.h"

namespace leakhunt::reports {

// Adds a check to the report of `run`, and draws its verdict anew: passed where the leak is caught,
// inconclusive where it is not, not checked where nothing could be concluded of any leak. One block in 100
// iterations where the run is long enough to convict that, otherwise the rarest leak that it is long enough
// for. With a baseline the gate is the comparison; without one, the judgement of growth. `run` is changed for
// a while, and left as it was.
void run_positive_control(recording::Run& run, const Baseline* baseline, Report& report);

// The same of a child: the leak is injected into the data of `child`, whose report is `own`, and the verdict
// over the tree that begins with `root` has to fail because of it. A check for the report of the root.
// `child` is changed for a while, and left as it was.
Check control_in_child(recording::Run& child, const Report& own, const ProcessRow& root);

// Could control_in_child() show anything? Without iterations no leak of a child is a fail.
bool is_child_judged(const Report& own);
inline constexpr std::string_view kChildControl = "positive control in a child";

}  // namespace leakhunt::reports
