// crosscheck: what several tools say about the same program, figure by figure and place by place.
//
//   Opinion     what one tool found; figures that it does not have are absent
//   Agreement   one figure of two tools or more, and whether they lie within the tolerance
//   Crosscheck  all of it, and what it comes to
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/report.h"

namespace leakhunt::reports {

// Bytes by the function that answers for them, in words that all tools share: no namespaces, no arguments.
using Places = std::map<std::string, int64_t>;

struct Opinion {
  std::string tool;
  std::string why_not;  // it did not run; empty: it did
  double seconds = 0;
  std::optional<int64_t> allocations;
  std::optional<int64_t> allocated_bytes;
  std::optional<int64_t> peak_bytes;
  std::optional<int64_t> exit_bytes;  // live at the program's end
  std::optional<int64_t> lost_bytes;  // of them, definitely lost
  std::optional<Places> peak_places;
  std::optional<Places> exit_places;

  bool ran() const { return why_not.empty(); }
};

// What a tool can know: all of leakhunt and heaptrack but what is lost; of massif the peak; of memcheck all
// but the peak. `report` is that of the recording, or of the tool's imported file.
Opinion opinion_of(std::string tool, const Report& report, double seconds);

// Two figures agree if they differ by at most the larger of a share of the larger one and a fixed amount.
struct Tolerance {
  double share = 0;
  int64_t fixed = 0;
};
inline constexpr Tolerance kCallTolerance = {0.005, 10};
inline constexpr Tolerance kByteTolerance = {0.01, 8192};
inline constexpr Tolerance kPlaceTolerance = {0.01, 4096};

bool agree(int64_t a, int64_t b, const Tolerance& tolerance);

struct Agreement {
  std::string figure;                                     // "allocations", or a place's name
  std::vector<std::pair<std::string, int64_t>> opinions;  // tool and value, in the order of the tools
  bool agrees = true;
};

struct Crosscheck {
  std::string name;
  std::vector<std::string> notes;
  std::vector<Opinion> opinions;  // leakhunt's first
  std::vector<Agreement> figures;
  std::vector<Agreement> peak_places;  // the largest first
  std::vector<Agreement> exit_places;

  size_t disagreements() const;
  bool enough() const;  // leakhunt and one other at least ran
};

Crosscheck make_crosscheck(std::string name, std::vector<Opinion> opinions, std::vector<std::string> notes);

// 0 all agree, 1 some do not, 4 too few ran.
int exit_status(const Crosscheck& crosscheck);

void write_crosscheck_text(const Crosscheck& crosscheck, std::ostream& out);

}  // namespace leakhunt::reports
