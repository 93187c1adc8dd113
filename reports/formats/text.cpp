// report.txt: what a person reads first. From the verdict down to the details; every section that has nothing
// to say is left out.
#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "reports/analysis/sampling.h"
#include "reports/formats/curve.h"
#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/held_blocks.h"
#include "reports/formats/ledger.h"
#include "reports/formats/retention.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/threads.h"
#include "reports/formats/units.h"
#include "reports/formats/words.h"
#include "reports/importers/importer.h"

namespace leakhunt::reports {

namespace {

using recording::SiteId;
using recording::SiteKind;

constexpr size_t kLongName = 72;  // a longer one does without its template arguments
constexpr size_t kFindings = 10;
constexpr size_t kFramesShown = 12;
constexpr size_t kSitesShown = 8;
constexpr size_t kCurveRows = 8;
constexpr double kSlackShown = 0.005;  // of the growth of RSS
constexpr size_t kProcessesShown = 20;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

bool marked(const Report& report) {
  return report.timeline.clock == Clock::kIterations;
}

const char* step_word(const Report& report) {
  return marked(report) ? "iteration" : "tick";
}

std::string tag_name(const Report& report, recording::TagId tag) {
  return index(tag) < report.run->tags.size() ? escape_line(report.run->tags[index(tag)].name) : "?";
}

// The last three parts of a path: enough to find the file, free of the build machine.
std::string short_path(std::string_view path) {
  size_t at = path.size();
  for (int part = 0; part < 3 && at != std::string_view::npos && at > 0; ++part) at = path.rfind('/', at - 1);
  return escape_line(at == std::string_view::npos || at == 0 ? path : path.substr(at + 1));
}

std::string source_of(const StackFrame& frame) {
  if (!frame.file.empty()) return fmt::format("{}:{}", short_path(frame.file), frame.line);
  if (frame.function.empty()) return escape_line(frame.note);
  return frame.module.empty() ? "" : "in " + short_path(frame.module);
}

std::string function_of(const StackFrame& frame) {
  if (frame.function.empty()) return escape_line(frame_name(frame));
  return escape_line(shorten_templates(qualified_name(frame.function), kLongName));
}

// --- verdict -------------------------------------------------------------------------------------

std::string title_of(const Report& report) {
  const recording::Run& run = *report.run;
  if (run.scenario && !run.scenario->name.empty()) {
    std::string title = escape_line(run.scenario->name);
    if (!run.scenario->defect.empty()) title += " with the defect " + escape_line(run.scenario->defect);
    return title;
  }
  std::string title;
  for (const std::string& word : run.process.command_line)
    title += (title.empty() ? "" : " ") + escape_line(word);
  return title.empty() ? escape_line(run.process.executable) : title;
}

// --- figures -------------------------------------------------------------------------------------

void write_figure(std::ostream& out, std::string_view name, std::string_view text) {
  write_wrapped(out, fmt::format("  {:<13} ", name), text);
}

std::string clock_text(const Report& report) {
  const Timeline& timeline = report.timeline;
  std::string text = human_count(static_cast<int64_t>(timeline.completed));
  if (!marked(report)) return text + fmt::format(" ticks of the clock, {} after warm-up", timeline.judged());
  const auto& scenario = report.run->scenario;
  if (scenario && scenario->iterations > 0)
    text += " of " + human_count(static_cast<int64_t>(scenario->iterations));
  if (const std::string by = marked_by(*report.run); !by.empty()) text += " (" + escape_line(by) + ")";
  text += fmt::format(", the first {} warm-up", human_count(static_cast<int64_t>(timeline.warm_up)));
  if (timeline.per_second) text += fmt::format("; {} it/s", human_rate(*timeline.per_second));
  return text;
}

std::string peak_text(const Report& report) {
  std::string text = human_bytes(static_cast<int64_t>(report.peak_rss_bytes));
  if (!report.run->budget.peak_rss_bytes) return text + ", no budget";
  const auto budget = static_cast<double>(*report.run->budget.peak_rss_bytes);
  const double percent = 100 * static_cast<double>(report.peak_rss_bytes) / std::max(1.0, budget);
  return text + fmt::format(" of {} ({:.{}f} %)", human_bytes(static_cast<int64_t>(budget)), percent,
                            percent < 10 ? 1 : 0);
}

std::string growth_text(const Report& report) {
  const Growth& growth = report.growth.process;
  if (growth.kind == GrowthClass::kUnjudged) return "not judged";
  std::string text = fmt::format("{} bytes per {}", growth.bytes_per_step == 0 ? "0" : "", step_word(report));
  if (growth.bytes_per_step != 0)
    text = fmt::format("{} per {}", human_slope(growth.bytes_per_step), step_word(report));
  if (growth.grows() && growth.exact) text += ", exactly";
  text += fmt::format(" ({})", to_string(growth.kind));
  const Growth& rss = report.growth.rss;
  if (!rss.grows()) return text;
  text += fmt::format("; RSS {} ({})", human_slope(rss.bytes_per_step), to_string(rss.kind));
  const bool has_slack = report.growth.slack_per_step > kSlackShown * rss.bytes_per_step;
  return has_slack ? text + fmt::format(", {} of it the allocator's slack",
                                        human_slope(report.growth.slack_per_step))
                   : text;
}

std::string stacks_text(const std::string& unwinder) {
  if (unwinder.empty()) return "stacks by an unknown unwinder";
  return unwinder == "none" ? "no stacks" : "stacks by " + escape_line(unwinder);
}

std::string sample_text(const Report& report) {
  const std::string remark = sampling_remark(*report.run, report.timeline);
  return remark.empty() ? "" : "; " + remark;
}

// What was there before the recording has no call sites.
std::string before_text(const recording::AttachedNote& before) {
  std::string text = before.heap_bytes
                         ? fmt::format("{} in use in the heap, no call sites known",
                                       human_bytes(static_cast<int64_t>(*before.heap_bytes)))
                         : std::string("the allocator does not say what was in use, no call sites known");
  text += fmt::format("; RSS {}", human_bytes(static_cast<int64_t>(before.rss_bytes)));
  if (before.foreign_frees > 0) {
    text += fmt::format("; {} blocks that nobody saw coming were freed since",
                        human_count(static_cast<int64_t>(before.foreign_frees)));
  }
  return text;
}

// What another tool's file says: there was neither clock nor tracker.
void write_imported_figures(const Report& report, std::ostream& out) {
  const std::vector<int64_t>& heap = report.growth.heap_bytes;  // there is a snapshot at least
  const std::string peak = human_bytes(*std::max_element(heap.begin(), heap.end()));
  write_figure(out, "heap", human_bytes(heap.back()) + " live at the end, " + peak + " at the peak");
  if (report.peak_rss_bytes > 0) write_figure(out, "peak RSS", peak_text(report));
  write_figure(out, "growth", growth_text(report));
}

void write_figures(const Report& report, std::ostream& out) {
  write_heading(out, "Figures");
  if (is_imported(report)) return write_imported_figures(report, out);
  write_figure(out, marked(report) ? "iterations" : "clock", clock_text(report));
  write_figure(out, "peak RSS", peak_text(report));
  write_figure(out, "growth", growth_text(report));
  if (report.run->attached) write_figure(out, "before attach", before_text(*report.run->attached));
  if (!report.run->snapshots.empty()) write_figure(out, "resident", ledger_figure(report));
  const std::string threads = threads_figure(*report.run);
  if (!threads.empty()) write_figure(out, "threads", threads);
  write_figure(out, "tracker",
               fmt::format("{} mapped, {}{}", human_bytes(report.ledger.tracker_bytes),
                           stacks_text(report.run->process.unwinder), sample_text(report)));
}

// --- curve ---------------------------------------------------------------------------------------

void write_curve(const Report& report, std::ostream& out) {
  if (report.timeline.points.size() < 2) return;
  CurveData data;
  for (const size_t point : report.timeline.points) {
    data.heap.push_back(report.growth.heap_bytes[point]);
    data.rss.push_back(static_cast<int64_t>(report.run->snapshots[point].rss_bytes));
  }
  if (report.run->budget.peak_rss_bytes)
    data.budget = static_cast<int64_t>(*report.run->budget.peak_rss_bytes);
  write_heading(out, fmt::format("Live heap (█) and RSS (·) over the {}s", step_word(report)));
  for (const std::string& line : draw_curve(data, kTextWidth - 2, kCurveRows)) out << "  " << line << '\n';
  const std::string first = std::to_string(report.timeline.numbers.front());
  const std::string last = std::to_string(report.timeline.numbers.back());
  out << fmt::format("{:13}{}{:>{}}\n", "", first, last, kTextWidth - 13 - first.size());
}

// --- tags ----------------------------------------------------------------------------------------

void write_tags(const Report& report, std::ostream& out) {
  TextTable table({{"tag", false, Column::Fit::kMiddle},
                   {"peak live", true},
                   {"live at end", true},
                   {"blocks", true},
                   {fmt::format("growth/{}", step_word(report)), true},
                   {"trend"}});
  std::vector<size_t> order;
  for (size_t i = 0; i < report.growth.tags.size(); ++i) {
    if (report.growth.tags[i].peak_live_bytes > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return report.growth.tags[a].peak_live_bytes > report.growth.tags[b].peak_live_bytes;
  });
  for (const size_t i : order) {
    const TagGrowth& tag = report.growth.tags[i];
    table.add({escape_line(report.run->tags[i].name) + (tag.nested ? " *" : ""),
               human_bytes(tag.peak_live_bytes), human_bytes(tag.end.bytes), human_count(tag.end.blocks),
               human_slope(tag.growth.bytes_per_step), std::string(to_string(tag.growth.kind))});
  }
  if (table.empty()) return;
  write_heading(out, "Tags");
  table.write(out, 2);
  const bool nested =
      std::any_of(order.begin(), order.end(), [&](size_t i) { return report.growth.tags[i].nested; });
  if (nested) out << "  * inside memory that is counted above: part of no total\n";
}

// --- processes -----------------------------------------------------------------------------------

std::string state_of(const ProcessRow& row) {
  std::string state(to_string(row.verdict));
  if (row.left_running) return state + (row.complete ? ", ended later" : ", still running");
  return row.complete ? state : state + ", no orderly end";
}

void write_processes(const Report& report, std::ostream& out) {
  const ProcessTree& tree = report.processes;
  if (tree.empty()) return;
  write_heading(out, "Processes");
  TextTable table({{"pid", true},
                   {"parent", true},
                   {"peak live", true},
                   {"live at exit", true},
                   {"growth"},
                   {"verdict"},
                   {"command", false, Column::Fit::kMiddle}});
  const size_t shown = std::min(tree.rows.size(), kProcessesShown);
  for (size_t i = 0; i < shown; ++i) {
    const ProcessRow& row = tree.rows[i];
    table.add({std::to_string(row.pid), row.parent_pid == 0 ? "" : std::to_string(row.parent_pid),
               human_bytes(row.peak_live_bytes), human_bytes(row.live_bytes_end),
               std::string(to_string(row.growth)), state_of(row), escape_line(row.command)});
  }
  table.write(out, 2);
  const size_t left_out = tree.processes() - shown;
  if (left_out > 0) out << fmt::format("  … and {} more\n", human_count(static_cast<int64_t>(left_out)));
  write_wrapped(out, "  ",
                fmt::format("{} processes: {} allocations; live at their exits {}; the sum of their peaks {}",
                            human_count(static_cast<int64_t>(tree.processes())),
                            human_count(static_cast<int64_t>(tree.allocations)),
                            human_bytes(tree.live_bytes_end), human_bytes(tree.peak_live_bytes)));
}

// --- findings ------------------------------------------------------------------------------------

void write_stack(const Report& report, const Finding& finding, std::ostream& out) {
  const SiteId site = finding.sites.front();
  const Attribution& attribution = report.growth.sites[index(site)].attribution;
  TextTable table({{""}, {"", false, Column::Fit::kFront}, {"", false, Column::Fit::kFront}});
  const size_t shown = std::min(attribution.frames.size(), std::max(kFramesShown, attribution.named + 1));
  for (size_t i = 0; i < shown; ++i) {
    const StackFrame& frame = attribution.frames[i];
    table.add({i == attribution.named ? "→" : " ", function_of(frame) + (frame.inlined ? " (inlined)" : ""),
               source_of(frame)});
  }
  if (!table.empty()) table.write(out, 4);
  if (shown < attribution.frames.size()) {
    out << fmt::format("       … {} more frames\n", attribution.frames.size() - shown);
  } else if (report.run->sites[index(site)].truncated) {
    out << "       … the stack goes on beyond the recorded frames\n";
  }
}

std::string blocks_text(double blocks) {
  return human_number(blocks) + (blocks == 1 ? " block" : " blocks");
}

std::string slope_sentence(const Report& report, const Finding& finding) {
  const Growth& growth = finding.growth;
  const char* step = step_word(report);
  std::string text = fmt::format("{} and {} per {}", human_slope(growth.bytes_per_step),
                                 blocks_text(growth.blocks_per_step), step);
  if (growth.exact) {
    text += growth.period > 1 ? fmt::format(", exactly, in a pattern of {} {}s", growth.period, step)
                              : ", exactly";
  } else {
    text += fmt::format(" ({:.0f} % interval {} to {})", kConfidence * 100,
                        human_slope(growth.bytes_interval.low), human_slope(growth.bytes_interval.high));
  }
  const std::string share = finding.share < 0.01 ? "less than 1" : fmt::format("{:.0f}", finding.share * 100);
  text += fmt::format(", since {} {}; {} % of the growth.", step, growth.since, share);
  return text;
}

// The curve of survival, and what it says.
std::string survival_sentence(const Finding& finding) {
  std::string shares;
  for (const Generation& generation : finding.survival->generations) {
    if (!shares.empty()) shares += ' ';
    const double born = static_cast<double>(generation.born);
    shares += born == 0 ? "-" : fmt::format("{:.0f}", 100 * static_cast<double>(generation.alive) / born);
  }
  std::string text = fmt::format("Of each eighth of the births since, oldest first, live {} %", shares);
  switch (finding.keeping) {
    case Keeping::kKept:
      return text + ": some of every age are kept, as a leak does. ";
    case Keeping::kTurnover:
      return text + ": the old ones die, as in a cache or a queue, which grows. ";
    case Keeping::kDwindling:
      return text + "; fewer and fewer are born, as in a pool. ";
    case Keeping::kUnknown:
      return text + ". ";
  }
  return text;
}

std::string forecast_sentence(const Report& report) {
  const Forecast& forecast = *report.forecast;
  if (forecast.steps_left == 0) return "The RSS budget is broken.";
  std::string text = fmt::format("At this rate the RSS budget breaks in {} {}s, at {} {}",
                                 human_count(static_cast<int64_t>(forecast.steps_left)), step_word(report),
                                 step_word(report), human_count(static_cast<int64_t>(forecast.at)));
  if (forecast.seconds_left) text += fmt::format(", after {}", human_duration(*forecast.seconds_left));
  return text + ".";
}

// The same stack in two threads is two call sites of a recording that is split by thread.
size_t different_stacks(const Report& report, const Finding& finding) {
  std::set<std::vector<uint64_t>> stacks;
  for (const SiteId site : finding.sites) stacks.insert(report.run->sites[index(site)].frames);
  return stacks.size();
}

// "9,990 of its 10,000 blocks were freed, by Cache::evict (cache.cpp:52), in all of the 156 frees looked at;
// 10 were not."
std::string twins_sentence(const Finding& finding) {
  const FreedTwins& twins = finding.twins;
  if (twins.looked_at == 0 || twins.kept == 0) return {};
  std::string text =
      fmt::format("{} of its {} blocks were freed", human_count(static_cast<int64_t>(twins.freed)),
                  human_count(static_cast<int64_t>(twins.freed + twins.kept)));
  for (size_t i = 0; i < std::min<size_t>(2, twins.places.size()); ++i) {
    const StackFrame& frame = twins.places[i].frame;
    text += fmt::format("{} by {}", i == 0 ? "," : " and", shorten_middle(function_of(frame), 60));
    if (const std::string source = source_of(frame); !source.empty()) text += fmt::format(" ({})", source);
    if (twins.places.size() > 1)
      text += fmt::format(" in {}", human_count(static_cast<int64_t>(twins.places[i].samples)));
  }
  text += fmt::format("{} of the {} frees looked at", twins.places.size() > 1 ? "" : " in all",
                      human_count(static_cast<int64_t>(twins.looked_at)));
  return text + fmt::format("; {} {} not. ", human_count(static_cast<int64_t>(twins.kept)),
                            twins.kept == 1 ? "was" : "were");
}

std::string evidence_sentence(const Report& report, const Finding& finding, bool with_forecast) {
  std::string text;
  if (!finding.sites.empty()) {
    text = fmt::format("Allocates {} per {} and frees {}", blocks_text(finding.allocations_per_step),
                       step_word(report), human_number(finding.frees_per_step));
    const size_t stacks = different_stacks(report, finding);
    if (stacks > 1) text += fmt::format(", through {} different stacks", stacks);
    text += ". ";
    text += twins_sentence(finding);
    const std::string threads = threads_sentence(report, finding);
    if (!threads.empty()) text += threads + " ";
  }
  if (finding.survival && finding.survival->born_judged > 0) {
    text += fmt::format("{} blocks born since then are alive, {} of them from the first half. ",
                        human_count(static_cast<int64_t>(finding.survival->born_judged)),
                        human_count(static_cast<int64_t>(finding.survival->born_in_first_half)));
    text += survival_sentence(finding);
  }
  if (with_forecast && report.forecast) text += forecast_sentence(report);
  return text;
}

void write_finding(const Report& report, size_t number, std::ostream& out) {
  const Finding& finding = report.findings[number];
  std::string title = fmt::format("{} in ", to_string(finding.kind));
  title += finding.tag ? "tag " + tag_name(report, *finding.tag) : "the process as a whole";
  const StackFrame* frame =
      finding.sites.empty() ? nullptr : report.growth.sites[index(finding.sites.front())].attribution.frame();
  if (frame != nullptr) {
    title += fmt::format(": {}", shorten_middle(function_of(*frame), 60));
    const std::string source = source_of(*frame);
    if (!source.empty()) title += fmt::format(" ({})", source);
  }
  if (number > 0) out << '\n';
  write_wrapped(out, fmt::format("  {}. ", number + 1), title);
  write_wrapped(out, "     ", slope_sentence(report, finding));
  const std::string evidence = evidence_sentence(report, finding, number == 0);
  if (!evidence.empty()) write_wrapped(out, "     ", evidence);
  for (const std::string& sentence : retention_sentences(report, finding))
    write_wrapped(out, "     ", sentence);
  if (!finding.sites.empty()) write_stack(report, finding, out);
}

void write_findings(const Report& report, std::ostream& out) {
  if (report.findings.empty()) return;
  write_heading(out, "Findings");
  const size_t shown = std::min(report.findings.size(), kFindings);
  for (size_t i = 0; i < shown; ++i) write_finding(report, i, out);
  if (shown < report.findings.size())
    out << fmt::format("\n  … and {} more\n", report.findings.size() - shown);
}

// --- call sites ----------------------------------------------------------------------------------

// The places with the highest value, which is above 0. Nested places too: they say what a pool is used for.
std::vector<const Place*> top_places(const Report& report, auto accepts, auto value) {
  std::vector<std::pair<double, const Place*>> valued;
  for (const Place& place : report.growth.places) {
    double sum = 0;
    for (const SiteId site : place.sites) sum += value(site);
    if (accepts(place) && sum > 0) valued.emplace_back(sum, &place);
  }
  std::stable_sort(valued.begin(), valued.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<const Place*> places;
  for (size_t i = 0; i < std::min(valued.size(), kSitesShown); ++i) places.push_back(valued[i].second);
  return places;
}

void write_places(const Report& report, std::string_view heading, const std::vector<const Place*>& places,
                  std::ostream& out) {
  if (places.empty()) return;
  write_heading(out, heading);
  TextTable table({{"live at end", true},
                   {"blocks", true},
                   {fmt::format("allocs/{}", marked(report) ? "it" : "tick"), true},
                   {"tag", false, Column::Fit::kMiddle},
                   {"function", false, Column::Fit::kFront},
                   {"source", false, Column::Fit::kFront}});
  for (const Place* place : places) {
    int64_t bytes = 0;
    int64_t blocks = 0;
    double allocations = 0;
    for (const SiteId site : place->sites) {
      bytes += report.growth.sites[index(site)].end.bytes;
      blocks += report.growth.sites[index(site)].end.blocks;
      allocations += report.growth.sites[index(site)].allocations_per_step;
    }
    const StackFrame* frame = report.growth.sites[index(place->sites.front())].attribution.frame();
    table.add({human_bytes(bytes), human_count(blocks), human_number(allocations),
               tag_name(report, place->tag), frame == nullptr ? "(no stack)" : function_of(*frame),
               frame == nullptr ? "" : source_of(*frame)});
  }
  table.write(out, 2);
}

void write_call_sites(const Report& report, std::ostream& out) {
  const auto live = [&](SiteId site) {
    return static_cast<double>(report.growth.sites[index(site)].end.bytes);
  };
  const auto rate = [&](SiteId site) { return report.growth.sites[index(site)].allocations_per_step; };
  const auto is_real = [](const Place& place) { return place.kind != SiteKind::kNested; };
  const auto is_stray = [](const Place& place) {
    return place.tag == recording::kHeapTag && place.kind == SiteKind::kBlock;
  };
  write_places(report, "Most live bytes at the end", top_places(report, is_real, live), out);
  write_places(report, fmt::format("Most allocations per {}", step_word(report)),
               top_places(report, is_real, rate), out);
  if (!marked(report)) return;
  write_places(report, "Strays: allocations without a tag inside the iteration loop",
               top_places(report, is_stray, rate), out);
}

}  // namespace

void write_verdict(const Report& report, std::ostream& out) {
  const std::string word(headline(report.verdict()));
  out << word << "  " << shorten_middle(title_of(report), kTextWidth - word.size() - 2) << "\n\n";
  for (const Check& check : report.judgement.checks) write_wrapped(out, mark_of(check.state), check.text);
}

void write_text(const Report& report, std::ostream& out) {
  write_verdict(report, out);
  write_figures(report, out);
  write_processes(report, out);
  write_curve(report, out);
  write_findings(report, out);
  write_held_blocks(report, out);
  write_tags(report, out);
  write_ledger_section(report, out);
  write_call_sites(report, out);
}

}  // namespace leakhunt::reports
