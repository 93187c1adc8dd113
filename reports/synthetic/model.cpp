#include "reports/synthetic/model.h"

#include <algorithm>

namespace leakhunt::reports::synthetic {

namespace {

// FNV-1a, so that recipes differ with the same seed.
uint64_t number_of(const std::string& name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

KnownSeries make_series(const Recipe& recipe, uint64_t seed) {
  Dice dice(seed * 0x2545f4914f6cdd1d + number_of(recipe.name));
  const bool longest = dice.chance(0.25);
  const auto drawn = static_cast<size_t>(
      dice.log_whole(static_cast<int64_t>(recipe.shortest), static_cast<int64_t>(recipe.longest)));
  const size_t length = longest ? recipe.longest : drawn;
  const double share = dice.chance(0.6) ? 0.1 : dice.between(0.02, recipe.latest_warm_up);
  const auto warm_up = static_cast<size_t>(share * static_cast<double>(length));
  Model model(dice, length, warm_up);
  recipe.play(model);

  KnownSeries series;
  series.recipe = recipe.name;
  series.truth = model.truth();
  series.slope = model.slope();
  series.iterations = length;
  series.since = std::max(model.since(), warm_up);
  for (size_t i = warm_up; i < length; ++i) {
    series.numbers.push_back(i);
    series.bytes.push_back(model.bytes()[i]);
    series.blocks.push_back(model.blocks()[i]);
  }
  return series;
}

GrowthClass truth_of_rises(const Model& model) {
  const std::vector<int64_t>& bytes = model.bytes();
  std::vector<size_t> rises;
  size_t longest = 0;
  for (size_t i = model.warm_up + 1; i < bytes.size(); ++i) {
    if (bytes[i] == bytes[i - 1]) continue;
    if (!rises.empty()) longest = std::max(longest, i - rises.back());
    rises.push_back(i);
  }
  if (rises.empty()) return GrowthClass::kFlat;
  if (rises.size() < 8) return GrowthClass::kStep;
  const size_t silence = bytes.size() - 1 - rises.back();
  const bool full = silence > longest && 10 * silence >= bytes.size() - 1 - model.warm_up;
  return full ? GrowthClass::kWarmUp : GrowthClass::kFilling;
}

}  // namespace leakhunt::reports::synthetic
