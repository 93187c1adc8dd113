// history_text: a history for a terminal, and in which run of it something began.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>

#include "reports/history/history.h"

namespace leakhunt::reports {

// Where a figure of consecutive runs began to be worse.
struct Beginning {
  enum class Of { kGrowth, kLive, kAllocations };
  size_t run = 0;    // index of the first that is
  std::string what;  // "growth begins: 0 -> +48 B per iteration"
  Of of = Of::kGrowth;
};

// Of runs of one name, oldest first. Growth: the first run of the last unbroken row of runs that grow, if one
// before it does not. Live memory and allocations are exact, so a level is one to the byte: where it last
// rose for good, by more than a hundredth; or, if it rises from run to run, where the hinge of that slope is.
std::vector<Beginning> find_beginnings(std::span<const HistoricRun> runs);

// "fail since run 4 (c4), of 12 runs; growth begins: 0 -> +8 B per iteration in run 4 (c4)"; one printable
// line.
std::string conclusion(std::span<const HistoricRun> runs, std::span<const Beginning> beginnings);
// "run 4 (c4)".
std::string run_label(std::span<const HistoricRun> runs, size_t run);
// "2026-11-21 07:55", of the start; UTC.
std::string date_of(const HistoricRun& run);

// "▁▂▃█" of the values; a space where one is not a number, one letter each, from the least to the most; flat
// if they differ by less than a hundredth.
std::string sparkline(std::span<const double> values);

// Each name with a table of its runs, the curves over all runs, and what began where.
void write_history(std::span<const HistoricRun> runs, std::ostream& out);

}  // namespace leakhunt::reports
