// report.json keeps to docs/report.schema.json, held against it by python3-jsonschema.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/reports/hand_made_graph.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/reader_program.h"
#include "tests/reports/synthetic_run.h"
#include "tests/reports/written.h"

namespace leakhunt::reports {
namespace {

using nlohmann::json;

// Validates an array of reports at once: starting Python takes longer than validating.
Read validated(const json& reports) {
  return read_with(
      "/usr/bin/python3 -c \"import json, jsonschema\n"
      "schema = json.load(open('" LEAKHUNT_SCHEMA
      "'))\n"
      "jsonschema.Draft7Validator.check_schema(schema)\n"
      "for report in json.load(open('FILE')): jsonschema.validate(report, schema)\"",
      "reports.json", reports.dump());
}

bool has_validator() {
  return std::system("/usr/bin/python3 -c 'import jsonschema' 2> /dev/null") == 0;
}

TEST(ReportSchema, HoldsForReportsOfAllKinds) {
  if (!has_validator()) GTEST_SKIP() << "python3-jsonschema is not installed; scripts/test installs it";
  json reports = json::array();
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const recording::Run run = hostile_run(seed);
    reports.push_back(json::parse(written("json", analyse(run))));
  }
  const recording::Run empty;
  reports.push_back(json::parse(written("json", analyse(empty))));
  recording::Run grows = make_run({{"tag", "f", [](size_t i) { return int64_t(i) * 16; }}});
  grows.budget.peak_rss_bytes = 1'000'000'000;
  grows.cohorts.push_back({999, {{recording::SiteId{0}, 200, 3, 48}}});
  reports.push_back(json::parse(written("json", analyse(grows))));
  recording::HeapGraph graph = hand_made_graph({100, 20}, {{recording::kNoNode, 1}});
  graph.nodes[0].reach = recording::Reach::kDefinite;
  add_site_sums(graph);
  grows.graphs.push_back(graph);
  reports.push_back(json::parse(written("json", analyse(grows))));
  EXPECT_EQ(reports.back()["heap_graph"]["lost"].size(), 1u);
  EXPECT_EQ(reports.back()["heap_graph"]["roots"].size(), 1u);
  const Read read = validated(reports);
  EXPECT_EQ(read.status, 0) << read.out;
}

TEST(ReportSchema, RefusesWhatIsNoReport) {
  if (!has_validator()) GTEST_SKIP() << "python3-jsonschema is not installed; scripts/test installs it";
  const recording::Run run = make_run({{"tag", "f", [](size_t i) { return int64_t(i) * 16; }}});
  const json good = json::parse(written("json", analyse(run)));
  json without = good;
  without.erase("tags");
  EXPECT_NE(validated(json::array({without})).status, 0);
  json other = good;
  other["verdict"] = "perhaps";
  EXPECT_NE(validated(json::array({other})).status, 0);
  json half = good;
  half["heap_graph"] = {{"iteration", 1}};
  EXPECT_NE(validated(json::array({half})).status, 0);
  json text = good;
  text["findings"][0]["line"] = "10";
  EXPECT_NE(validated(json::array({text})).status, 0);
}

}  // namespace
}  // namespace leakhunt::reports
