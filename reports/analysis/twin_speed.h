// twin_speed: is the program as fast as its healthy twin on the same machine? A floor in it/s is another one
// on every machine; a ratio is not. docs/gates.md has the rule.
#pragma once

#include <optional>
#include <vector>

#include "lib/recording/run.h"
#include "lib/stats/order.h"
#include "reports/analysis/check.h"

namespace leakhunt::reports {

inline constexpr double kBandConfidence = 0.95;  // of the noise band, at least
inline constexpr size_t kMinPairs = 6;           // without which no band has it

// Iterations per second after warm-up, by the faster half of them: the lower quartile of their times. Noise
// of other programs only ever adds to a time. Absent: too few iterations.
std::optional<double> brisk_per_second(const recording::Run& run);

// The subject's speed over its twin's, pair by pair: neighbours in time share the machine's mood.
stats::MedianInterval speed_ratio(const recording::TwinSpeed& speed);

// Nothing where the run was compared with no twin.
void check_twin_speed(const recording::Run& run, std::vector<Check>& checks);

}  // namespace leakhunt::reports
