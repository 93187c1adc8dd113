// survival: what became of the blocks, by the iteration of their birth. It tells apart three that may all
// grow: a leak keeps a share of every generation for ever; a cache lets the old go when new ones come; a pool
// keeps all, but needs new ones more and more rarely.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lib/recording/run.h"
#include "reports/analysis/growth_class.h"
#include "reports/analysis/timeline.h"

namespace leakhunt::reports {

enum class Keeping {
  kUnknown,    // too few births
  kKept,       // of every generation a share stays: a leak, or a structure that lasts as long as the program
  kTurnover,   // the old ones die: a cache, a queue, a buffer that is rewritten
  kDwindling,  // all stay, but fewer and fewer are born: a pool
};

// "kept", "turnover", "dwindling", "unknown".
std::string_view to_string(Keeping value);

// The blocks born in one stretch of the clock.
struct Generation {
  uint64_t first = 0;  // number of the iteration (or tick)
  uint64_t last = 0;
  uint64_t born = 0;   // those that died in the iteration of their birth are not counted
  uint64_t alive = 0;  // of them, at the table
};

// Where the curve of survival is looked at: equal parts of the time since `since`, the oldest first.
inline constexpr size_t kGenerations = 8;

struct Survival {
  uint64_t live_blocks = 0;         // at the newest usable table of births, of any birth
  uint64_t born_judged = 0;         // of them: born since the growth began, after warm-up
  uint64_t born_in_first_half = 0;  // of those: in the first half of the time since
  uint64_t oldest_judged = 0;       // birth of the oldest of them
  uint64_t steps_of_first_half = 0;
  std::array<Generation, kGenerations> generations{};

  // Had the growth been a leak, its blocks would be among the old survivors; hardly any is.
  bool is_turnover(const Growth& growth) const {
    const double expected = growth.blocks_per_step * static_cast<double>(steps_of_first_half);
    return expected >= 8 && static_cast<double>(born_in_first_half) < expected / 4;
  }
  Keeping keeping(const Growth& growth) const;
};

// Of the sites together, of the blocks born since iteration `since` and after warm-up, from the newest table
// of births that was made before the program tore down what it had. Nothing when there is none from the last
// half of that time.
std::optional<Survival> measure_survival(const recording::Run& run, const Timeline& timeline,
                                         std::span<const recording::SiteId> sites, uint64_t since);

}  // namespace leakhunt::reports
