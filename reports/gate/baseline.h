// baseline: what accepted runs of a program cost. Exact counters are kept exactly; where several recordings
// differ, the band between the least and the most.
//
//   Figures        what one part of the run costs
//   Baseline       the process, its tags, and the places in the source that live or allocate after the
//   warm-up Configuration  how it was recorded: runs of another one are not comparable
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "reports/report.h"

namespace leakhunt::reports {

// The least and the most of several recordings; of one, or where they agree, the same.
struct Band {
  double low = 0;
  double high = 0;

  bool is_exact() const { return low == high; }
  void take(double value);
  auto operator<=>(const Band&) const = default;
};

enum class Figure : uint8_t { kPeak, kEnd, kBlocks, kAllocations, kGrowth };
inline constexpr size_t kFigures = 5;

// "peak", "end", "blocks", "allocations", "growth".
std::string_view to_string(Figure figure);

// By Figure: live bytes at the peak and at the end, live blocks at the end, allocations after the warm-up (of
// a run without iterations: all of them), growth in bytes per iteration to a thousandth.
struct Figures {
  Band bands[kFigures];

  Band& operator[](Figure figure) { return bands[static_cast<size_t>(figure)]; }
  const Band& operator[](Figure figure) const { return bands[static_cast<size_t>(figure)]; }
  bool operator==(const Figures&) const = default;
};

// A place survives rebuilds and moved lines: a tag, and the function that answers, without template arguments
// and what compilers add; of code without names its module.
using PlaceName = std::pair<std::string, std::string>;

struct Configuration {
  std::vector<std::string> command;  // paths by their last part: they differ from machine to machine
  uint64_t iterations = 0;
  uint64_t warm_up = 0;
  std::string clock;   // "iterations", "ticks", or what marks the iterations
  std::string build;   // recording::Budget::build; empty: not known
  std::string stacks;  // the unwinder

  bool operator==(const Configuration&) const = default;
};

struct Baseline {
  Configuration configuration;
  uint64_t recordings = 0;
  uint64_t judged = 0;  // iterations over which allocations are counted
  Band rss;             // peak
  Figures process;
  std::map<std::string, Figures> tags;
  std::map<PlaceName, Figures> places;
  std::map<std::string, Band> limits;  // by limit_key(): what relative limits were held against
};

Configuration configuration_of(const Report& report);

// Of several recordings of one configuration; at least one. The error names what is different, or why the run
// is none to be accepted.
tl::expected<Baseline, std::string> make_baseline(const std::vector<const Report*>& reports);

// In which two configurations differ, as a sentence's end; empty: in nothing that is known of both.
std::string difference_of(const Configuration& now, const Configuration& then);

// A baseline that allows what `run` costs, too.
Baseline allowing(const Baseline& baseline, const Baseline& run);

// The name of a call site's place.
PlaceName place_name(const Report& report, recording::SiteId site);

// "tag tape.*: peak": a limit in the text of a baseline.
std::string limit_key(const recording::Limit& limit);

// What relative limits were there, as Limit::baseline: of those that the accepted run was held against, and
// of those on the process and on tags that are named without a pattern. Never of what depends on time.
void look_up_limits(const Baseline& baseline, std::vector<recording::Limit>& limits);

// --- text ----------------------------------------------------------------------------------------

std::string to_text(const Baseline& baseline);
// The error is "LINE: what; mend".
tl::expected<Baseline, std::string> parse_baseline(std::string_view text);

}  // namespace leakhunt::reports
