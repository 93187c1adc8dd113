// sampling: how far off the figures of a recording are in which only a sample of the blocks was tracked
// (docs/tracker.md, "When memory is short").
//
// A sampled block of s bytes stands for T / s blocks, T being the interval. An estimate of live bytes B made
// of such blocks has the variance B (T - s): that of a sum of independent draws with known chances (Horvitz
// and Thompson). Of a difference between two moments only what was born or died in between counts, as long as
// the sample was drawn by the same rule at both.
#pragma once

#include <string>

#include "lib/recording/run.h"
#include "reports/analysis/growth.h"

namespace leakhunt::reports {

// So many standard errors away a figure is certain: three in a thousand are further.
inline constexpr double kCertainErrors = 3;

// Whether blocks were ever a sample, and whether they were while growth was judged.
bool is_sampled(const recording::Run& run);
bool judged_by_sample(const recording::Run& run, const Timeline& timeline);

// Variance of an estimate: of a site's live bytes at the last snapshot, and of their change while it was
// judged. 0: exact.
double variance_at_end(const recording::Run& run, const recording::CallSite& site);
double variance_of_growth(const recording::Run& run, const Timeline& timeline,
                          const recording::CallSite& site);

// Standard errors: of all live bytes of the heap at the last snapshot, and of the growth per step of these
// sites together (of all of the heap, where the list is empty): never less than the interval, since of three
// of it one block would have been drawn with a chance of 95 %.
double error_of_heap(const recording::Run& run);
double error_of_growth(const recording::Run& run, const Timeline& timeline,
                       const std::vector<recording::SiteId>& sites = {});

// Nothing that was judged by a sample is exact: intervals are widened by the sample's error.
void widen_by_sample(const recording::Run& run, const Timeline& timeline, GrowthMap& growth);

// What a report says of it, each a sentence without its full stop; empty where there is nothing to say. The
// second one is short.
std::string sampling_sentence(const recording::Run& run, const Timeline& timeline);
std::string sampling_remark(const recording::Run& run, const Timeline& timeline);

}  // namespace leakhunt::reports
