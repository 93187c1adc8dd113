// A difference as JSON, schema 1: docs/diff.schema.json. Names go in as they are (JSON escapes them); invalid
// UTF-8 is replaced.
#include <algorithm>
#include <ostream>

#include "reports/formats/diff_formats.h"
#include "reports/formats/json_stacks.h"
#include "reports/formats/json_values.h"
#include "reports/formats/labels.h"

namespace leakhunt::reports {

namespace {

constexpr size_t kMostSites = 1000;

Json figures_json(const Figures& figures, std::string_view growth_unit) {
  return {{"live_bytes", figures.live_bytes},
          {"live_blocks", figures.live_blocks},
          {"peak_bytes", figures.peak_bytes},
          {"peak_blocks", figures.peak_blocks},
          {"allocations", figures.allocations},
          {"allocated_bytes", figures.allocated_bytes},
          {"growth_bytes_per_iteration", growth_unit.empty() ? Json(nullptr) : number(figures.growth)}};
}

template <typename Row>
void put_figures(Json& object, const Diff& diff, const Row& row) {
  object["change"] = std::string(to_string(row.change));
  object["before"] = figures_json(row.was, diff.growth_unit);
  object["after"] = figures_json(row.is, diff.growth_unit);
  object["difference"] = figures_json(row.difference(), diff.growth_unit);
}

Json side_json(const DiffSide& side) {
  const Report& report = *side.report;
  const Timeline& timeline = report.timeline;
  Json json;
  json["name"] = side.name;
  json["title"] = title_label(report);
  json["moment"] = side.moment;
  json["verdict"] = std::string(to_string(report.verdict()));
  json["clock"] = timeline.clock == Clock::kIterations ? "iteration" : "tick";
  json["iterations"] = timeline.completed;
  json["peak_rss_bytes"] = report.peak_rss_bytes;
  json["growth_bytes_per_iteration"] =
      timeline.judges() ? number(report.growth.process.bytes_per_step) : Json(nullptr);
  return json;
}

Json sum_json(const Diff& diff, const TagDiff& row, const char* name) {
  Json json;
  json[name] = row.tag;
  json["kind"] = std::string(kind_label(row.kind));
  put_figures(json, diff, row);
  return json;
}

// "function", "file" and "line" of the frame that answers.
Json place_json(const SiteIdentity& site) {
  const StackFrame* frame = answering_frame(site);
  return {{"function", frame == nullptr ? "" : frame_name(*frame)},
          {"file", frame == nullptr ? "" : frame->file},
          {"line", frame == nullptr ? 0 : frame->line}};
}

Json site_json(const Diff& diff, const SiteDiff& row, JsonStacks& stacks) {
  const SiteIdentity& site = diff.identity(row);
  Json json;
  json["tag"] = site.tag;
  json["kind"] = std::string(kind_label(site.kind));
  json.update(place_json(site));
  json["matched_by"] = row.before && row.after ? Json(std::string(to_string(row.by))) : Json(nullptr);
  json["was_at"] = row.before && row.after ? place_json(diff.before_sites[*row.before]) : Json(nullptr);
  put_figures(json, diff, row);
  const Report& report = diff.report_of(row);
  json["stack"] =
      stacks.placeholder(report.growth.sites[static_cast<size_t>(site.sites.front())].attribution);
  return json;
}

}  // namespace

void write_diff_json(const Diff& diff, std::ostream& out) {
  Json json;
  JsonStacks stacks;
  json["schema"] = 1;
  json["before"] = side_json(diff.before);
  json["after"] = side_json(diff.after);
  json["one_recording"] = diff.one_run;
  json["steps"] = or_null(diff.steps);
  json["notes"] = diff.notes;
  json["totals"] = Json::array();
  for (const TagDiff& kind : diff.kinds) json["totals"].push_back(sum_json(diff, kind, "of"));
  json["tags"] = Json::array();
  for (const TagDiff& tag : diff.tags) json["tags"].push_back(sum_json(diff, tag, "tag"));
  json["counts"] = Json::object();
  for (size_t i = 0; i < kChanges; ++i)
    json["counts"][std::string(to_string(static_cast<Change>(i)))] = diff.counts[i];
  json["call_sites"] = Json::array();
  size_t left_out = 0;
  for (const SiteDiff& row : diff.sites) {
    if (row.change == Change::kNone) continue;
    if (json["call_sites"].size() < kMostSites) {
      json["call_sites"].push_back(site_json(diff, row, stacks));
    } else {
      ++left_out;
    }
  }
  json["call_sites_left_out"] = left_out;
  stacks.write(json.dump(kJsonIndent, ' ', true, Json::error_handler_t::replace) + "\n", out);
}

}  // namespace leakhunt::reports
