#include "reports/synthetic/confusion.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include <fmt/format.h>

namespace leakhunt::reports::synthetic {

namespace {

constexpr size_t kMistakesShown = 20;

size_t index(GrowthClass value) {
  return static_cast<size_t>(value);
}

double share(size_t part, size_t whole) {
  return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

void count_slope(const KnownSeries& series, const Growth& growth, Confusion& confusion) {
  if (series.slope == 0 || !growth.grows()) return;
  ++confusion.slopes;
  const double rounding = 1e-9 * series.slope;
  const bool inside = growth.bytes_interval.low - rounding <= series.slope &&
                      series.slope <= growth.bytes_interval.high + rounding;
  confusion.slopes_in_interval += inside ? 1 : 0;
}

void judge_one(const Recipe& recipe, uint64_t seed, Confusion& confusion) {
  const KnownSeries series = make_series(recipe, seed);
  const Growth growth = classify_growth({series.numbers, series.bytes, series.blocks}, kMinRisesOfSite);
  ++confusion.series;
  ++confusion.table[index(series.truth)][index(growth.kind)];
  confusion.leaks += series.leaks() ? 1 : 0;
  const bool steep = series.slope == 0 || series.slope >= kLeastLeak;
  const bool due = series.leaks() && steep && series.iterations >= kWithinIterations;
  confusion.due += due ? 1 : 0;
  count_slope(series, growth, confusion);
  if (growth.kind == series.truth) {
    ++confusion.right;
    return;
  }
  const Mistake mistake{recipe.name, seed, series.bytes.size(), due, series.truth, growth.kind};
  confusion.accused += mistake.accuses() ? 1 : 0;
  confusion.missed += mistake.misses() ? 1 : 0;
  confusion.left_open += mistake.overlooks() && !mistake.misses() ? 1 : 0;
  confusion.mistakes.push_back(mistake);
}

std::string kind_of(const Mistake& mistake) {
  return mistake.accuses() ? "ACCUSED" : mistake.misses() ? "MISSED" : mistake.overlooks() ? "open" : "class";
}

void write_table(const Confusion& confusion, std::ostream& out) {
  std::vector<size_t> verdicts;
  for (size_t verdict = 0; verdict < kGrowthClasses; ++verdict) {
    size_t sum = 0;
    for (size_t truth = 0; truth < kGrowthClasses; ++truth) sum += confusion.table[truth][verdict];
    if (sum > 0) verdicts.push_back(verdict);
  }
  out << fmt::format("  {:<13}", "truth");
  for (const size_t verdict : verdicts)
    out << fmt::format("{:>7}", to_string(static_cast<GrowthClass>(verdict)).substr(0, 6));
  out << "   <- verdict\n";
  for (size_t truth = 0; truth < kGrowthClasses; ++truth) {
    const auto& row = confusion.table[truth];
    if (std::all_of(row.begin(), row.end(), [](size_t count) { return count == 0; })) continue;
    out << fmt::format("  {:<13}", to_string(static_cast<GrowthClass>(truth)));
    for (const size_t verdict : verdicts)
      out << fmt::format("{:>7}", row[verdict] == 0 ? "." : std::to_string(row[verdict]));
    out << '\n';
  }
}

void write_bar(std::ostream& out, bool met, const std::string& text) {
  out << (met ? "  ✓ " : "  ✗ ") << text << '\n';
}

}  // namespace

bool Confusion::bars_are_met() const {
  return accused == 0 && missed == 0 && share(right, series) >= kClassBar;
}

Confusion judge_family(const std::vector<Recipe>& recipes, size_t each, uint64_t seed) {
  Confusion confusion;
  for (const Recipe& recipe : recipes) {
    for (size_t i = 0; i < each; ++i) judge_one(recipe, seed + i, confusion);
  }
  const auto weight = [](const Mistake& mistake) {
    return mistake.accuses() ? 0 : mistake.overlooks() ? 1 : 2;
  };
  std::stable_sort(confusion.mistakes.begin(), confusion.mistakes.end(),
                   [&](const Mistake& a, const Mistake& b) { return weight(a) < weight(b); });
  return confusion;
}

void write_confusion(const Confusion& confusion, const std::string& name, std::ostream& out) {
  const size_t innocent = confusion.series - confusion.leaks;
  out << fmt::format("{}: {} series, {} of them innocent\n\n", name, confusion.series, innocent);
  write_table(confusion, out);
  out << '\n';
  write_bar(out, confusion.accused == 0,
            fmt::format("{} of {} innocents accused", confusion.accused, innocent));
  write_bar(out, confusion.missed == 0,
            fmt::format("{} of {} leaks of {} bytes per iteration or more missed within {} iterations",
                        confusion.missed, confusion.due, kLeastLeak, kWithinIterations));
  const double right = share(confusion.right, confusion.series);
  write_bar(out, right >= kClassBar,
            fmt::format("class right for {:.2f} % (at least {:.0f} %)", 100 * right, 100 * kClassBar));
  out << fmt::format("  · {} of {} leaks left open in shorter series\n", confusion.left_open,
                     confusion.leaks - confusion.due);
  out << fmt::format(
      "  · the true slope lies in the {:.0f} % interval of {} of {} steady leaks found ({:.1f} %)\n",
      100 * kConfidence, confusion.slopes_in_interval, confusion.slopes,
      100 * share(confusion.slopes_in_interval, confusion.slopes));
  const size_t shown = std::min(confusion.mistakes.size(), kMistakesShown);
  for (size_t i = 0; i < shown; ++i) {
    const Mistake& mistake = confusion.mistakes[i];
    out << fmt::format("    {:<8} {}, seed {}, {} points: {} taken for {}\n", kind_of(mistake),
                       mistake.recipe, mistake.seed, mistake.length, to_string(mistake.truth),
                       to_string(mistake.verdict));
  }
  if (shown < confusion.mistakes.size())
    out << fmt::format("    … and {} more\n", confusion.mistakes.size() - shown);
}

}  // namespace leakhunt::reports::synthetic
