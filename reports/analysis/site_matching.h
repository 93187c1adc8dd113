// site_matching: which call site of one run is which of another, across rebuilds and edited sources.
//
//   SiteIdentity   what of a call site outlives a rebuild: tag, kind, names of its stack
//   SiteMatch      one site of both runs, or of one alone
//
// What counts as the same, in the order in which it is tried; whatever is left of either side is alone:
//   1. the same functions in the same files, modules by their names' last part. Neither lines, addresses nor
//      folders count, nor what compilers number: lambdas, clones, hashes
//   2. the same functions by name alone, whatever their templates' arguments and files; code without symbols
//      by its module
//   3. the same function answers, and at least half of the stack is the same from both of its ends: a layer
//      was added, or one in the middle has another name
// Several candidates are matched in the order of their lines (and offsets). Where one side has more of them,
// those stay alone without which the others have moved most evenly.
//
// Neither reads nor keeps the runs: a baseline that is a text can be matched as well.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/attribution.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

struct SiteIdentity {
  std::string tag;  // its name
  recording::SiteKind kind{};
  FrameSpan frames;  // innermost first, from the one that answers outwards; not owned
  std::vector<recording::SiteId>
      sites;  // of its run; several where threads or copies of a loop's body differ
};

// Of all sites that did anything, in the order of their first one. Sites with the same names and lines are
// one. `growth` owns the frames and outlives the result.
std::vector<SiteIdentity> identities_of(const recording::Run& run, const GrowthMap& growth);

enum class MatchedBy {
  kSame,   // functions, files and lines (code without symbols: offsets)
  kMoved,  // functions and files; lines differ
  kAlike,  // roads 2 and 3
};

std::string_view to_string(MatchedBy by);  // "same", "moved", "alike"

// Indices into the two lists. One of them at least is there.
struct SiteMatch {
  std::optional<size_t> before;
  std::optional<size_t> after;
  MatchedBy by = MatchedBy::kSame;  // of a pair
};

// Each index of both lists occurs once: first those of `before`, in their order, then those only in `after`.
// Near to linear in the sum of all stacks.
std::vector<SiteMatch> match_sites(std::span<const SiteIdentity> before, std::span<const SiteIdentity> after);

}  // namespace leakhunt::reports
