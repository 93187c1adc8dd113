#include "reports/analysis/freed_twins.h"

#include <algorithm>

namespace leakhunt::reports {

namespace {

bool is_same_place(const StackFrame& a, const StackFrame& b) {
  return a.function == b.function && a.file == b.file && a.line == b.line && a.module == b.module &&
         (!a.function.empty() || a.offset == b.offset);
}

void add(const StackFrame& frame, uint64_t samples, std::vector<FreedAt>& places) {
  const auto known = std::find_if(places.begin(), places.end(),
                                  [&](const FreedAt& place) { return is_same_place(place.frame, frame); });
  if (known != places.end()) {
    known->samples += samples;
  } else {
    places.push_back({frame, samples});
  }
}

}  // namespace

FreedTwins find_freed_twins(const recording::Run& run, const std::vector<recording::SiteId>& sites) {
  FreedTwins twins;
  for (const recording::SiteId id : sites) {
    const recording::CallSite& site = run.sites[static_cast<size_t>(id)];
    twins.freed += site.total.frees;
    twins.kept += static_cast<uint64_t>(std::max<int64_t>(0, site.live_blocks_end()));
  }
  for (const recording::FreedPlace& place : run.freed_places) {
    if (std::find(sites.begin(), sites.end(), place.site) == sites.end()) continue;
    const Attribution attribution = attribute(run, place.stack);
    if (attribution.frame() == nullptr) continue;
    add(*attribution.frame(), place.samples, twins.places);
    twins.looked_at += place.samples;
  }
  std::stable_sort(twins.places.begin(), twins.places.end(),
                   [](const FreedAt& a, const FreedAt& b) { return a.samples > b.samples; });
  return twins;
}

}  // namespace leakhunt::reports
