#include "reports/gate/ratchet.h"

#include <cmath>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/gate/comparison_with_baseline.h"

namespace leakhunt::reports {

namespace {

std::string number(double value) {
  return value == std::floor(value) ? fmt::format("{}", static_cast<int64_t>(value))
                                    : fmt::format("{}", value);
}

std::string band_text(const Band& band) {
  return band.is_exact() ? number(band.high) : number(band.low) + ".." + number(band.high);
}

void compare(const std::string& part, const Figures& from, const Figures& to,
             std::vector<BaselineChange>& changes) {
  for (size_t i = 0; i < kFigures; ++i) {
    const Band& old = from.bands[i];
    const Band& now = to.bands[i];
    if (old == now) continue;
    changes.push_back({fmt::format("{}: {} {} -> {}", part, to_string(static_cast<Figure>(i)), band_text(old),
                                   band_text(now)),
                       now.high > old.high});
  }
}

}  // namespace

std::vector<BaselineChange> changes_of(const Baseline& from, const Baseline& to) {
  std::vector<BaselineChange> changes;
  const std::string difference = difference_of(to.configuration, from.configuration);
  if (!difference.empty()) changes.push_back({"another configuration: " + escape_line(difference), true});
  compare("the process", from.process, to.process, changes);
  const Figures nothing;
  for (const auto& [tag, figures] : to.tags) {
    const auto old = from.tags.find(tag);
    compare("tag " + escape_line(tag), old == from.tags.end() ? nothing : old->second, figures, changes);
  }
  for (const auto& [tag, figures] : from.tags) {
    if (!to.tags.contains(tag)) compare("tag " + escape_line(tag), figures, nothing, changes);
  }
  for (const auto& [key, band] : to.limits) {
    const auto old = from.limits.find(key);
    if (old == from.limits.end() || old->second == band) continue;  // what was not known allowed nothing
    changes.push_back(
        {fmt::format("limit {}: {} -> {}", escape_line(key), band_text(old->second), band_text(band)),
         band.high > old->second.high});
  }
  const auto old_rss = allowed_rss(from);
  const auto rss = allowed_rss(to);
  if (old_rss && !rss) changes.push_back({"peak RSS: no band any more: accept several recordings", true});
  if (rss && old_rss && *rss != *old_rss)
    changes.push_back(
        {fmt::format("peak RSS: allowed {} -> {}", number(std::round(*old_rss)), number(std::round(*rss))),
         *rss > *old_rss});
  return changes;
}

}  // namespace leakhunt::reports
