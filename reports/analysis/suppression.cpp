#include "reports/analysis/suppression.h"

#include <algorithm>

#include <fmt/format.h>

#include "reports/analysis/scope.h"
#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Run;
using recording::Suppression;

// Of the run; without a date nothing is forgiven.
bool is_in_force(const Run& run, const Suppression& suppression) {
  constexpr uint64_t kNanosecondsOfDay = 86'400'000'000'000;
  const uint64_t start = run.process.start_unix_ns;
  return start != 0 && start / kNanosecondsOfDay <= suppression.expires;
}

std::string described(const Suppression& suppression) {
  std::string text = escape_line(to_string(suppression.scope));
  if (!suppression.owner.empty()) text += fmt::format(" (owner: {})", escape_line(suppression.owner));
  return text;
}

}  // namespace

std::optional<size_t> suppression_of(const Run& run, const GrowthMap& growth,
                                     std::span<const recording::SiteId> sites) {
  if (sites.empty()) return std::nullopt;  // of no one place: nobody can know what it is
  for (size_t i = 0; i < run.budget.suppressions.size(); ++i) {
    const Suppression& suppression = run.budget.suppressions[i];
    const bool covers_all = std::all_of(sites.begin(), sites.end(), [&](auto site) {
      return is_in_scope(run, growth, site, suppression.scope);
    });
    if (covers_all && is_in_force(run, suppression)) return i;
  }
  return std::nullopt;
}

void suppress(const Run& run, const GrowthMap& growth, std::vector<Finding>& findings) {
  for (Finding& finding : findings) finding.suppression = suppression_of(run, growth, finding.sites);
}

double suppressed_bytes_per_step(const std::vector<Finding>& findings) {
  double sum = 0;
  for (const Finding& finding : findings) sum += finding.suppression ? finding.growth.bytes_per_step : 0;
  return sum;
}

double unsuppressed_bytes_per_step(const std::vector<Finding>& findings) {
  double sum = 0;
  for (const Finding& finding : findings) sum += finding.suppression ? 0 : finding.growth.bytes_per_step;
  return sum;
}

void check_suppressions(const Run& run, const std::vector<Finding>& findings, std::vector<Check>& checks) {
  for (size_t i = 0; i < run.budget.suppressions.size(); ++i) {
    const Suppression& suppression = run.budget.suppressions[i];
    size_t forgiven = 0;
    double bytes = 0;
    for (const Finding& finding : findings) {
      if (finding.suppression != i) continue;
      ++forgiven;
      bytes += finding.growth.bytes_per_step;
    }
    std::string text = fmt::format("the suppression of {} ", described(suppression));
    const std::string day = recording::date_text(suppression.expires);
    if (!is_in_force(run, suppression)) {
      text += fmt::format("expired on {} and forgives nothing any more: mend it or delete it", day);
    } else if (forgiven == 0) {
      text += "is stale: no finding is in it; delete it";
    } else {
      text += fmt::format("forgives {} {} of {} per iteration until {}: {}", forgiven,
                          forgiven == 1 ? "finding" : "findings", human_slope(bytes), day,
                          escape_line(suppression.reason));
    }
    checks.push_back({CheckState::kNotChecked, std::move(text)});
  }
}

}  // namespace leakhunt::reports
