#include "reports/analysis/undecided.h"

#include <algorithm>

#include "reports/analysis/suppression.h"

namespace leakhunt::reports {

std::vector<const Place*> undecided_places(const recording::Run& run, const GrowthMap& growth) {
  std::vector<const Place*> places;
  for (const Place& place : growth.places) {
    if (place.kind == recording::SiteKind::kNested || place.growth.undecided_bytes < kLeastUndecided)
      continue;
    if (!suppression_of(run, growth, place.sites)) places.push_back(&place);
  }
  std::stable_sort(places.begin(), places.end(), [](const Place* a, const Place* b) {
    return a->growth.undecided_bytes > b->growth.undecided_bytes;
  });
  return places;
}

double undecided_bytes_per_step(const std::vector<const Place*>& places) {
  double sum = 0;
  for (const Place* place : places) sum += place->growth.undecided_bytes;
  return sum;
}

double undecided_blocks_per_step(const std::vector<const Place*>& places) {
  double sum = 0;
  for (const Place* place : places) sum += place->growth.undecided_blocks;
  return sum;
}

}  // namespace leakhunt::reports
