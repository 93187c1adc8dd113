// certainty: is the verdict of a run known before its end? Asked at a few looks while it runs; the prose is
// docs/verdicts.md ("Before the end"). The error that is allowed, 1 - confidence, has two halves:
//
//   chance   half of it is shared out equally among the looks, whose number is known beforehand
//            (Bonferroni; a sequential test with equal spending, Pocock 1977): none is a look for nothing
//   change   the other half is for what the part that nobody watched may bring: a cache that will be full,
//            a leak that begins. One program in kChanging is taken to change so, at any iteration alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/recording/run.h"
#include "reports/analysis/growth_class.h"

namespace leakhunt::reports {

inline constexpr double kChanging = 20;
inline constexpr double kUsualCertainty = 0.99;

class LookSchedule {
 public:
  // `planned` judged points make the whole run; 0 < confidence < 1. Fewer than kMinJudged: no looks.
  LookSchedule(size_t planned, double confidence);

  size_t planned() const { return planned_; }
  double confidence() const { return confidence_; }
  const std::vector<size_t>& at() const { return at_; }  // judged points, ascending, each 1.25 times the last
  double error_each() const { return error_each_; }      // of one look, by chance
  // Of the planned points so many may come behind the last one that was watched.
  double unwatched_allowed() const { return unwatched_allowed_; }
  // Blocks per iteration of the slowest leak that a pass has to exclude: one in a hundred iterations, or 16
  // in the whole run, twice what it takes to convict, whichever is more.
  double slowest_leak() const;

 private:
  size_t planned_;
  double confidence_;
  std::vector<size_t> at_;
  double error_each_ = 0;
  double unwatched_allowed_ = 0;
};

// Of one series, at a look: what the whole of it will be called growth or not is known, or open.
enum class Outlook { kOpen, kGrows, kDoesNotGrow };

// `judged` is the base and the points so far, `growth` what they were classified as, at a risk of
// error_each() or less. `lost`: what grows is lost to the program, so that no cache is at work.
Outlook outlook(const GrowthSeries& judged, const Growth& growth, const LookSchedule& looks, bool lost);

// Asked for a growing recording as often as one likes; looks when one is due. One run, one thread.
class EarlyJudge {
 public:
  // Of `iterations` planned iterations, warm-up included. Confidence as above.
  EarlyJudge(uint64_t iterations, uint64_t warm_up, double confidence);

  // `run` is what was recorded so far; its symbols are not needed. Something: stop.
  std::optional<recording::Certainty> look(const recording::Run& run);

 private:
  uint64_t iterations_;
  uint64_t warm_up_;
  LookSchedule looks_;
  size_t next_ = 0;
};

}  // namespace leakhunt::reports
