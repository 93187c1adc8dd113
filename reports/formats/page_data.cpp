#include "reports/formats/page_data.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "reports/formats/again.h"
#include "reports/formats/json_report.h"
#include "reports/formats/labels.h"
#include "reports/formats/page_parts.h"
#include "reports/formats/page_series.h"
#include "reports/formats/profile.h"
#include "reports/formats/threads.h"
#include "reports/formats/words.h"

namespace leakhunt::reports {

namespace {

using recording::SiteId;
using recording::SiteKind;

constexpr size_t kMostChartPoints = 10'000;
constexpr size_t kMostSitePoints = 10'000;
constexpr size_t kMostRuns = 200'000;
constexpr size_t kMostSites = 10'000;  // with a row of their own

size_t index(auto id) {
  return static_cast<size_t>(id);
}

// --- checks --------------------------------------------------------------------------------------

Json checks_json(const Report& report) {
  Json checks = Json::array();
  for (const Check& check : report.judgement.checks)
    checks.push_back({{"state", word_of(check.state)}, {"text", check.text}});
  return checks;
}

// --- call sites ----------------------------------------------------------------------------------

// A row of the table: one call site, or of very many those of one tag and kind that matter least.
struct SiteRows {
  std::vector<std::vector<SiteId>> groups;
  size_t alone = 0;  // rows of one site; the others are behind them
};

SiteRows rows_for(const Report& report) {
  const size_t count = report.run->sites.size();
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  if (count > kMostSites) {
    std::vector<bool> found(count, false);
    for (const Finding& finding : report.findings) {
      for (const SiteId site : finding.sites) found[index(site)] = true;
    }
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      if (found[a] != found[b]) return static_cast<bool>(found[a]);
      return report.growth.sites[a].peak_live_bytes > report.growth.sites[b].peak_live_bytes;
    });
    std::sort(order.begin(), order.begin() + kMostSites);
  }
  SiteRows rows;
  rows.alone = std::min(count, kMostSites);
  std::map<std::pair<recording::TagId, SiteKind>, std::vector<SiteId>> rest;
  for (size_t i = 0; i < count; ++i) {
    const auto site = static_cast<SiteId>(order[i]);
    if (i < kMostSites) {
      rows.groups.push_back({site});
    } else {
      rest[{report.run->sites[order[i]].tag, report.run->sites[order[i]].kind}].push_back(site);
    }
  }
  for (auto& [key, sites] : rest) rows.groups.push_back(std::move(sites));
  return rows;
}

// Sums over the sites of each group.
Json column(const SiteRows& rows, auto value) {
  std::vector<decltype(value(SiteId{}))> values;
  values.reserve(rows.groups.size());
  for (const std::vector<SiteId>& group : rows.groups) {
    auto sum = value(group.front());
    for (size_t i = 1; i < group.size(); ++i) sum += value(group[i]);
    values.push_back(sum);
  }
  return values;
}

// What the first site of each group is.
Json attribute_column(const SiteRows& rows, auto value) {
  Json values = Json::array();
  for (const std::vector<SiteId>& group : rows.groups) values.push_back(value(group.front()));
  return values;
}

void put_identity(Json& sites, const Report& report, const SiteRows& rows, StackTree& stacks) {
  const auto& all = report.run->sites;
  const auto& growth = report.growth.sites;
  sites["id"] = attribute_column(rows, [](SiteId id) { return index(id); });
  sites["alone"] = rows.alone;
  sites["members"] = Json::array();  // of the rows behind those
  for (size_t i = rows.alone; i < rows.groups.size(); ++i) sites["members"].push_back(rows.groups[i].size());
  sites["tag"] = attribute_column(rows, [&](SiteId id) { return index(all[index(id)].tag); });
  sites["kind"] = attribute_column(rows, [&](SiteId id) { return static_cast<int>(all[index(id)].kind); });
  Json nodes = Json::array();
  Json skipped = Json::array();
  for (size_t i = 0; i < rows.groups.size(); ++i) {
    const size_t site = index(rows.groups[i].front());
    nodes.push_back(i < rows.alone ? stacks.add(growth[site].attribution.frames.span()) : -1);
    skipped.push_back(i < rows.alone ? growth[site].attribution.named : 0);
  }
  sites["stack"] = std::move(nodes);
  sites["plumbing"] = std::move(skipped);
  sites["cut"] = attribute_column(rows, [&](SiteId id) { return all[index(id)].truncated ? 1 : 0; });
  sites["trend"] =
      attribute_column(rows, [&](SiteId id) { return to_string(growth[index(id)].growth.kind); });
  if (std::any_of(all.begin(), all.end(), [](const auto& site) { return site.thread.has_value(); })) {
    sites["thread"] = attribute_column(rows, [&](SiteId id) -> std::string {
      const auto& thread = all[index(id)].thread;
      return thread ? thread_label(*report.run, *thread) : "";
    });
  }
}

void put_figures(Json& sites, const Report& report, const SiteRows& rows) {
  const auto& all = report.run->sites;
  const auto& growth = report.growth.sites;
  std::vector<ProfileRow> at_peak(all.size());
  for (const ProfileRow& row : make_profile(report, moment_at_peak(report), ProfiledKinds::kAll).rows)
    at_peak[index(row.site)] = row;
  sites["peak"] = column(rows, [&](SiteId id) { return growth[index(id)].peak_live_bytes; });
  sites["at_peak"] = column(rows, [&](SiteId id) { return at_peak[index(id)].bytes; });
  sites["blocks_at_peak"] = column(rows, [&](SiteId id) { return at_peak[index(id)].blocks; });
  sites["end"] = column(rows, [&](SiteId id) { return growth[index(id)].end.bytes; });
  sites["blocks_end"] = column(rows, [&](SiteId id) { return growth[index(id)].end.blocks; });
  sites["allocations"] = column(rows, [&](SiteId id) { return all[index(id)].total.allocations; });
  sites["allocated"] = column(rows, [&](SiteId id) { return all[index(id)].total.allocated_bytes; });
  sites["temporary"] = column(rows, [&](SiteId id) { return all[index(id)].total.temporary_blocks; });
  sites["rate"] = column(rows, [&](SiteId id) { return growth[index(id)].allocations_per_step; });
  sites["growth"] = column(rows, [&](SiteId id) { return growth[index(id)].growth.bytes_per_step; });
  sites["growth_blocks"] = column(rows, [&](SiteId id) { return growth[index(id)].growth.blocks_per_step; });
}

// --- curves --------------------------------------------------------------------------------------

Json steps_at(const Report& report, const std::vector<size_t>& points, auto value) {
  std::vector<int64_t> values;
  values.reserve(points.size());
  for (const size_t point : points) values.push_back(value(point, report.timeline.points[point]));
  return equal_steps(values);
}

Json numbers_at(const Report& report, const std::vector<size_t>& points) {
  return steps_at(report, points,
                  [&](size_t point, size_t) { return static_cast<int64_t>(report.timeline.numbers[point]); });
}

// Live bytes by tag; mappings, which are address space, apart from blocks.
Json tag_curves(const Report& report, const std::vector<size_t>& points) {
  Json curves = Json::array();
  for (size_t tag = 0; tag < report.run->tags.size(); ++tag) {
    for (const SiteKind kind : {SiteKind::kBlock, SiteKind::kMapping}) {
      const std::vector<int64_t> live = recording::expand_sum(
          *report.run, {static_cast<recording::TagId>(tag), kind}, recording::Measure::kLiveBytes);
      if (std::all_of(live.begin(), live.end(), [](int64_t bytes) { return bytes == 0; })) continue;
      curves.push_back({{"tag", tag},
                        {"kind", static_cast<int>(kind)},
                        {"peak", *std::max_element(live.begin(), live.end())},
                        {"live", steps_at(report, points, [&](size_t, size_t at) { return live[at]; })}});
    }
  }
  return curves;
}

Json chart_json(const Report& report) {
  const std::vector<size_t> points = chart_points(report, kMostChartPoints);
  const auto& snapshots = report.run->snapshots;
  Json chart;
  chart["numbers"] = numbers_at(report, points);
  chart["milliseconds"] = steps_at(report, points, [&](size_t, size_t at) {
    return static_cast<int64_t>(snapshots[at].time_ns / 1'000'000);
  });
  chart["rss"] = steps_at(report, points,
                          [&](size_t, size_t at) { return static_cast<int64_t>(snapshots[at].rss_bytes); });
  chart["tags"] = tag_curves(report, points);
  return chart;
}

Json growth_json(const Growth& growth) {
  return {{"trend", to_string(growth.kind)},
          {"bytes", number(growth.bytes_per_step)},
          {"since", growth.since},
          {"grows", growth.grows()}};
}

Json clock_json(const Report& report) {
  const Timeline& timeline = report.timeline;
  Json clock = {{"step", step_label(report)}, {"completed", timeline.completed}};
  clock["base"] = timeline.numbers.empty() ? Json(nullptr) : Json(timeline.numbers[timeline.base]);
  clock["last"] = timeline.numbers.empty() ? Json(nullptr) : Json(timeline.numbers.back());
  clock["per_second"] = or_null(timeline.per_second);
  return clock;
}

Json peak_json(const Report& report) {
  if (report.run->snapshots.empty()) return nullptr;
  const Moment peak = moment_at_peak(report);
  return {{"number", report.run->snapshots[peak.snapshot].iteration},
          {"heap_bytes", report.growth.heap_bytes[peak.snapshot]}};
}

}  // namespace

std::string page_data(const Report& report) {
  StackTree stacks;
  const SiteRows rows = rows_for(report);
  const SiteHistories histories = site_histories(report, rows.groups, kMostSitePoints, kMostRuns);
  Json sites;
  put_identity(sites, report, rows, stacks);
  put_figures(sites, report, rows);
  sites["numbers"] = numbers_at(report, histories.points);
  sites["runs"] = histories.rows;

  Json data;
  data["page"] = "report";
  data["title"] = title_label(report);
  data["command"] = command_label(*report.run);
  data["again"] = command_that_runs_it_again(*report.run);
  data["checks"] = checks_json(report);
  data["clock"] = clock_json(report);
  data["peak"] = peak_json(report);
  data["heap_growth"] = growth_json(report.growth.heap);
  data["process_growth"] = growth_json(report.growth.process);
  data["threads_in_words"] = threads_figure(*report.run);
  data["report"] = report_without_call_sites(report);
  escape_texts(data["report"]);
  data["frames"] = stacks.frames_json();
  data["stacks"] = stacks.nodes_json();
  data["sites"] = std::move(sites);
  data["chart"] = chart_json(report);

  return text_for_a_page(data);
}

}  // namespace leakhunt::reports
