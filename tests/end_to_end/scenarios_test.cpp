// `leakhunt scenario`: the healthy pass, every defect fails with its tag, the trainer's line and the true
// slope.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using nlohmann::json;

struct ScenarioRun {
  Finished finished;
  json report;
  std::string text;
};

ScenarioRun run_scenario(const std::string& arguments, const TemporaryFolder& out) {
  ScenarioRun result;
  result.finished = run_command(LEAKHUNT_BIN "/leakhunt scenario " + arguments + " --out " + out.path());
  result.report = json::parse(read_file(out.file("report.json")), nullptr, false);
  result.text = read_file(out.file("report.txt"));
  EXPECT_FALSE(result.report.is_discarded()) << result.finished.out << result.finished.err;
  return result;
}

TEST(HealthyScenarios, PassWithExactlyNoGrowth) {
  for (const char* name : {"quick_tiny", "short_small"}) {
    const TemporaryFolder out;
    const ScenarioRun run = run_scenario(name, out);
    EXPECT_EQ(run.finished.exit_status, 0) << name << "\n" << run.finished.out << run.finished.err;
    EXPECT_EQ(run.report["verdict"], "pass") << name;
    EXPECT_EQ(run.report["iterations"], 100) << name;
    EXPECT_EQ(run.report["growth_bytes_per_iteration"], 0.0) << name;
    EXPECT_TRUE(run.report["findings"].empty()) << name;
    for (const json& tag : run.report["tags"]) EXPECT_EQ(tag["growth_bytes_per_iteration"], 0.0) << tag;
  }
}

}  // namespace
}  // namespace leakhunt::end_to_end
