// html_samples DIRECTORY: reports of runs with known truth, for page_test.mjs to open. Prints nothing.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "reports/formats/formats.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::Run;

class Samples {
 public:
  explicit Samples(std::filesystem::path directory) : directory_(std::move(directory)) {}

  void write(const std::string& name, const Report& report) const {
    std::ofstream out(directory_ / (name + ".html"), std::ios::binary);
    write_html(report, out);
  }
  void write(const std::string& name, const Run& run) const { write(name, analyse(run)); }

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

// What the page must stand: 10,000 iterations, 5,000 call sites, most of them steady, some noisy.
Run large_run() {
  constexpr size_t kSites = 5'000;
  std::vector<SyntheticSite> sites;
  for (size_t i = 0; i < kSites; ++i) {
    const auto size = static_cast<int64_t>(16 + i % 500);
    SyntheticSite site{"tag" + std::to_string(i % 12), "ns::function_" + std::to_string(i),
                       always(size * 10)};
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

void write_all(const Samples& samples) {
  samples.write("leaking", leaking_run());
  samples.write("healthy", make_run({{"weights", "Model::load", always(5'000'000)}}));
  samples.write("empty", Run());
  write_family(samples);
  for (uint32_t seed = 0; seed < 4; ++seed)
    samples.write("hostile" + std::to_string(seed), hostile_run(seed));
  samples.write("large", large_run());
}

}  // namespace
}  // namespace leakhunt::reports

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: html_samples DIRECTORY\n";
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  leakhunt::reports::write_all(leakhunt::reports::Samples(argv[1]));
  return 0;
}
