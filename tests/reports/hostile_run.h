// hostile_run: runs with random sites and names as a hostile or broken program might have them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// Markup, line breaks, terminal escapes, separators of every format, invalid UTF-8, a template of 10,000
// characters, formulas, marks that reorder text.
const std::vector<std::string>& hostile_names();

// The same seed gives the same run: 1 to 12 sites with stacks of 0 to 9 frames, some inlined, some unknown,
// over 30 to 80 iterations; tags, functions, files, modules, command line and scenario have hostile names.
recording::Run hostile_run(uint32_t seed);

}  // namespace leakhunt::reports
