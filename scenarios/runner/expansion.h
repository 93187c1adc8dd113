// expansion: what a scenario's file makes of itself: one run, one a value of [sweep], or one a chunk of
// [chunks]. The one mechanism for both: a list of parts, with a label each. Called by scenario.cpp only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/runner/scenario_values.h"

namespace leakhunt::runner {

enum class ScenarioKind {
  kSingle,
  kSweep,   // the same but for the value of one key
  kChunks,  // the same program goes on where the one before stopped
};

// What sets one run of a scenario apart from the others.
struct Part {
  ScalarValue value;           // of the swept key, or the chunk's number
  std::string label;           // the value for a person: "none" is an empty text
  std::string directory;       // of its files, below that of the scenario; empty: the same
  uint64_t chunk = 0;          // from 0
  bool uninterrupted = false;  // all the chunks' iterations in one go, to compare with
};

struct Expansion {
  ScenarioKind kind = ScenarioKind::kSingle;
  std::optional<SweptKey> swept;
  uint64_t chunks = 1;                // into which the iterations are divided
  std::vector<Part> parts;            // one for each run; never empty
  std::optional<Part> uninterrupted;  // of chunks that are compared with it
};

// Mistakes are complaints of `values`.
Expansion expand(ScenarioValues& values);

}  // namespace leakhunt::runner
