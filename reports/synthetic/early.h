// early: the same series judged before their end, as `--until-certain` does: how often the early verdict is
// that of the whole, whom it accuses, and what it saves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "reports/synthetic/families.h"

namespace leakhunt::reports::synthetic {

inline constexpr double kNobodyAccused = 0.99;  // from this confidence on not one innocent may be accused

struct EarlyMistake {
  std::string recipe;
  uint64_t seed = 0;
  size_t at = 0;  // judged points
  size_t of = 0;
  bool said_growth = false;
  GrowthClass whole = GrowthClass::kFlat;
};

struct EarlyVerdicts {
  double confidence = 0;
  size_t series = 0;
  size_t growing = 0;                   // certain before the end
  size_t not_growing = 0;               // likewise
  size_t agreeing = 0;                  // of both
  size_t accused = 0;                   // innocents that were certain to grow
  double median_share_growing = 1;      // of the judged iterations, until it was certain; of those that were
  double median_share_not_growing = 1;  // likewise
  std::vector<EarlyMistake> mistakes;

  size_t certain() const { return growing + not_growing; }
  // As many early verdicts are those of the whole as the confidence says.
  bool bars_are_met() const;
};

// The series of judge_family(). Nothing is known of them but their bytes and blocks: no heap graph that shows
// what is lost, no ceiling that they will break.
EarlyVerdicts judge_early(const std::vector<Recipe>& recipes, size_t each, uint64_t seed, double confidence);

void write_early(const EarlyVerdicts& verdicts, const std::string& name, std::ostream& out);

}  // namespace leakhunt::reports::synthetic
