#include "reports/synthetic/early.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "lib/stats/trend.h"
#include "reports/analysis/certainty.h"

namespace leakhunt::reports::synthetic {

namespace {

constexpr size_t kMistakesShown = 10;

struct Stop {
  size_t at = 0;  // judged points; 0: the run went on to its end
  bool grows = false;
};

Stop first_certain_look(const KnownSeries& series, const LookSchedule& looks) {
  for (const size_t points : looks.at()) {
    if (points >= looks.planned()) break;
    const GrowthSeries judged{std::span(series.numbers).first(points + 1),
                              std::span(series.bytes).first(points + 1),
                              std::span(series.blocks).first(points + 1)};
    const Growth growth = classify_growth(judged, kMinRisesOfSite, std::min(kRisk, looks.error_each()));
    const Outlook found = outlook(judged, growth, looks, false);
    if (found != Outlook::kOpen) return {points, found == Outlook::kGrows};
  }
  return {};
}

void judge_one(const Recipe& recipe, uint64_t seed, EarlyVerdicts& verdicts, std::vector<double>& growing,
               std::vector<double>& not_growing) {
  const KnownSeries series = make_series(recipe, seed);
  ++verdicts.series;
  if (series.bytes.size() < 2) return;
  const LookSchedule looks(series.bytes.size() - 1, verdicts.confidence);
  const Stop stop = first_certain_look(series, looks);
  if (stop.at == 0) return;
  const Growth whole = classify_growth({series.numbers, series.bytes, series.blocks}, kMinRisesOfSite);
  const bool is_pass = !whole.grows() && whole.kind != GrowthClass::kUndecided;
  const double share = static_cast<double>(stop.at) / static_cast<double>(looks.planned());
  (stop.grows ? growing : not_growing).push_back(share);
  ++(stop.grows ? verdicts.growing : verdicts.not_growing);
  verdicts.accused += stop.grows && !series.leaks() ? 1 : 0;
  if (stop.grows ? whole.grows() : is_pass) {
    ++verdicts.agreeing;
  } else {
    verdicts.mistakes.push_back({recipe.name, seed, stop.at, looks.planned(), stop.grows, whole.kind});
  }
}

}  // namespace

bool EarlyVerdicts::bars_are_met() const {
  const bool none_or_allowed = accused == 0 || confidence < kNobodyAccused;
  return none_or_allowed && static_cast<double>(agreeing) >= confidence * static_cast<double>(certain());
}

EarlyVerdicts judge_early(const std::vector<Recipe>& recipes, size_t each, uint64_t seed, double confidence) {
  EarlyVerdicts verdicts;
  verdicts.confidence = confidence;
  std::vector<double> growing;
  std::vector<double> not_growing;
  for (const Recipe& recipe : recipes) {
    for (size_t i = 0; i < each; ++i) judge_one(recipe, seed + i, verdicts, growing, not_growing);
  }
  if (!growing.empty()) verdicts.median_share_growing = stats::median(growing);
  if (!not_growing.empty()) verdicts.median_share_not_growing = stats::median(not_growing);
  return verdicts;
}

void write_early(const EarlyVerdicts& verdicts, const std::string& name, std::ostream& out) {
  const auto percent = [](size_t part, size_t whole) {
    return whole == 0 ? 100.0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  };
  const auto bar = [](bool met) { return met ? "  ✓ " : "  ✗ "; };
  out << fmt::format("{}, until certain at {:g} %: {} of {} series are certain before their end\n\n", name,
                     100 * verdicts.confidence, verdicts.certain(), verdicts.series);
  const bool nobody = verdicts.confidence >= kNobodyAccused;
  out << (nobody ? bar(verdicts.accused == 0) : "  · ")
      << fmt::format("{} innocents are certain to grow\n", verdicts.accused);
  out << bar(percent(verdicts.agreeing, verdicts.certain()) >= 100 * verdicts.confidence)
      << fmt::format("{:.2f} % of the early verdicts are those of the whole (at least {:g} %)\n",
                     percent(verdicts.agreeing, verdicts.certain()), 100 * verdicts.confidence);
  out << fmt::format("  · {} growing: certain after {:.0f} % of the judged iterations (median)\n",
                     verdicts.growing, 100 * verdicts.median_share_growing);
  out << fmt::format("  · {} not growing: certain after {:.0f} %\n", verdicts.not_growing,
                     100 * verdicts.median_share_not_growing);
  const size_t shown = std::min(verdicts.mistakes.size(), kMistakesShown);
  for (size_t i = 0; i < shown; ++i) {
    const EarlyMistake& mistake = verdicts.mistakes[i];
    out << fmt::format("    {}, seed {}: {} after {} of {} points, the whole is {}\n", mistake.recipe,
                       mistake.seed, mistake.said_growth ? "growing" : "not growing", mistake.at, mistake.of,
                       to_string(mistake.whole));
  }
  if (shown < verdicts.mistakes.size())
    out << fmt::format("    … and {} more\n", verdicts.mistakes.size() - shown);
}

}  // namespace leakhunt::reports::synthetic
