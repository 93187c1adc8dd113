// `leakhunt scenario` with a file that stands for several runs: what the table's report.json says of each.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using nlohmann::json;

constexpr char kTiny[] =
    "name = \"tiny\"\nprogram = \"train_full_instrumented\"\n"
    "arguments = [\"--tiny\", \"--iterations\", \"{iterations}\"]\nwarm_up = 20\n"
    "[budget]\npeak_rss = \"100MB\"\ngrowth_per_iteration = \"0B\"\n";

struct SeveralRuns {
  Finished finished;
  json report;
};

SeveralRuns run_scenario(const std::string& content, const TemporaryFolder& folder) {
  std::ofstream(folder.file("made.toml")) << content;
  SeveralRuns result;
  result.finished = run_command(LEAKHUNT_BIN "/leakhunt scenario " + folder.file("made.toml") + " --out " +
                                folder.file("out"));
  result.report = json::parse(read_file(folder.file("out/report.json")), nullptr, false);
  EXPECT_FALSE(result.report.is_discarded()) << result.finished.out << result.finished.err;
  return result;
}

TEST(Sweep, OverIterationsFindsTheSameMemoryForAll) {
  const TemporaryFolder folder;
  const SeveralRuns sweep = run_scenario(std::string(kTiny) + "[sweep]\niterations = [50, 100]\n", folder);
  EXPECT_EQ(sweep.finished.exit_status, 0) << sweep.finished.out << sweep.finished.err;
  EXPECT_EQ(sweep.report["verdict"], "pass");
  EXPECT_EQ(sweep.report["iterations"], 150);
  ASSERT_EQ(sweep.report["runs"].size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const json& run = sweep.report["runs"][i];
    const int value = i == 0 ? 50 : 100;
    EXPECT_EQ(run["value"], value);
    EXPECT_EQ(run["iterations"], value);
    EXPECT_EQ(run["directory"], std::to_string(value));
    EXPECT_EQ(run["verdict"], "pass");
    EXPECT_EQ(run["growth_bytes_per_iteration"], 0);
    EXPECT_GT(run["iterations_per_second"], 0);
    EXPECT_GT(run["live_bytes_end"], 0);
    const json own = json::parse(read_file(folder.file("out/" + std::to_string(value) + "/report.json")));
    EXPECT_EQ(own["peak_rss_bytes"], run["peak_rss_bytes"]);
    EXPECT_EQ(own["ledger"]["rss_bytes"], run["rss_bytes_end"]);
    EXPECT_EQ(own["scenario"]["name"], "tiny/" + std::to_string(value));
  }
  EXPECT_EQ(sweep.report["runs"][0]["live_bytes_end"], sweep.report["runs"][1]["live_bytes_end"]);
}

TEST(Chunks, AreTheSameAsOneUninterruptedRunUnlessSomethingIsLostInBetween) {
  for (const bool loses : {false, true}) {
    const TemporaryFolder folder;
    const SeveralRuns chunks = run_scenario(
        std::string(
            "program = \"train_full_instrumented\"\n"
            "arguments = [\"--tiny\", \"--iterations\", \"{end_iteration}\", \"--out\", \"{out}/model\"]\n"
            "resume_arguments = [\"--resume\", \"{out}/model/model.lhc\"]\niterations = 60\nwarm_up = 5\n") +
            (loses ? "defect = \"resume-loses-moments\"\n" : "") +
            "[chunks]\nruns = 2\nsame_file = \"model/model.lhc\"\n[budget]\ngrowth_per_iteration = \"0B\"\n",
        folder);
    EXPECT_EQ(chunks.finished.exit_status, loses ? 1 : 0) << chunks.finished.out << chunks.finished.err;
    ASSERT_EQ(chunks.report["checks"].size(), 1u);
    EXPECT_NE(
        std::string(chunks.report["checks"][0]).find(loses ? "differs from that of" : "is the same as after"),
        std::string::npos)
        << chunks.report["checks"];
    EXPECT_EQ(chunks.report["runs"].size(), 2u) << "the uninterrupted one is no chunk";
  }
}

TEST(Sweep, OverDefectsFailsWithTheOneThatGrows) {
  const TemporaryFolder folder;
  const SeveralRuns sweep = run_scenario(
      "iterations = 100\n" + std::string(kTiny) + "[sweep]\ndefect = [\"\", \"tape-retained\"]\n" +
          "[expect]\nverdict = \"fail\"\nfinding = {tag = \"tape.node\"}\n",
      folder);
  EXPECT_EQ(sweep.finished.exit_status, 1) << sweep.finished.out << sweep.finished.err;
  EXPECT_EQ(sweep.report["verdict"], "fail");
  ASSERT_EQ(sweep.report["runs"].size(), 2u);
  EXPECT_EQ(sweep.report["runs"][0]["value"], "");
  EXPECT_EQ(sweep.report["runs"][0]["directory"], "none");
  EXPECT_EQ(sweep.report["runs"][0]["verdict"], "pass");
  EXPECT_EQ(sweep.report["runs"][1]["value"], "tape-retained");
  EXPECT_EQ(sweep.report["runs"][1]["verdict"], "fail");
  EXPECT_EQ(sweep.report["runs"][1]["growth_bytes_per_iteration"], 11 * 168);  // nodes of one layer
  EXPECT_NE(sweep.finished.out.find("as expected: fail, with the first finding in tag tape.node\n"),
            std::string::npos)
      << sweep.finished.out;
}

TEST(Chunks, GoOnWhereTheOneBeforeStopped) {
  const TemporaryFolder folder;
  const SeveralRuns chunks = run_scenario(
      "program = \"" + target("resumes") +
          "\"\narguments = [\"{end_iteration}\", \"{out}/state\"]\nresume_arguments = [\"--resume\"]\n"
          "iterations = 500\nwarm_up = 10\n[budget]\ngrowth_per_iteration = \"0B\"\n"
          "[chunks]\nruns = 5\n",
      folder);
  EXPECT_EQ(chunks.finished.exit_status, 0) << chunks.finished.out << chunks.finished.err;
  EXPECT_EQ(chunks.report["iterations"], 500);
  EXPECT_EQ(chunks.report["growth_bytes_per_iteration"], 0);
  ASSERT_EQ(chunks.report["runs"].size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const std::string directory = "chunk-" + std::to_string(i);
    EXPECT_EQ(chunks.report["runs"][i]["value"], i);
    EXPECT_EQ(chunks.report["runs"][i]["iterations"], 100);
    EXPECT_EQ(chunks.report["runs"][i]["directory"], directory);
    EXPECT_EQ(read_file(folder.file("out/" + directory + "/target.log")),
              std::to_string(100 * i) + " to " + std::to_string(100 * (i + 1)) + "\n");
  }
  EXPECT_EQ(read_file(folder.file("out/state")), "500\n");
}

}  // namespace
}  // namespace leakhunt::end_to_end
