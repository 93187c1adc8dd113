// Chrome's trace format, counters only: live bytes of each tag as one stacked track, and the resident memory.
// For Perfetto and chrome://tracing.
#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "reports/formats/formats.h"
#include "reports/formats/json_values.h"
#include "reports/formats/labels.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kMostPoints = 5000;

// Evenly over the run; the first, the peak and the last are among them.
std::vector<size_t> chosen_snapshots(const Report& report) {
  const size_t count = report.run->snapshots.size();
  std::vector<size_t> chosen;
  const size_t wanted = std::min(count, kMostPoints);
  for (size_t i = 0; i < wanted; ++i) chosen.push_back(i * (count - 1) / std::max<size_t>(1, wanted - 1));
  if (count > 0) chosen.push_back(moment_at_peak(report).snapshot);
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

struct TagCurve {
  std::string name;
  std::vector<int64_t> bytes;
};

std::vector<TagCurve> tag_curves(const Report& report) {
  std::vector<TagCurve> curves;
  for (size_t i = 0; i < report.run->tags.size(); ++i) {
    const auto tag = static_cast<recording::TagId>(i);
    const recording::SiteFilter blocks{tag, recording::SiteKind::kBlock};
    TagCurve curve{tag_label(report, tag),
                   recording::expand_sum(*report.run, blocks, recording::Measure::kLiveBytes)};
    const auto holds = [](int64_t bytes) { return bytes > 0; };
    if (std::any_of(curve.bytes.begin(), curve.bytes.end(), holds)) curves.push_back(std::move(curve));
  }
  return curves;
}

Json counter(const Report& report, const char* name, double microseconds, Json values) {
  return {{"ph", "C"},
          {"name", name},
          {"pid", report.run->process.pid},
          {"ts", number(microseconds)},
          {"args", std::move(values)}};
}

}  // namespace

void write_trace(const Report& report, std::ostream& out) {
  const std::vector<TagCurve> curves = tag_curves(report);
  Json events = Json::array();
  events.push_back({{"ph", "M"},
                    {"name", "process_name"},
                    {"pid", report.run->process.pid},
                    {"args", {{"name", title_label(report)}}}});
  for (const size_t i : chosen_snapshots(report)) {
    const recording::Snapshot& snapshot = report.run->snapshots[i];
    const double time = static_cast<double>(snapshot.time_ns) / 1000;
    Json live = Json::object();
    for (const TagCurve& curve : curves) {
      const int64_t before = live.contains(curve.name) ? live[curve.name].get<int64_t>() : 0;
      live[curve.name] = before + std::max<int64_t>(curve.bytes[i], 0);
    }
    if (!live.empty()) events.push_back(counter(report, "live heap by tag", time, std::move(live)));
    events.push_back(counter(report, "resident memory", time, {{"RSS", snapshot.rss_bytes}}));
  }
  const Json file = {{"displayTimeUnit", "ms"},
                     {"otherData", {{"tool", "leakhunt"}, {"command", command_label(*report.run)}}},
                     {"traceEvents", std::move(events)}};
  out << file.dump(-1, ' ', true, Json::error_handler_t::replace) << '\n';
}

}  // namespace leakhunt::reports
