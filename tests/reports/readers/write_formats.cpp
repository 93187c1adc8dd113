// format_samples DIRECTORY: every format of runs with known truth, each run in a folder of its own, for
// readers_test.mjs to open; truth.json says what is in them. Prints nothing.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "reports/formats/formats.h"
#include "reports/formats/profile.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using nlohmann::json;
using recording::Run;

// 100 iterations, 10 of them warm-up: an arena that grows by 10,000 bytes, moments that stay, and what is
// allocated and freed at once.
Run training_run() {
  Run run = make_run(
      {{"arena.chunk", "Arena::new_chunk", [](size_t i) { return int64_t(i + 1) * 10'000; }, {}, 10'000},
       {"optimizer.m", "Adam::Adam", [](size_t) { return int64_t{500'000}; }, {}, 500'000},
       {"heap", "parse", [](size_t) { return int64_t{0}; }, {}, 24, recording::SiteKind::kBlock, 3}},
      {.iterations = 100, .warm_up = 10});
  run.budget.peak_rss_bytes = 1'000'000;
  return run;
}

json truth_of(const Report& report) {
  const Profile end = make_profile(report, moment_at_end(report));
  const Profile peak = make_profile(report, moment_at_peak(report));
  return {{"end_bytes", end.bytes},
          {"end_blocks", end.blocks},
          {"peak_bytes", peak.bytes},
          {"allocations", end.allocations},
          {"allocated_bytes", end.allocated_bytes}};
}

// What it holds goes into `truth` under its name.
void write_run(const std::filesystem::path& directory, const std::string& name, const Run& run, json& truth) {
  const Report report = analyse(run);
  std::filesystem::create_directories(directory / name);
  for (const Format& format : all_formats()) {
    std::ofstream out(directory / name / format.file_name, std::ios::binary);
    format.write(report, out);
  }
  truth[name] = truth_of(report);
}

void write_all(const std::filesystem::path& directory) {
  json truth = json::object();
  write_run(directory, "training", training_run(), truth);
  write_run(directory, "empty", Run(), truth);
  for (uint32_t seed = 0; seed < 4; ++seed)
    write_run(directory, "hostile" + std::to_string(seed), hostile_run(seed), truth);
  std::ofstream(directory / "truth.json") << truth.dump(2) << '\n';
}

}  // namespace
}  // namespace leakhunt::reports

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: format_samples DIRECTORY\n";
    return 2;
  }
  leakhunt::reports::write_all(argv[1]);
  return 0;
}
