#include "reports/formats/threads.h"

#include <algorithm>
#include <map>
#include <ostream>

#include <fmt/format.h>

#include "reports/analysis/threads.h"
#include "reports/formats/escape.h"
#include "reports/formats/text_tables.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Run;
using recording::SiteId;
using recording::Thread;

constexpr size_t kThreadsInSentence = 8;
constexpr size_t kThreadsInTable = 256;
constexpr size_t kThreadsInJson = 1000;

const recording::SourceFrame* start_frame(const Run& run, const Thread& thread) {
  const auto symbol = run.symbols.find(thread.start_symbol());
  if (symbol == run.symbols.end() || symbol->second.source_frames.empty()) return nullptr;
  return &symbol->second.source_frames.back();  // the function itself, whatever was inlined into it
}

// "main::<lambda()>" of "std::thread::_State_impl<std::thread::_Invoker<std::tuple<main::<lambda()> > >
// >::_M_run": what a std::thread was made for, and its arguments' types.
std::string_view purpose_of_std_thread(std::string_view function) {
  constexpr std::string_view kBefore = "std::thread::_Invoker<std::tuple<";
  size_t begin = function.find(kBefore);
  size_t end = function.rfind("> > >::_M_run");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
  begin += kBefore.size();
  if (function[end - 1] == ' ') --end;  // behind a closing bracket of its own
  return function.substr(begin, end - begin);
}

double seconds(uint64_t ns) {
  return static_cast<double>(ns) * 1e-9;
}

std::string life_text(const Thread& thread) {
  const std::string begin = human_duration(seconds(thread.begin_ns));
  return thread.end_ns ? fmt::format("{} to {}", begin, human_duration(seconds(*thread.end_ns)))
                       : fmt::format("{} to the end", begin);
}

std::string stack_text(const Thread& thread) {
  return thread.stack_reserved == 0 ? "" : human_bytes(static_cast<int64_t>(thread.stack_touched));
}

void write_uses(const Report& report, std::ostream& out) {
  const bool iterations = report.timeline.clock == Clock::kIterations;
  TextTable table({{"thread", false, Column::Fit::kMiddle},
                   {"allocations", true},
                   {"peak live", true},
                   {"live at end", true},
                   {iterations ? "growth/iteration" : "growth/tick", true},
                   {"stack", true},
                   {"runs", false, Column::Fit::kMiddle}});
  for (const ThreadUse& use : thread_uses(*report.run, report.growth)) {
    const auto thread = report.run->threads.find(use.thread);
    const bool known = thread != report.run->threads.end() && use.thread != recording::kOtherThreads;
    table.add({thread_label(*report.run, use.thread), human_count(static_cast<int64_t>(use.allocations)),
               human_bytes(use.peak_live_bytes), human_bytes(use.end.bytes),
               human_slope(use.growth_bytes_per_step), known ? stack_text(thread->second) : "",
               known ? start_routine_name(*report.run, thread->second) : ""});
  }
  table.write(out, 2);
}

void write_lives(const Run& run, std::ostream& out) {
  TextTable table({{"thread", false, Column::Fit::kMiddle},
                   {"alive from"},
                   {"stack", true},
                   {"runs", false, Column::Fit::kMiddle}});
  size_t shown = 0;
  for (const auto& [number, thread] : run.threads) {
    if (shown++ == kThreadsInTable) break;
    table.add(
        {thread_label(run, number), life_text(thread), stack_text(thread), start_routine_name(run, thread)});
  }
  if (!table.empty()) table.write(out, 2);
  if (run.threads.size() > kThreadsInTable)
    out << fmt::format("  … and {} more\n", run.threads.size() - kThreadsInTable);
}

}  // namespace

std::string thread_label(const Run& run, uint32_t thread) {
  if (thread == recording::kOtherThreads) return "other threads";
  const auto known = run.threads.find(thread);
  const std::string name = known == run.threads.end() ? "" : escape_line(known->second.name);
  if (thread == 0) return "main";
  return name.empty() ? fmt::format("{}", thread) : fmt::format("{} {}", thread, name);
}

std::string start_routine_name(const Run& run, const Thread& thread) {
  const recording::SourceFrame* frame = start_frame(run, thread);
  if (frame == nullptr) return "";
  const std::string_view purpose = purpose_of_std_thread(frame->function);
  return purpose.empty() ? escape_line(qualified_name(frame->function))
                         : "std::thread: " + escape_line(purpose);
}

std::string threads_figure(const Run& run) {
  if (run.threads.empty()) return "";
  const ThreadStacks stacks = largest_stacks(run);
  return fmt::format("{}, at most {} at once; stacks of {} threads: reserved {}, touched {}",
                     human_count(static_cast<int64_t>(run.threads.size())),
                     human_count(static_cast<int64_t>(most_threads(run))),
                     human_count(static_cast<int64_t>(stacks.threads)),
                     human_bytes(static_cast<int64_t>(stacks.reserved_bytes)),
                     human_bytes(static_cast<int64_t>(stacks.touched_bytes)));
}

std::vector<uint32_t> threads_of(const Report& report, const Finding& finding) {
  std::map<uint32_t, double> slopes;
  for (const SiteId id : finding.sites) {
    const auto& thread = report.run->sites[static_cast<size_t>(id)].thread;
    if (thread) slopes[*thread] += report.growth.sites[static_cast<size_t>(id)].growth.bytes_per_step;
  }
  std::vector<uint32_t> threads;
  for (const auto& [thread, slope] : slopes) threads.push_back(thread);
  std::stable_sort(threads.begin(), threads.end(),
                   [&](uint32_t a, uint32_t b) { return slopes[a] > slopes[b]; });
  return threads;
}

std::string threads_sentence(const Report& report, const Finding& finding) {
  const std::vector<uint32_t> threads = threads_of(report, finding);
  if (threads.empty()) return "";
  std::string names;
  for (size_t i = 0; i < std::min(threads.size(), kThreadsInSentence); ++i)
    names += (i == 0 ? "" : ", ") + thread_label(*report.run, threads[i]);
  if (threads.size() == 1) return fmt::format("In one thread: {}.", names);
  if (threads.size() > kThreadsInSentence)
    names += fmt::format(" and {} more", threads.size() - kThreadsInSentence);
  return fmt::format("In {} threads: {}.", threads.size(), names);
}

void write_threads(const Report& report, std::ostream& out) {
  const Run& run = *report.run;
  const std::string figure = threads_figure(run);
  write_wrapped(out, "threads: ", figure.empty() ? "none are recorded" : figure);
  out << '\n';
  if (split_by_thread(run)) {
    write_uses(report, out);
    out << "\n";
    write_wrapped(out, "  ",
                  fmt::format("A block counts for the thread that allocated it, whoever frees it. "
                              "Threads from number {} on are one row.",
                              recording::kOtherThreads));
    return;
  }
  write_lives(run, out);
  write_wrapped(out, "  ",
                "What each thread allocated was not recorded; record it with leakhunt run --by-thread -- "
                "PROGRAM.");
}

Json threads_json(const Report& report) {
  const Run& run = *report.run;
  std::map<uint32_t, ThreadUse> uses;
  for (const ThreadUse& use : thread_uses(run, report.growth)) uses[use.thread] = use;
  Json threads = Json::array();
  const auto put_use = [&](Json& object, uint32_t number) {
    const auto use = uses.find(number);
    if (use == uses.end()) return;
    object["allocations"] = use->second.allocations;
    object["allocated_bytes"] = use->second.allocated_bytes;
    object["peak_live_bytes"] = use->second.peak_live_bytes;
    object["live_bytes_end"] = use->second.end.bytes;
    object["growth_bytes_per_iteration"] = reports::number(use->second.growth_bytes_per_step);
  };
  for (const auto& [number, thread] : run.threads) {
    if (threads.size() == kThreadsInJson) break;
    const recording::SourceFrame* frame = start_frame(run, thread);
    Json object = {{"number", number},
                   {"tid", thread.tid},
                   {"name", thread.name},
                   {"start_routine", frame == nullptr ? "" : frame->function},
                   {"begin_seconds", seconds(thread.begin_ns)},
                   {"end_seconds", thread.end_ns ? Json(seconds(*thread.end_ns)) : Json(nullptr)},
                   {"stack_reserved_bytes", thread.stack_reserved},
                   {"stack_touched_bytes", thread.stack_touched}};
    if (number < recording::kOtherThreads) put_use(object, number);
    threads.push_back(std::move(object));
  }
  if (uses.contains(recording::kOtherThreads)) {
    Json others = {{"number", nullptr}, {"name", "other threads"}};
    put_use(others, recording::kOtherThreads);
    threads.push_back(std::move(others));
  }
  return threads;
}

Json thread_stacks_json(const Report& report) {
  const ThreadStacks stacks = largest_stacks(*report.run);
  return {{"threads", report.run->threads.size()},
          {"most_at_once", most_threads(*report.run)},
          {"counted", stacks.threads},
          {"reserved_bytes", stacks.reserved_bytes},
          {"touched_bytes", stacks.touched_bytes},
          {"at_seconds", seconds(stacks.time_ns)}};
}

}  // namespace leakhunt::reports
