// A difference as a page for a browser: the page that npm built (html/), with these figures in it.
#include <map>
#include <vector>

#include "reports/formats/diff_formats.h"
#include "reports/formats/diff_places.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"
#include "reports/formats/page_parts.h"
#include "reports/formats/page_series.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kMostSites = 10'000;  // with a row of their own
constexpr size_t kMostPoints = 5'000;  // of a curve

// A row of the table: one call site of the difference, or of very many the sum of those of one tag and kind
// that matter least.
struct Row {
  const SiteDiff* site = nullptr;  // the first of them
  size_t members = 1;
  Figures was;
  Figures is;
};

std::vector<Row> rows_of(const Diff& diff) {
  std::vector<Row> rows;
  std::map<std::pair<std::string_view, recording::SiteKind>, Row> rest;
  for (const SiteDiff& site : diff.sites) {
    if (rows.size() < kMostSites) {
      rows.push_back({&site, 1, site.was, site.is});
      continue;
    }
    const SiteIdentity& identity = diff.identity(site);
    Row& sum = rest.try_emplace({identity.tag, identity.kind}, Row{&site, 0, {}, {}}).first->second;
    ++sum.members;
    sum.was += site.was;
    sum.is += site.is;
  }
  for (const auto& [key, row] : rest) rows.push_back(row);
  return rows;
}

Json column(const std::vector<Row>& rows, auto value) {
  Json values = Json::array();
  for (const Row& row : rows) values.push_back(value(row));
  return values;
}

Json figures_json(const Figures& figures) {
  return {figures.live_bytes,  figures.live_blocks,     figures.peak_bytes,    figures.peak_blocks,
          figures.allocations, figures.allocated_bytes, number(figures.growth)};
}

Json sum_json(const TagDiff& row) {
  return {{"name", escape_line(row.tag)},
          {"kind", static_cast<int>(row.kind)},
          {"change", to_string(row.change)},
          {"was", figures_json(row.was)},
          {"is", figures_json(row.is)}};
}

std::string_view change_of(const Row& row) {
  if (row.members == 1) return to_string(row.site->change);
  const int64_t bytes = (row.is - row.was).live_bytes;
  return to_string(bytes > 0 ? Change::kGrew : bytes < 0 ? Change::kShrank : Change::kElse);
}

bool stack_is_cut(const Diff& diff, const SiteDiff& row) {
  const auto site = static_cast<size_t>(diff.identity(row).sites.front());
  return diff.report_of(row).run->sites[site].truncated;
}

Json sites_json(const Diff& diff, StackTree& stacks) {
  const std::vector<Row> rows = rows_of(diff);
  std::map<std::string_view, size_t> tags;
  Json names = Json::array();
  for (const TagDiff& tag : diff.tags) {
    if (tags.try_emplace(tag.tag, tags.size()).second) names.push_back(escape_line(tag.tag));
  }
  size_t alone = 0;
  Json members = Json::array();
  for (const Row& row : rows) {
    if (row.members == 1 && members.empty()) {
      ++alone;
    } else {
      members.push_back(row.members);
    }
  }
  Json sites;
  sites["tag_names"] = std::move(names);
  sites["alone"] = alone;
  sites["members"] = std::move(members);
  sites["tag"] = column(rows, [&](const Row& row) { return tags[diff.identity(*row.site).tag]; });
  sites["kind"] =
      column(rows, [&](const Row& row) { return static_cast<int>(diff.identity(*row.site).kind); });
  size_t number = 0;
  sites["stack"] = column(rows, [&](const Row& row) {
    return number++ < alone ? stacks.add(diff.identity(*row.site).frames) : int64_t{-1};
  });
  sites["cut"] = column(rows, [&](const Row& row) { return stack_is_cut(diff, *row.site) ? 1 : 0; });
  sites["change"] = column(rows, change_of);
  sites["matched_by"] = column(rows, [](const Row& row) {
    const SiteDiff& site = *row.site;
    return row.members == 1 && site.before && site.after ? to_string(site.by) : std::string_view();
  });
  sites["place"] = column(
      rows, [&](const Row& row) { return row.members == 1 ? place_label(diff, *row.site) : std::string(); });
  sites["was"] = column(rows, [](const Row& row) { return figures_json(row.was); });
  sites["is"] = column(rows, [](const Row& row) { return figures_json(row.is); });
  return sites;
}

Json curve_json(const Report& report) {
  std::vector<int64_t> numbers;
  std::vector<int64_t> heap;
  std::vector<int64_t> rss;
  for (const size_t point : chart_points(report, kMostPoints)) {
    const size_t at = report.timeline.points[point];
    numbers.push_back(static_cast<int64_t>(report.timeline.numbers[point]));
    heap.push_back(report.growth.heap_bytes[at]);
    rss.push_back(static_cast<int64_t>(report.run->snapshots[at].rss_bytes));
  }
  return {{"numbers", equal_steps(numbers)}, {"heap", equal_steps(heap)}, {"rss", equal_steps(rss)}};
}

Json side_json(const DiffSide& side) {
  const Report& report = *side.report;
  const auto& snapshots = report.run->snapshots;
  Json json;
  json["words"] = side_label(side);
  json["moment"] = escape_line(side.moment);
  json["verdict"] = to_string(report.verdict());
  json["peak_rss_bytes"] = report.peak_rss_bytes;
  json["number"] =
      side.snapshot < snapshots.size() ? Json(snapshots[side.snapshot].iteration) : Json(nullptr);
  json["curve"] = curve_json(report);
  return json;
}

}  // namespace

void write_diff_html(const Diff& diff, std::ostream& out) {
  StackTree stacks;
  Json data;
  data["page"] = "diff";
  data["conclusion"] = conclusion(diff);
  data["cause"] = cause(diff, places_that_differ(diff));
  data["one_run"] = diff.one_run;
  data["steps"] = or_null(diff.steps);
  data["step"] = step_label(*diff.after.report);
  data["growth_unit"] = diff.growth_unit;
  data["before"] = side_json(diff.before);
  data["after"] = side_json(diff.after);
  data["notes"] = diff.notes;
  data["totals"] = Json::array();
  for (const TagDiff& kind : diff.kinds) data["totals"].push_back(sum_json(kind));
  data["tags"] = Json::array();
  for (const TagDiff& tag : diff.tags) data["tags"].push_back(sum_json(tag));
  data["counts"] = Json::object();
  for (size_t i = 0; i < kChanges; ++i)
    data["counts"][std::string(to_string(static_cast<Change>(i)))] = diff.counts[i];
  data["sites"] = sites_json(diff, stacks);
  data["frames"] = stacks.frames_json();
  data["stacks"] = stacks.nodes_json();
  write_page(text_for_a_page(data), out);
}

}  // namespace leakhunt::reports
