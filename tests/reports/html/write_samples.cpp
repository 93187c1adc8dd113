// html_samples DIRECTORY KIND: pages of runs with known truth, for the tests beside this to open; KIND is
// report, diff or history.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "reports/formats/diff_formats.h"
#include "reports/formats/formats.h"
#include "reports/history/history_html.h"
#include "tests/reports/hand_made_graph.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::kNoNode;
using recording::RootKind;
using recording::Run;

class Samples {
 public:
  explicit Samples(std::filesystem::path directory) : directory_(std::move(directory)) {}

  void write(const std::string& name, const Report& report) const {
    std::ofstream out(directory_ / (name + ".html"), std::ios::binary);
    write_html(report, out);
  }
  void write(const std::string& name, const Run& run) const { write(name, analyse(run)); }
  void write_diff(const std::string& name, const DiffSide& before, const DiffSide& after) const {
    std::ofstream out(directory_ / (name + ".html"), std::ios::binary);
    write_diff_html(make_diff(before, after), out);
  }
  void write_diff(const std::string& name, const Run& before, const Run& after) const {
    const Report first = analyse(before);
    const Report second = analyse(after);
    write_diff(name, side_of(first, "old"), side_of(second, "new"));
  }
  void write_history(const std::string& name, const std::vector<HistoricRun>& runs) const {
    std::ofstream out(directory_ / (name + ".html"), std::ios::binary);
    write_history_html(runs, out);
  }
  static DiffSide side_of(const Report& report, const std::string& name) {
    return {&report, report.timeline.end_snapshot(*report.run), true, "at the end", name};
  }

 private:
  std::filesystem::path directory_;
};

std::function<int64_t(size_t)> always(int64_t bytes) {
  return [bytes](size_t) { return bytes; };
}

std::function<int64_t(size_t)> growing(int64_t bytes) {
  return [bytes](size_t i) { return bytes * static_cast<int64_t>(i + 1); };
}

// 1000 iterations, 100 of them warm-up. Leaks 1,600 bytes in each from node.add, 320 from 500 on in
// cache.fill; holds 2 MB of weights; batch allocates 3 blocks in each and frees them.
Run leaking_run() {
  Run run = make_run({{"node", "Graph::add", growing(1600), {}, 160},
                      {"cache",
                       "Cache::fill",
                       [](size_t i) { return 320 * static_cast<int64_t>(i < 500 ? 0 : i - 499); },
                       {},
                       32},
                      {"weights", "Model::load", always(2'000'000), {}, 1'000'000},
                      {"heap", "Batch::read", always(0), {}, 64, recording::SiteKind::kBlock, 3}});
  run.scenario->name = "leaky";
  run.scenario->description = "a graph that keeps its nodes";
  run.budget.peak_rss_bytes = 20'000'000;
  run.budget.growth_bytes_per_iteration = 0;
  return run;
}

// Two threads and three processes.
void write_family(const Samples& samples) {
  Run run = leaking_run();
  for (uint32_t number = 0; number < 2; ++number) {
    recording::Thread& thread = run.threads[number];
    thread.tid = 100 + number;
    thread.name = number == 0 ? "main" : "worker";
    thread.stack_reserved = 8'000'000;
    thread.stack_touched = 12'288;
  }
  for (size_t i = 0; i < run.sites.size(); ++i) run.sites[i].thread = static_cast<uint32_t>(i % 2);
  Report report = analyse(run);
  std::vector<ProcessRow> rows = {describe_process(report), describe_process(report),
                                  describe_process(report)};
  rows[0].pid = 10;
  rows[1].pid = 11;
  rows[1].parent_pid = 10;
  rows[1].command = "<b>child</b> --of \x1b[31mten";
  rows[2].pid = 12;
  rows[2].parent_pid = 11;
  rows[2].verdict = Verdict::kPass;
  take_in_processes(report, make_process_tree(std::move(rows), 0));
  samples.write("family", report);
}

// Of leaking_run() a graph, in which what node.add and a hostile name lost is listed, and three roots.
void write_graph(const Samples& samples) {
  Run run = leaking_run();
  run.tags[static_cast<size_t>(run.sites[1].tag)].name = "<b>cache</b>";
  recording::HeapGraph graph = hand_made_graph(
      {160, 160, 32, 1'000'000, 1'000'000, 64},
      {{0, 1}, {kNoNode, 3, 0x100}, {kNoNode, 4, 0x108}, {kNoNode, 5, 0x7ffc, 0, RootKind::kStack}});
  const auto give = [&](size_t node, uint32_t site, recording::Reach reach) {
    graph.nodes[node].site = recording::SiteId{site};
    graph.nodes[node].reach = reach;
  };
  give(0, 0, recording::Reach::kDefinite);
  give(1, 0, recording::Reach::kIndirect);
  give(2, 1, recording::Reach::kPossible);
  give(3, 2, recording::Reach::kReachable);
  give(4, 2, recording::Reach::kReachable);
  give(5, 3, recording::Reach::kReachable);
  add_site_sums(graph);
  graph.reason = recording::GraphReason::kEvery;
  graph.iteration = 640;
  run.graphs.push_back(graph);
  run.data_names.variables[0x100] = {"<i>weights</i>", 0, ""};
  run.data_names.variables[0x108] = {"<i>weights</i>", 8, ""};
  samples.write("graph", run);
}

// Between the function that allocates and main 20 frames, which the sites share in part.
void deepen_stacks(Run& run) {
  constexpr uint64_t kCallers = 0x4000'0000;
  for (size_t i = 0; i < run.sites.size(); ++i) {
    std::vector<uint64_t>& frames = run.sites[i].frames;
    std::vector<uint64_t> callers;
    for (size_t level = 20; level > 0; --level) {
      const size_t number = (i * 7919) % (size_t{1} << std::min<size_t>(level, 11));
      callers.push_back(kCallers + 0x10000 * level + 16 * number);
      recording::Symbol& symbol = run.symbols[callers.back()];
      symbol.address = callers.back();
      symbol.source_frames = {{"level_" + std::to_string(level) + "::caller_" + std::to_string(number),
                               "src/level.cpp", static_cast<uint32_t>(number + 1), false}};
    }
    frames.insert(frames.end() - 1, callers.begin(), callers.end());
  }
}

// What the page must stand: 10,000 iterations, 5,000 call sites, most of them steady, some noisy. A third of
// them holds `times` as much.
Run large_run(int64_t times) {
  constexpr size_t kSites = 5'000;
  std::vector<SyntheticSite> sites;
  for (size_t i = 0; i < kSites; ++i) {
    const auto size = static_cast<int64_t>(16 + i % 500);
    SyntheticSite site{"tag" + std::to_string(i % 12), "ns::function_" + std::to_string(i),
                       always(size * 10 * (i % 3 == 0 ? times : 1))};
    if (i % 100 == 1) site.live_bytes = growing(size);
    if (i % 100 == 2)
      site.live_bytes = [size, i](size_t at) { return size * static_cast<int64_t>(at * 7 % (i + 3)); };
    site.block_bytes = size;
    site.temporary_blocks = i % 3;
    sites.push_back(std::move(site));
  }
  SyntheticOptions options;
  options.iterations = 10'000;
  options.warm_up = 1'000;
  Run run = make_run(sites, options);
  deepen_stacks(run);
  return run;
}

// Of leaking_run the one that came before: nothing leaks, Model::load holds half, Old::table is not there any
// more.
Run earlier_run() {
  Run run = make_run({{"node", "Graph::add", always(1600), {}, 160},
                      {"weights", "Model::load", always(1'000'000), {}, 1'000'000},
                      {"heap", "Old::table", always(300'000), {}, 300'000},
                      {"cache", "Cache::fill", always(320'000), {}, 32},
                      {"heap", "Batch::read", always(0), {}, 64, recording::SiteKind::kBlock, 3}});
  run.scenario->name = "leaky";
  return run;
}

void write_differences(const Samples& samples) {
  samples.write_diff("difference", earlier_run(), leaking_run());
  samples.write_diff("same", earlier_run(), earlier_run());
  samples.write_diff("diff-empty", Run(), Run());
  for (uint32_t seed = 0; seed < 3; ++seed)
    samples.write_diff("diff-hostile" + std::to_string(seed), hostile_run(seed), hostile_run(seed + 1));
  const Run run = leaking_run();
  const Report report = analyse(run);
  DiffSide from = Samples::side_of(report, "new");
  from.snapshot = 200;
  from.at_end = false;
  from.moment = "at iteration 200";
  samples.write_diff("moments", from, Samples::side_of(report, "new"));
  samples.write_diff("diff-large", large_run(2), large_run(1));
}

HistoricRun kept(const Run& run, const std::string& label, uint64_t number) {
  HistoricRun result = historic_run(analyse(run), label);
  result.start_unix_ns = (1'760'000'000 + 86'400 * number) * 1'000'000'000;
  return result;
}

// Of "leaky" 14 runs, of which growth begins in the tenth; of "steady" 3; of a hostile name 2.
void write_histories(const Samples& samples) {
  std::vector<HistoricRun> runs;
  for (uint64_t i = 0; i < 14; ++i) {
    runs.push_back(kept(i < 9 ? earlier_run() : leaking_run(), "commit" + std::to_string(i), i));
    runs.back().peak_rss_bytes += 37'000 * (i * 7 % 5);
  }
  for (uint64_t i = 0; i < 3; ++i) {
    Run run = make_run({{"weights", "Model::load", always(5'000'000)}});
    run.scenario->name = "steady";
    runs.push_back(kept(run, "", i));
  }
  for (uint32_t seed = 0; seed < 2; ++seed) {
    runs.push_back(kept(hostile_run(seed), "<b>label</b> \x1b[31m\n", seed));
    runs.back().name = "</script><b>hostile</b>";
  }
  samples.write_history("history", runs);
  HistoricRun old = runs.front();
  old.checks.clear();
  old.findings.clear();
  samples.write_history("history-of-one", {old});
  std::vector<HistoricRun> many;
  for (uint64_t i = 0; i < 1000; ++i) {
    many.push_back(runs[i % 9]);
    many.back().label = "c" + std::to_string(i);
  }
  samples.write_history("history-large", many);
}

void write_reports(const Samples& samples) {
  samples.write("leaking", leaking_run());
  samples.write("healthy", make_run({{"weights", "Model::load", always(5'000'000)}}));
  samples.write("empty", Run());
  write_family(samples);
  write_graph(samples);
  for (uint32_t seed = 0; seed < 4; ++seed)
    samples.write("hostile" + std::to_string(seed), hostile_run(seed));
  samples.write("large", large_run(1));
}

}  // namespace
}  // namespace leakhunt::reports

int main(int argc, char** argv) {
  using leakhunt::reports::Samples;
  const std::string kind = argc == 3 ? argv[2] : "";
  if (kind != "report" && kind != "diff" && kind != "history") {
    std::cerr << "usage: html_samples DIRECTORY report|diff|history\n";
    return 2;
  }
  if (!leakhunt::reports::why_no_html().empty()) {
    std::cout << "without the page: " << leakhunt::reports::why_no_html() << '\n';
    return 0;
  }
  std::filesystem::create_directories(argv[1]);
  const Samples samples(argv[1]);
  if (kind == "report") leakhunt::reports::write_reports(samples);
  if (kind == "diff") leakhunt::reports::write_differences(samples);
  if (kind == "history") leakhunt::reports::write_histories(samples);
  return 0;
}
