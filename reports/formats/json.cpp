// report.json: schema 1, in the key order of docs/verdicts.md. Names go in as they are (JSON escapes them);
// invalid UTF-8 is replaced, never thrown over.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>
#include <span>
#include <vector>

#include "reports/analysis/sampling.h"
#include "reports/formats/formats.h"
#include "reports/formats/json_report.h"
#include "reports/formats/json_stacks.h"
#include "reports/formats/json_values.h"
#include "reports/formats/labels.h"
#include "reports/formats/retention.h"
#include "reports/formats/threads.h"

namespace leakhunt::reports {

namespace {

using recording::SiteId;
using recording::SiteKind;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

Json interval(const stats::Interval& value) {
  return Json::array({number(value.low), number(value.high)});
}

std::string_view to_string(SiteKind kind) {
  switch (kind) {
    case SiteKind::kBlock:
      return "block";
    case SiteKind::kMapping:
      return "mapping";
    case SiteKind::kNested:
      return "nested";
  }
  return "block";
}

std::string tag_name(const Report& report, recording::TagId tag) {
  const auto& tags = report.run->tags;
  return index(tag) < tags.size() ? tags[index(tag)].name : std::string();
}

// "function", "file", "line" and "stack" of a site; the stack's frames are put in when it is written.
void put_source(Json& object, const Attribution& attribution, JsonStacks& stacks) {
  const StackFrame* frame = attribution.frame();
  object["function"] = frame == nullptr ? "" : frame_name(*frame);
  object["file"] = frame == nullptr ? "" : frame->file;
  object["line"] = frame == nullptr ? 0 : frame->line;
  object["stack"] = stacks.placeholder(attribution);
}

Json budget_json(const recording::Budget& budget) {
  return {{"peak_rss_bytes", or_null(budget.peak_rss_bytes)},
          {"growth_bytes_per_iteration", or_null(budget.growth_bytes_per_iteration)},
          {"min_iterations_per_second", or_null(budget.min_iterations_per_second)}};
}

Json tags_json(const Report& report) {
  Json tags = Json::array();
  for (size_t i = 0; i < report.run->tags.size(); ++i) {
    const TagGrowth& tag = report.growth.tags[i];
    tags.push_back({{"name", report.run->tags[i].name},
                    {"peak_live_bytes", tag.peak_live_bytes},
                    {"live_bytes_end", tag.end.bytes},
                    {"live_blocks_end", tag.end.blocks},
                    {"live_bytes_exit", tag.exit.bytes},
                    {"growth_bytes_per_iteration", number(tag.growth.bytes_per_step)},
                    {"growth_bytes_per_iteration_interval", interval(tag.growth.bytes_interval)},
                    {"growth_blocks_per_iteration", number(tag.growth.blocks_per_step)},
                    {"growth_blocks_per_iteration_interval", interval(tag.growth.blocks_interval)},
                    {"trend", std::string(to_string(tag.growth.kind))},
                    {"period", tag.growth.period},
                    {"since_iteration", tag.growth.grows() ? Json(tag.growth.since) : Json(nullptr)},
                    {"nested", tag.nested}});
  }
  return tags;
}

Json site_json(const Report& report, size_t i, JsonStacks& stacks) {
  const recording::CallSite& site = report.run->sites[i];
  const SiteGrowth& growth = report.growth.sites[i];
  Json object = {{"id", i}, {"tag", tag_name(report, site.tag)}, {"kind", std::string(to_string(site.kind))}};
  put_source(object, growth.attribution, stacks);
  object["stack_truncated"] = site.truncated;
  if (site.thread) object["thread"] = *site.thread;
  object["live_bytes_end"] = growth.end.bytes;
  if (is_sampled(*report.run)) object["live_bytes_error"] = std::sqrt(variance_at_end(*report.run, site));
  object["live_blocks_end"] = growth.end.blocks;
  object["live_bytes_exit"] = growth.exit.bytes;
  object["peak_live_bytes"] = growth.peak_live_bytes;
  object["allocations"] = site.total.allocations;
  object["allocated_bytes"] = site.total.allocated_bytes;
  object["frees"] = site.total.frees;
  object["temporary_blocks"] = site.total.temporary_blocks;
  object["allocations_per_iteration"] = number(growth.allocations_per_step);
  object["growth_bytes_per_iteration"] = number(growth.growth.bytes_per_step);
  object["growth_blocks_per_iteration"] = number(growth.growth.blocks_per_step);
  object["trend"] = std::string(to_string(growth.growth.kind));
  object["growth_bytes_per_iteration_interval"] = interval(growth.growth.bytes_interval);
  object["growth_blocks_per_iteration_interval"] = interval(growth.growth.blocks_interval);
  object["period"] = growth.growth.period;
  object["since_iteration"] = growth.growth.grows() ? Json(growth.growth.since) : Json(nullptr);
  return object;
}

constexpr size_t kMostSites = 1000;
constexpr size_t kMostSitesOfFinding = 200;  // one finding may be of ten thousands of stacks

std::span<const SiteId> sites_to_list(const Finding& finding) {
  return std::span(finding.sites).first(std::min(finding.sites.size(), kMostSitesOfFinding));
}

// All sites, or of very many those that the findings list and those with the highest peaks, in the order of
// their ids.
std::vector<size_t> sites_to_list(const Report& report) {
  const size_t count = report.run->sites.size();
  std::vector<size_t> sites(count);
  std::iota(sites.begin(), sites.end(), size_t{0});
  if (count <= kMostSites) return sites;
  std::vector<bool> found(count, false);
  for (const Finding& finding : report.findings) {
    for (const SiteId site : sites_to_list(finding)) found[index(site)] = true;
  }
  std::stable_sort(sites.begin(), sites.end(), [&](size_t a, size_t b) {
    if (found[a] != found[b]) return static_cast<bool>(found[a]);
    return report.growth.sites[a].peak_live_bytes > report.growth.sites[b].peak_live_bytes;
  });
  const auto findings = static_cast<size_t>(std::count(found.begin(), found.end(), true));
  sites.resize(std::max(kMostSites, findings));
  std::sort(sites.begin(), sites.end());
  return sites;
}

Json twins_json(const FreedTwins& twins) {
  Json places = Json::array();
  for (const FreedAt& place : twins.places) {
    places.push_back({{"function", place.frame.function},
                      {"file", place.frame.file},
                      {"line", place.frame.line},
                      {"module", place.frame.module},
                      {"frees", place.samples}});
  }
  return {{"freed_blocks", twins.freed},
          {"kept_blocks", twins.kept},
          {"frees_looked_at", twins.looked_at},
          {"freed_at", places}};
}

Json survival_json(const std::optional<Survival>& survival) {
  if (!survival) return nullptr;
  Json generations = Json::array();
  for (const Generation& generation : survival->generations) {
    generations.push_back({{"first", generation.first},
                           {"last", generation.last},
                           {"born", generation.born},
                           {"alive", generation.alive}});
  }
  return {{"live_blocks", survival->live_blocks},
          {"born_after_warm_up", survival->born_judged},
          {"born_in_first_half", survival->born_in_first_half},
          {"oldest_birth", survival->oldest_judged},
          {"generations", std::move(generations)}};
}

Json holder_json(const Report& report, const Holder& holder) {
  return {{"kind", std::string(holder.site ? "block" : reports::to_string(holder.root))},
          {"call_site", holder.site ? Json(index(*holder.site)) : Json(nullptr)},
          {"slot", holder.slot},
          {"thread", holder.thread},
          {"words", holder_words(report, holder)}};
}

Json last_holder_json(const Report& report, const std::optional<LastHolder>& last) {
  if (!last) return nullptr;
  Json object = holder_json(report, last->holder);
  object["seen_iteration"] = last->seen;
  object["gone_iteration"] = last->gone;
  object["blocks"] = last->blocks;
  object["blocks_compared"] = last->compared;
  object["now"] = now_words(report, *last);
  object["through_call_site"] = last->through ? Json(index(*last->through)) : Json(nullptr);
  return object;
}

// What the heap graphs say of a finding.
Json retention_json(const Report& report, const std::optional<Retention>& retention) {
  if (!retention) return nullptr;
  Json object = {{"reachability", reports::to_string(retention->mostly)},
                 {"iteration", retention->iteration},
                 {"at_end", retention->at_end},
                 {"held", reach_json(retention->held)},
                 {"retainers", Json::array()},
                 {"path", way_words(report, *retention)},
                 {"retained_bytes", or_null(retention->retained_bytes)},
                 {"last_holder", last_holder_json(report, retention->last_holder)},
                 {"circle", retention->circle ? holder_json(report, *retention->circle) : Json(nullptr)},
                 {"container", nullptr}};
  for (const WayStep& step : retention->way) {
    Json retainer = holder_json(report, step.holder);
    retainer["blocks"] = step.blocks;
    object["retainers"].push_back(std::move(retainer));
  }
  if (const auto& container = retention->container) {
    object["container"] = {{"call_site", index(*container->holder.site)},
                           {"children_before", container->before},
                           {"children_after", container->after},
                           {"before_iteration", container->before_iteration},
                           {"after_iteration", container->after_iteration}};
  }
  return object;
}

Json finding_json(const Report& report, const Finding& finding, JsonStacks& stacks) {
  Json object = {{"kind", std::string(to_string(finding.kind))},
                 {"tag", finding.tag ? Json(tag_name(report, *finding.tag)) : Json(nullptr)}};
  static const Attribution kNowhere;
  Json source = Json::object();
  put_source(source,
             finding.sites.empty() ? kNowhere : report.growth.sites[index(finding.sites.front())].attribution,
             stacks);
  object["function"] = source["function"];
  object["file"] = source["file"];
  object["line"] = source["line"];
  object["growth_bytes_per_iteration"] = number(finding.growth.bytes_per_step);
  object["growth_bytes_per_iteration_interval"] = interval(finding.growth.bytes_interval);
  object["growth_blocks_per_iteration"] = number(finding.growth.blocks_per_step);
  object["growth_blocks_per_iteration_interval"] = interval(finding.growth.blocks_interval);
  object["confidence"] = kConfidence;
  object["exact"] = finding.growth.exact;
  object["trend"] = std::string(to_string(finding.growth.kind));
  object["since_iteration"] = finding.growth.since;
  object["period"] = finding.growth.period;
  object["repeats"] = finding.growth.repeats;
  object["share_of_growth"] = number(finding.share);
  object["iterations_left"] = report.forecast ? Json(report.forecast->steps_left) : Json(nullptr);
  object["allocations_per_iteration"] = number(finding.allocations_per_step);
  object["frees_per_iteration"] = number(finding.frees_per_step);
  object["survival"] = survival_json(finding.survival);
  object["freed_twins"] = twins_json(finding.twins);
  object["retention"] = retention_json(report, finding.retention);
  object["keeping"] = std::string(to_string(finding.keeping));
  object["chance"] = number(finding.growth.chance);
  object["call_sites"] = Json::array();
  for (const SiteId site : sites_to_list(finding)) object["call_sites"].push_back(index(site));
  object["call_sites_left_out"] = finding.sites.size() - sites_to_list(finding).size();
  object["stack"] = source["stack"];
  object["threads"] = threads_of(report, finding);
  return object;
}

Json forecast_json(const std::optional<Forecast>& forecast) {
  if (!forecast) return nullptr;
  return {{"iterations_left", forecast->steps_left},
          {"iterations_left_earliest", forecast->earliest},
          {"iterations_left_latest", or_null(forecast->latest)},
          {"iteration", forecast->at},
          {"seconds_left", or_null(forecast->seconds_left)}};
}

Json rss_json(const GrowthMap& growth) {
  return {{"trend", std::string(to_string(growth.rss.kind))},
          {"growth_bytes_per_iteration", number(growth.rss.bytes_per_step)},
          {"growth_bytes_per_iteration_interval", interval(growth.rss.bytes_interval)},
          {"slack_bytes_per_iteration", growth.rss.grows() ? number(growth.slack_per_step) : Json(nullptr)}};
}

constexpr size_t kMostLedgerItems = 100;

Json ledger_items_json(const Report& report, const std::vector<LedgerItem>& items) {
  Json json = Json::array();
  for (size_t i = 0; i < std::min(items.size(), kMostLedgerItems); ++i) {
    const LedgerItem& item = items[i];
    Json one = {{"name", item.name},
                {"count", item.count},
                {"reserved_bytes", item.reserved_bytes},
                {"resident_bytes", item.resident_bytes}};
    if (item.tag) one["tag"] = tag_label(report, *item.tag);
    if (item.site) one["call_site"] = static_cast<uint32_t>(*item.site);
    if (item.thread) one["thread"] = *item.thread;
    json.push_back(std::move(one));
  }
  return json;
}

Json ledger_json(const Report& report, const Ledger& ledger) {
  Json lines = Json::array();
  for (const LedgerLine& line : ledger.lines) {
    lines.push_back({{"part", std::string(key_of(line.part))},
                     {"title", std::string(title_of(line.part))},
                     {"count", line.count},
                     {"reserved_bytes", line.reserved_bytes},
                     {"resident_bytes", line.resident_bytes},
                     {"items", ledger_items_json(report, line.items)},
                     {"call_sites", ledger_items_json(report, line.sites)}});
  }
  return {{"measured", ledger.measured},
          {"obstacle", ledger.obstacle.empty() ? Json(nullptr) : Json(ledger.obstacle)},
          {"iteration", ledger.iteration},
          {"counter_rss_bytes", ledger.counter_rss_bytes},
          {"lines", std::move(lines)},
          {"heap_regions", ledger_items_json(report, ledger.heap_regions)},
          {"cost_ns", ledger.cost_ns},
          {"snapshot", ledger.snapshot},
          {"rss_bytes", ledger.rss_bytes},
          {"heap_live_bytes", ledger.heap_bytes},
          {"mapping_bytes", ledger.mapping_bytes},
          {"shared_bytes", ledger.shared_bytes},
          {"tracker_bytes", ledger.tracker_bytes},
          {"unexplained_bytes", ledger.unexplained_bytes}};
}

Json tracker_json(const Report& report) {
  const recording::Run& run = *report.run;
  uint64_t mapped = 0;
  for (const recording::Snapshot& snapshot : run.snapshots) mapped = std::max(mapped, snapshot.tracker_bytes);
  Json step_asides = Json::array();
  for (const recording::StepAsideNote& note : run.step_asides) {
    step_asides.push_back({{"iteration", note.iteration}, {"error", note.error}, {"reason", note.reason}});
  }
  Json samples = Json::array();
  for (const recording::SamplingNote& note : run.sampling) {
    samples.push_back({{"iteration", note.iteration},
                       {"interval_bytes", note.interval_bytes},
                       {"stacks_end", note.stacks_end},
                       {"error", note.error},
                       {"group_limit_bytes", note.group_limit_bytes},
                       {"allocations", note.allocations},
                       {"allocated_bytes", note.allocated_bytes},
                       {"frees", note.frees}});
  }
  return {{"mapped_bytes", mapped},
          {"sampling", std::move(samples)},
          {"live_bytes_error", error_of_heap(run)},
          {"unwinder", run.process.unwinder},
          {"max_frames", run.process.max_frames},
          {"step_aside", std::move(step_asides)},
          {"complete", run.complete()},
          {"damage",
           {{"damaged_bytes", run.damage.damaged_bytes},
            {"damaged_records", run.damage.damaged_records},
            {"torn_bytes", run.damage.torn_bytes},
            {"lost_snapshots", run.damage.lost_snapshots},
            {"note", run.damage.note}}}};
}

Json scenario_json(const recording::Run& run) {
  if (!run.scenario) return nullptr;
  const recording::Scenario& scenario = *run.scenario;
  return {{"name", scenario.name},       {"description", scenario.description},
          {"source", scenario.source},   {"defect", scenario.defect},
          {"command", scenario.command}, {"iterations", scenario.iterations},
          {"warm_up", scenario.warm_up}, {"expected_verdict", scenario.expected_verdict}};
}

Json outcome_json(const recording::Run& run) {
  if (!run.outcome) return nullptr;
  const recording::Outcome& outcome = *run.outcome;
  return {{"exit_status", outcome.exit_status},
          {"signal", outcome.signal},
          {"stopped_for", outcome.stopped_for},
          {"wall_seconds", static_cast<double>(outcome.wall_ns) * 1e-9},
          {"peak_rss_bytes", outcome.peak_rss_bytes}};
}

Json process_json(const recording::Run& run) {
  return {{"pid", run.process.pid},
          {"executable", run.process.executable},
          {"command_line", run.process.command_line},
          {"page_size", run.process.page_size},
          {"start_unix_ns", run.process.start_unix_ns},
          {"images", run.images}};
}

constexpr size_t kMostProcesses = 1000;

Json process_row_json(const ProcessRow& row) {
  Json reasons = Json::array();
  for (const Check& reason : row.reasons) reasons.push_back(reason.text);
  return {{"pid", row.pid},
          {"parent_pid", row.parent_pid == 0 ? Json(nullptr) : Json(row.parent_pid)},
          {"recording", row.recording},
          {"command", row.command},
          {"verdict", std::string(to_string(row.verdict))},
          {"reasons", std::move(reasons)},
          {"trend", std::string(to_string(row.growth))},
          {"growth_bytes_per_iteration", number(row.growth_bytes_per_step)},
          {"peak_live_bytes", row.peak_live_bytes},
          {"live_bytes_exit", row.live_bytes_end},
          {"allocations", row.allocations},
          {"complete", row.complete},
          {"left_running", row.left_running}};
}

// Puts "processes" and their totals; nothing for a run of one process.
void put_processes(Json& json, const ProcessTree& tree) {
  if (tree.empty()) return;
  const size_t listed = std::min(tree.rows.size(), kMostProcesses);
  Json processes = Json::array();
  for (size_t i = 0; i < listed; ++i) processes.push_back(process_row_json(tree.rows[i]));
  json["processes"] = std::move(processes);
  json["processes_total"] = {{"processes", tree.processes()},
                             {"left_out", tree.processes() - listed},
                             {"not_read", tree.not_read},
                             {"allocations", tree.allocations},
                             {"live_bytes_exit", tree.live_bytes_end},
                             {"sum_of_peak_live_bytes", tree.peak_live_bytes}};
}

Json attached_json(const recording::Run& run) {
  if (!run.attached) return nullptr;
  const recording::AttachedNote& before = *run.attached;
  return {{"heap_bytes_before", or_null(before.heap_bytes)},
          {"rss_bytes_before", before.rss_bytes},
          {"blocks_from_before_freed", before.foreign_frees},
          {"program_goes_on", run.end == recording::EndKind::kDetached}};
}

Json clock_json(const Report& report) {
  const Timeline& timeline = report.timeline;
  const std::string by = marked_by(*report.run);
  return {{"unit", timeline.clock == Clock::kIterations ? "iteration" : "tick"},
          {"marked_by", by.empty() ? Json(nullptr) : Json(by)},
          {"warm_up", timeline.warm_up},
          {"judged", timeline.judged()},
          {"judged_seconds", timeline.judged_seconds(*report.run)},
          {"points", timeline.points.size()}};
}

// Without the call sites there is no key "call_sites".
Json report_json(const Report& report, JsonStacks& stacks, bool with_call_sites) {
  const recording::Run& run = *report.run;
  const bool marked = report.timeline.clock == Clock::kIterations;
  Json json;
  json["schema"] = 1;
  json["verdict"] = std::string(to_string(report.verdict()));
  json["reasons"] = Json::array();
  for (const Check& check : report.judgement.checks) json["reasons"].push_back(check.text);
  json["iterations"] = marked ? report.timeline.completed : 0;
  json["iterations_per_second"] = marked ? or_null(report.timeline.per_second) : Json(nullptr);
  json["peak_rss_bytes"] = report.peak_rss_bytes;
  json["growth_bytes_per_iteration"] = number(report.growth.process.bytes_per_step);
  json["budget"] = budget_json(run.budget);
  json["tags"] = tags_json(report);
  const std::vector<size_t> listed = with_call_sites ? sites_to_list(report) : std::vector<size_t>();
  if (with_call_sites) json["call_sites"] = Json::array();
  for (const size_t site : listed) json["call_sites"].push_back(site_json(report, site, stacks));
  json["findings"] = Json::array();
  for (const Finding& finding : report.findings)
    json["findings"].push_back(finding_json(report, finding, stacks));
  json["ledger"] = ledger_json(report, report.ledger);
  json["ledger"]["at_peak"] = ledger_json(report, report.peak_ledger);
  const LedgerCost ledgers = cost_of_ledgers(*report.run);
  json["ledger"]["all"] = {
      {"taken", ledgers.taken}, {"cost_ns", ledgers.cost_ns}, {"share_of_run", ledgers.share_of_run}};
  json["tracker"] = tracker_json(report);
  json["target_failed"] = report.verdict() == Verdict::kTargetFailed;
  json["exit_status"] = exit_status(report);
  json["trend"] = std::string(to_string(report.growth.process.kind));
  json["clock"] = clock_json(report);
  json["forecast"] = forecast_json(report.forecast);
  json["rss"] = rss_json(report.growth);
  json["risk"] = {{"of_any_false_accusation", kRisk}, {"each_series", report.growth.risk_each}};
  json["scenario"] = scenario_json(run);
  json["outcome"] = outcome_json(run);
  json["process"] = process_json(run);
  if (run.attached) json["attached"] = attached_json(run);
  json["call_sites_left_out"] = run.sites.size() - listed.size();
  put_processes(json, report.processes);
  json["threads"] = threads_json(report);
  json["thread_stacks"] = thread_stacks_json(report);
  json["heap_graph"] = held_blocks_json(report);
  return json;
}

}  // namespace

Json report_without_call_sites(const Report& report) {
  JsonStacks stacks;
  Json json = report_json(report, stacks, false);
  json.erase("call_sites_left_out");
  for (Json& finding : json["findings"]) finding.erase("stack");
  return json;
}

void write_json(const Report& report, std::ostream& out) {
  JsonStacks stacks;
  const Json json = report_json(report, stacks, true);
  stacks.write(json.dump(kJsonIndent, ' ', true, Json::error_handler_t::replace), out);
  out << '\n';
}

}  // namespace leakhunt::reports
