// DHAT's JSON, version 2, for dh_view.html and profiler.firefox.com: of each call site what it allocated in
// all, at its own peak, at the peak of the heap and at the end, and how long its blocks lived. Fields: see
// the comment of Valgrind's dhat/dh_main.c.
#include <algorithm>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/analysis/cut.h"
#include "reports/formats/formats.h"
#include "reports/formats/json_values.h"
#include "reports/formats/labels.h"
#include "reports/formats/profile.h"

namespace leakhunt::reports {

namespace {

using recording::SiteKind;

// Steps of the clock, or milliseconds, at each snapshot; never goes back.
std::vector<uint64_t> times_of(const Report& report) {
  std::vector<uint64_t> times;
  uint64_t latest = 0;
  for (const recording::Snapshot& snapshot : report.run->snapshots) {
    const bool iterations = report.timeline.clock == Clock::kIterations;
    latest = std::max(latest, iterations ? snapshot.iteration : snapshot.time_ns / 1'000'000);
    times.push_back(latest);
  }
  return times;
}

struct SiteHistory {
  Live most;               // when its bytes were highest
  uint64_t lifetimes = 0;  // of all its blocks together: what was live, times how long
};

SiteHistory history_of(const recording::CallSite& site, const std::vector<uint64_t>& times) {
  SiteHistory history;
  const auto bytes = recording::expand(site.series, times.size(), recording::Measure::kLiveBytes);
  const auto blocks = recording::expand(site.series, times.size(), recording::Measure::kLiveBlocks);
  for (size_t i = 0; i < times.size(); ++i) {
    if (bytes[i] > history.most.bytes) history.most = {bytes[i], std::max<int64_t>(blocks[i], 0)};
    if (i > 0 && blocks[i - 1] > 0)
      history.lifetimes += static_cast<uint64_t>(blocks[i - 1]) * (times[i] - times[i - 1]);
  }
  return history;
}

class FrameTable {
 public:
  FrameTable() { table_.push_back("[root]"); }
  size_t index(const std::string& label) {
    const auto [found, added] = indices_.try_emplace(label, table_.size());
    if (added) table_.push_back(label);
    return found->second;
  }
  Json take() { return std::move(table_); }

 private:
  std::map<std::string, size_t> indices_;
  Json table_ = Json::array();
};

std::string frame_text(const StackFrame& frame) {
  const std::string source = source_label(frame);
  const std::string address = frame.address == 0 ? "" : fmt::format("0x{:X}: ", frame.address);
  return address + function_label(frame) + (source.empty() ? "" : " (" + source + ")");
}

// Innermost first; the tag is the outermost.
Json frames_json(const Report& report, recording::SiteId site, FrameTable& table) {
  Json frames = Json::array();
  for (const StackFrame& frame : stack_of(report, site)) frames.push_back(table.index(frame_text(frame)));
  if (frames.empty()) frames.push_back(table.index(std::string(kNoStack)));
  frames.push_back(table.index("tag " + tag_label(report, report.run->sites[static_cast<size_t>(site)].tag)));
  return frames;
}

}  // namespace

void write_dhat(const Report& report, std::ostream& out) {
  const std::vector<uint64_t> times = times_of(report);
  const size_t peak = moment_at_peak(report).snapshot;
  const size_t end = report.timeline.end_snapshot(*report.run);
  const bool iterations = report.timeline.clock == Clock::kIterations;
  FrameTable table;
  Json points = Json::array();
  for (size_t i = 0; i < report.run->sites.size(); ++i) {
    const recording::CallSite& site = report.run->sites[i];
    if (site.kind != SiteKind::kBlock || site.series.empty()) continue;
    const SiteHistory history = history_of(site, times);
    const auto live = [&](size_t snapshot) {
      const size_t at[] = {snapshot};
      const Live value = live_at(site.series, at).front();
      return Live{std::max<int64_t>(value.bytes, 0), std::max<int64_t>(value.blocks, 0)};
    };
    const Live at_peak = live(peak);
    const Live at_end = live(end);
    points.push_back({{"tb", site.total.allocated_bytes},
                      {"tbk", site.total.allocations},
                      {"tl", history.lifetimes},
                      {"mb", history.most.bytes},
                      {"mbk", history.most.blocks},
                      {"gb", at_peak.bytes},
                      {"gbk", at_peak.blocks},
                      {"eb", at_end.bytes},
                      {"ebk", at_end.blocks},
                      {"fs", frames_json(report, static_cast<recording::SiteId>(i), table)}});
  }
  const auto time_at = [&](size_t snapshot) { return times.empty() ? 0 : times[snapshot]; };
  const Json file = {{"dhatFileVersion", 2},
                     {"mode", "heap"},
                     {"verb", "Allocated"},
                     {"bklt", true},
                     {"bkacc", false},
                     {"tu", iterations ? "iterations" : "ms"},
                     {"Mtu", iterations ? "M iterations" : "ks"},
                     {"tuth", 1},
                     {"cmd", command_label(*report.run)},
                     {"pid", report.run->process.pid},
                     {"te", time_at(end)},
                     {"tg", time_at(peak)},
                     {"pps", std::move(points)},
                     {"ftbl", table.take()}};
  out << file.dump(1, ' ', true, Json::error_handler_t::replace) << '\n';
}

}  // namespace leakhunt::reports
