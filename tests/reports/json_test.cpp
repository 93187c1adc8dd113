#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/formats/formats.h"
#include "tests/reports/hand_made_graph.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using Json = nlohmann::ordered_json;

recording::Run leaking_run() {
  recording::Run run =
      make_run({{"tape.node", "Tape::push", [](size_t i) { return int64_t(i) * 48; }, {}, 48},
                {"parameter", "Tensor::Tensor", [](size_t) { return int64_t{64}; }, {}, 64}});
  run.budget = {5'000'000'000, 0.0, {}};
  return run;
}

std::string json_text(const recording::Run& run) {
  std::ostringstream out;
  find_format("json")->write(analyse(run), out);
  return out.str();
}

TEST(Json, BeginsWithTheFixedKeysInTheirOrder) {
  const Json json = Json::parse(json_text(leaking_run()));
  const std::vector<std::string> expected = {"schema",
                                             "verdict",
                                             "reasons",
                                             "iterations",
                                             "iterations_per_second",
                                             "peak_rss_bytes",
                                             "growth_bytes_per_iteration",
                                             "budget",
                                             "tags",
                                             "call_sites",
                                             "findings",
                                             "ledger",
                                             "tracker"};
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  ASSERT_GE(keys.size(), expected.size());
  keys.resize(expected.size());
  EXPECT_EQ(keys, expected);
}

TEST(Json, HoldsAllBlocksOfTheLastHeapGraph) {
  recording::Run run = leaking_run();
  EXPECT_TRUE(Json::parse(json_text(run))["heap_graph"].is_null());
  recording::HeapGraph graph = hand_made_graph({100, 20, 3000}, {{0, 1}, {recording::kNoNode, 2, 0x100}});
  graph.nodes[0].reach = recording::Reach::kDefinite;
  graph.nodes[1].reach = recording::Reach::kIndirect;
  graph.nodes[2].site = recording::SiteId{1};
  add_site_sums(graph);
  graph.reason = recording::GraphReason::kEvery;
  graph.iteration = 64;
  run.graphs.push_back(graph);
  run.data_names.variables[0x100] = {"table", 0, ""};
  const Json json = Json::parse(json_text(run))["heap_graph"];
  EXPECT_EQ(json["iteration"], 64);
  EXPECT_EQ(json["at_end"], false);
  EXPECT_EQ(json["whole"], true);
  EXPECT_EQ(json["held"], Json::parse(R"([{"reachability": "definitely lost", "blocks": 1, "bytes": 100},
      {"reachability": "indirectly lost", "blocks": 1, "bytes": 20},
      {"reachability": "possibly lost", "blocks": 0, "bytes": 0},
      {"reachability": "still reachable", "blocks": 1, "bytes": 3000}])"));
  ASSERT_EQ(json["lost"].size(), 1u);
  EXPECT_EQ(json["lost"][0]["tag"], "tape.node");
  EXPECT_EQ(json["lost"][0]["function"], "Tape::push");
  EXPECT_EQ(json["lost"][0]["line"], 10);
  EXPECT_EQ(json["lost"][0]["call_sites"], Json::array({0}));
  EXPECT_EQ(json["lost"][0]["held"][1]["bytes"], 20);
  EXPECT_EQ(json["lost_left_out"], 0);
  EXPECT_EQ(json["roots"], Json::parse(R"([{"kind": "data", "thread": 0, "words": "global 'table'",
      "bytes": 3000, "blocks": 1}])"));
}

TEST(Json, IsIndentedAsIfWrittenInOnePiece) {
  recording::Run run = leaking_run();
  for (auto& [address, symbol] : run.symbols) {
    symbol.source_frames.insert(symbol.source_frames.begin(), {"\"stack\": \"0\"\n", "a\\b.h", 7, true});
  }
  run.sites[1].frames.clear();
  const std::string text = json_text(run);
  const Json json = Json::parse(text);
  EXPECT_EQ(json.dump(2) + "\n", text);
  EXPECT_GE(json["call_sites"][0]["stack"].size(), 2u);
  EXPECT_EQ(json["call_sites"][0]["stack"][0]["function"], "\"stack\": \"0\"\n");
  EXPECT_EQ(json["call_sites"][1]["stack"], Json::array());
  EXPECT_EQ(json["findings"][0]["stack"], json["call_sites"][0]["stack"]);
}

TEST(Json, SaysWhatTheReportSays) {
  const Json json = Json::parse(json_text(leaking_run()));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["verdict"], "fail");
  EXPECT_EQ(json["iterations"], 1000);
  EXPECT_DOUBLE_EQ(json["iterations_per_second"].get<double>(), 100);
  EXPECT_EQ(json["growth_bytes_per_iteration"], 48);
  EXPECT_TRUE(json["growth_bytes_per_iteration"].is_number_integer());
  EXPECT_EQ(json["budget"]["peak_rss_bytes"], 5'000'000'000);
  EXPECT_TRUE(json["budget"]["min_iterations_per_second"].is_null());
  const Json& tag = json["tags"][3];
  EXPECT_EQ(tag["name"], "parameter");
  EXPECT_EQ(tag["growth_bytes_per_iteration"], 0);
  EXPECT_EQ(tag["trend"], "flat");
  const Json& finding = json["findings"][0];
  EXPECT_EQ(finding["kind"], "leak");
  EXPECT_EQ(finding["tag"], "tape.node");
  EXPECT_EQ(finding["function"], "Tape::push");
  EXPECT_EQ(finding["file"], "/src/app/Tape::push.cpp");
  EXPECT_EQ(finding["line"], 10);
  EXPECT_EQ(finding["growth_bytes_per_iteration"], 48);
  EXPECT_EQ(finding["stack"].size(), 3u);
  EXPECT_EQ(json["call_sites"][0]["live_blocks_end"], 999);
  EXPECT_EQ(json["ledger"]["heap_live_bytes"].get<int64_t>(), 999 * 48 + 64);
  EXPECT_EQ(json["tracker"]["mapped_bytes"], 1'000'000);
}

TEST(Json, OfVeryManyCallSitesListsThoseThatMatter) {
  recording::Run run = leaking_run();
  recording::CallSite other;  // never live
  other.tag = run.sites[1].tag;
  while (run.sites.size() < 3000) run.sites.push_back(other);
  const Json json = Json::parse(json_text(run));
  EXPECT_EQ(json["call_sites"].size(), 1000u);
  EXPECT_EQ(json["call_sites_left_out"], 2000);
  for (const Json& site : json["findings"][0]["call_sites"]) {
    const Json& listed = json["call_sites"];
    EXPECT_TRUE(
        std::any_of(listed.begin(), listed.end(), [&](const Json& one) { return one["id"] == site; }));
  }
}

TEST(Json, OfAFindingThroughVeryManyStacksListsTheHeaviest) {
  recording::Run run = leaking_run();
  for (uint64_t outermost = 0; outermost < 2000; ++outermost) {
    recording::CallSite site = run.sites[0];
    site.frames.push_back(0x7000'0000 + outermost);
    run.sites.push_back(site);
  }
  const Json json = Json::parse(json_text(run));
  const Json& finding = json["findings"][0];
  EXPECT_EQ(finding["call_sites"].size(), 200u);
  EXPECT_EQ(finding["call_sites_left_out"], 1801);
  EXPECT_EQ(json["call_sites"].size(), 1000u);
  std::set<uint64_t> listed;
  for (const Json& site : json["call_sites"]) listed.insert(site["id"].get<uint64_t>());
  for (const Json& site : finding["call_sites"]) EXPECT_TRUE(listed.contains(site.get<uint64_t>()));
}

TEST(Json, SurvivesHostileNames) {
  recording::Run run = leaking_run();
  run.tags[2].name = "bad \xff\xfe \x1b[31m\n\"quoted\" <script>";
  run.symbols[run.sites[0].frames[1]].source_frames[0].function = std::string(10'000, '<') + "\xc3";
  run.process.command_line = {"a\nb", "\xf0\x28"};
  const std::string text = json_text(run);
  EXPECT_TRUE(Json::accept(text));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Json, OfATargetThatFailedIsInconclusiveAndSaysSo) {
  recording::Run run = make_run({});
  run.outcome->exit_status = 5;
  const Json json = Json::parse(json_text(run));
  EXPECT_EQ(json["verdict"], "inconclusive");
  EXPECT_EQ(json["exit_status"], 3);
  EXPECT_EQ(json["target_failed"], true);
}

TEST(Json, IsTheSameEveryTime) {
  EXPECT_EQ(json_text(leaking_run()), json_text(leaking_run()));
}

TEST(Json, OfAnEmptyRunParses) {
  EXPECT_TRUE(Json::accept(json_text({})));
}

}  // namespace
}  // namespace leakhunt::reports
