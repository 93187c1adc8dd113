#include "reports/gate/comparison_with_baseline.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "reports/analysis/limits.h"
#include "reports/formats/escape.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kCausesShown = 3;
constexpr double kLeastRssMargin = 0.01;  // of the band's top

std::string amount(Figure figure, double value) {
  switch (figure) {
    case Figure::kPeak:
    case Figure::kEnd:
      return human_bytes(static_cast<int64_t>(value));
    case Figure::kGrowth:
      return value == 0 ? "0 B" : human_slope(value);
    case Figure::kBlocks:
    case Figure::kAllocations:
      return human_count(static_cast<int64_t>(value));
  }
  return {};
}

std::string difference(Figure figure, double value) {
  const std::string text = amount(figure, std::abs(value));
  return (value < 0 ? "-" : "+") + (text.starts_with('+') ? text.substr(1) : text);
}

std::string band_text(Figure figure, const Band& band) {
  return band.is_exact() ? amount(figure, band.high)
                         : amount(figure, band.low) + " to " + amount(figure, band.high);
}

std::string_view figure_name(Figure figure) {
  constexpr std::string_view kNames[kFigures] = {"peak live memory", "memory live at the end",
                                                 "blocks live at the end", "allocations after the warm-up",
                                                 "growth per iteration"};
  return kNames[static_cast<size_t>(figure)];
}

// One figure of one part that is above what the baseline allows.
struct Regression {
  std::string part;                // "the process", "tag heap"
  std::optional<std::string> tag;  // whose places are asked; none: all
  Figure figure;
  double now;
  Band then;
};

struct Comparison {
  std::vector<Regression> regressions;
  std::vector<Regression> gains;
  size_t kept = 0;
};

void compare(const std::string& part, const std::optional<std::string>& tag, const Figures& now,
             const Figures& then, double peak_error, Comparison& comparison) {
  for (size_t i = 0; i < kFigures; ++i) {
    const auto figure = static_cast<Figure>(i);
    const double value = now[figure].high;
    const double error = figure == Figure::kPeak ? peak_error : 0;
    if (value > then[figure].high + error) {
      comparison.regressions.push_back({part, tag, figure, value, then[figure]});
    } else {
      ++comparison.kept;
      if (value < then[figure].low - error)
        comparison.gains.push_back({part, tag, figure, value, then[figure]});
    }
  }
}

Comparison compare_all(const Baseline& now, const Baseline& then, double peak_error) {
  Comparison comparison;
  const Figures nothing;
  compare("the process", std::nullopt, now.process, then.process, peak_error, comparison);
  for (const auto& [tag, figures] : now.tags) {
    const auto known = then.tags.find(tag);
    compare("tag " + escape_line(tag), tag, figures, known == then.tags.end() ? nothing : known->second,
            peak_error, comparison);
  }
  for (const auto& [tag, figures] : then.tags) {
    if (!now.tags.contains(tag))
      compare("tag " + escape_line(tag), tag, nothing, figures, peak_error, comparison);
  }
  return comparison;
}

// The call site of the place that has most of the figure, with its line.
std::string place_with_line(const Report& report, const PlaceName& name, Figure figure) {
  std::optional<recording::SiteId> most;
  const auto weight = [&](recording::SiteId id) {
    const SiteGrowth& site = report.growth.sites[static_cast<size_t>(id)];
    if (figure == Figure::kAllocations) return site.allocations_per_step;
    if (figure == Figure::kGrowth) return site.growth.bytes_per_step;
    if (figure == Figure::kPeak) return static_cast<double>(site.peak_live_bytes);
    return static_cast<double>(figure == Figure::kEnd ? site.end.bytes : site.end.blocks);
  };
  for (size_t i = 0; i < report.run->sites.size(); ++i) {
    const recording::SiteId id{static_cast<uint32_t>(i)};
    if (place_name(report, id) == name && (!most || weight(id) > weight(*most))) most = id;
  }
  const std::string text = most ? place_text(report.growth, *most) : "";
  return text.empty() ? escape_line(name.second) : text;
}

// Where it comes from: the places that have more than they had, the most first.
std::string causes(const Report& report, const Baseline& now, const Baseline& then,
                   const Regression& regression) {
  struct Cause {
    double more;
    PlaceName name;
    bool is_new;
  };
  std::vector<Cause> all;
  for (const auto& [name, figures] : now.places) {
    if (regression.tag && name.first != *regression.tag) continue;
    const auto known = then.places.find(name);
    const double old = known == then.places.end() ? 0 : known->second[regression.figure].high;
    const double more = figures[regression.figure].high - old;
    if (more > 0) all.push_back({more, name, known == then.places.end()});
  }
  std::stable_sort(all.begin(), all.end(), [](const Cause& a, const Cause& b) { return a.more > b.more; });
  std::string text;
  for (size_t i = 0; i < std::min(all.size(), kCausesShown); ++i) {
    text += fmt::format("{}{}{} {}", i == 0 ? "; by " : ", ",
                        place_with_line(report, all[i].name, regression.figure),
                        all[i].is_new ? ", which is new," : "", difference(regression.figure, all[i].more));
  }
  if (all.size() > kCausesShown) text += fmt::format(" and {} more places", all.size() - kCausesShown);
  return text;
}

std::string regression_text(const Report& report, const Baseline& now, const Baseline& then,
                            const Regression& r) {
  const double more = r.now - r.then.high;
  const bool is_new = r.tag && !then.tags.contains(*r.tag);
  std::string text =
      fmt::format("{}{}: {} {}, in the baseline {}: {} more than allowed", r.part,
                  is_new ? ", which is new" : "", figure_name(r.figure), amount(r.figure, r.now),
                  band_text(r.figure, r.then), difference(r.figure, more).substr(1));
  if (r.figure == Figure::kBlocks || r.figure == Figure::kAllocations) {
    const double per_iteration = more / static_cast<double>(std::max<uint64_t>(1, now.judged));
    text += fmt::format(" ({} per iteration)", human_number(per_iteration));
  }
  return text + causes(report, now, then, r);
}

void add_rss(const Report& report, const Baseline& baseline, std::vector<Check>& checks,
             std::string& not_compared) {
  const auto allowed = allowed_rss(baseline);
  if (!allowed) {
    not_compared += "resident memory (the baseline is of one recording and has no band), ";
    return;
  }
  const auto now = static_cast<double>(report.peak_rss_bytes);
  const bool over = now > *allowed;
  checks.push_back(
      {over ? CheckState::kFailed : CheckState::kPassed,
       fmt::format("peak RSS {} is {} what the baseline allows, {} (band {} over {} recordings)",
                   amount(Figure::kPeak, now), over ? "over" : "within", amount(Figure::kPeak, *allowed),
                   band_text(Figure::kPeak, baseline.rss), baseline.recordings),
       "baseline: peak RSS"});
}

std::string gains_text(const std::vector<Regression>& gains) {
  std::string text;
  for (size_t i = 0; i < std::min(gains.size(), kCausesShown); ++i) {
    const Regression& gain = gains[i];
    text += fmt::format("{}{}: {} {} instead of {}", i == 0 ? "" : "; ", gain.part, figure_name(gain.figure),
                        amount(gain.figure, gain.now), band_text(gain.figure, gain.then));
  }
  const std::string more =
      gains.size() > kCausesShown ? fmt::format(", and {} more", gains.size() - kCausesShown) : "";
  return fmt::format("less than in the baseline: {}{}; leakhunt baseline accept keeps it so", text, more);
}

}  // namespace

std::optional<double> allowed_rss(const Baseline& baseline) {
  if (baseline.recordings < 2) return std::nullopt;
  const double width = std::max(baseline.rss.high - baseline.rss.low, kLeastRssMargin * baseline.rss.high);
  return baseline.rss.high + width;
}

std::string why_not_comparable(const Report& report, const Baseline& baseline) {
  return difference_of(configuration_of(report), baseline.configuration);
}

void compare_with_baseline(Report& report, const Baseline& baseline) {
  std::vector<Check>& checks = report.judgement.checks;
  const auto now = make_baseline({&report});
  if (!now) {
    checks.push_back({CheckState::kInconclusive,
                      fmt::format("not compared with the baseline: {}", escape_line(now.error())),
                      "baseline"});
    return conclude(report.judgement);
  }
  uint64_t peak_error = 0;
  for (const auto& snapshot : report.run->snapshots)
    peak_error = std::max(peak_error, snapshot.peak_error_bytes);
  const Comparison comparison = compare_all(*now, baseline, static_cast<double>(peak_error));
  for (const Regression& regression : comparison.regressions) {
    checks.push_back({CheckState::kFailed, regression_text(report, *now, baseline, regression),
                      fmt::format("baseline: {}: {}", regression.part, to_string(regression.figure))});
  }
  checks.push_back({CheckState::kPassed,
                    fmt::format("{} figures of the process and of its tags ({}) are within the baseline",
                                comparison.kept, now->tags.size()),
                    "baseline"});
  std::string not_compared;
  add_rss(report, baseline, checks, not_compared);
  if (!comparison.gains.empty())
    checks.push_back({CheckState::kNotChecked, gains_text(comparison.gains), "baseline: less"});
  const bool builds_known = !report.run->budget.build.empty() && !baseline.configuration.build.empty();
  if (!builds_known) not_compared += "the build (not known of both), ";
  if (const size_t processes = report.processes.processes(); processes > 1)
    not_compared += fmt::format("{} child process{}, ", processes - 1, processes == 2 ? "" : "es");
  checks.push_back(
      {CheckState::kNotChecked,
       fmt::format("not compared with the baseline: {}speed (a machine is no baseline for another)",
                   not_compared),
       "baseline: not compared"});
  conclude(report.judgement);
}

}  // namespace leakhunt::reports
