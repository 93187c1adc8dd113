#include "scenarios/runner/catalogue.h"

#include <gtest/gtest.h>

#include <set>

#include "scenarios/runner/scenario.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

class Catalogue : public testing::Test {
 protected:
  Catalogue() {
    scratch_.write("long_small.toml", "program = \"sh\"\n");
    scratch_.write("tape_retained.toml", "program = \"sh\"\ndefect = \"tape-retained\"\n");
    scratch_.write("wrong.toml", "program = 3\n");
    scratch_.write("notes.txt", "");
  }
  ScratchDirectory scratch_;
};

TEST_F(Catalogue, ListsByNameAndSaysWhatIsWrongWithAFile) {
  const auto entries = list_scenarios(scratch_.path(), "/nowhere");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "long_small");
  EXPECT_EQ(entries[1].defect, "tape-retained");
  EXPECT_EQ(entries[0].runs, 1u);
  EXPECT_NE(entries[2].problem.find("wrong.toml:1: program must be"), std::string::npos);
}

TEST_F(Catalogue, SaysHowManyRunsThereAre) {
  scratch_.write("a_sweep.toml",
                 "program = \"sh\"\narguments = [\"{iterations}\"]\n[sweep]\niterations = [500, 100, 200]\n");
  const auto entries = list_scenarios(scratch_.path(), "/nowhere");
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].problem, "");
  EXPECT_EQ(entries[0].runs, 3u);
  EXPECT_EQ(entries[0].least_iterations, 100u);
  EXPECT_EQ(entries[0].most_iterations, 500u);
}

TEST_F(Catalogue, DashesAndUnderscoresAreTheSame) {
  EXPECT_EQ(find_scenario(scratch_.path(), "long-small"), scratch_.path() / "long_small.toml");
  EXPECT_EQ(find_scenario(scratch_.path(), "long_small"), scratch_.path() / "long_small.toml");
  EXPECT_EQ(find_defect(list_scenarios(scratch_.path(), "/nowhere"), "tape_retained"), "tape-retained");
}

TEST(OwnDefects, SeveralAreJoinedByPlusSigns) {
  const auto entries = list_scenarios(LEAKHUNT_SCENARIOS_DIRECTORY, LEAKHUNT_BIN);
  EXPECT_EQ(find_defect(entries, "stray_heap+arena_unbounded"), "stray-heap+arena-unbounded");
  EXPECT_EQ(find_defect(entries, "arena-cleanup-every-7"), "arena-cleanup-every-7");
  const auto unknown = find_defect(entries, "stray-heap+arena-unbound");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().find("no defect arena-unbound (did you mean arena-unbounded?)"),
            std::string::npos)
      << unknown.error();
}

TEST_F(Catalogue, APathIsAPath) {
  EXPECT_EQ(find_scenario(scratch_.path(), "mine.toml"), "mine.toml");
  EXPECT_EQ(find_scenario(scratch_.path(), "./long_small"), "./long_small");
}

TEST_F(Catalogue, AMisspeltNameGetsTheNearest) {
  const auto scenario = find_scenario(scratch_.path(), "long-smal");
  ASSERT_FALSE(scenario.has_value());
  EXPECT_NE(scenario.error().find("(did you mean long_small?)"), std::string::npos) << scenario.error();
  const auto defect = find_defect(list_scenarios(scratch_.path(), "/nowhere"), "tape-retain");
  ASSERT_FALSE(defect.has_value());
  EXPECT_NE(defect.error().find("(did you mean tape-retained?)"), std::string::npos) << defect.error();
}

// The files of the tree themselves; their program stands beside the command.
TEST(OwnScenarios, AreAllInOrder) {
  const std::set<std::string> costs_without_growth = {"arena_zeroing", "cleanup_every", "tape_capacity",
                                                      "threads_683mb"};
  std::set<std::string> names;
  for (const CatalogueEntry& entry : list_scenarios(LEAKHUNT_SCENARIOS_DIRECTORY, LEAKHUNT_BIN)) {
    EXPECT_EQ(entry.problem, "");
    EXPECT_FALSE(entry.description.empty()) << entry.name;
    const bool healthy =
        (entry.defect.empty() && entry.twin.empty()) || costs_without_growth.contains(entry.name);
    EXPECT_EQ(entry.expected_verdict, healthy ? "pass" : "fail") << entry.name;
    names.insert(entry.name);
  }
  for (const char* name : {"quick_tiny", "short_small", "long_small", "arena_orphaned_chunks",
                           "optimizer_reallocates", "tape_retained", "stray_heap", "sweep_iterations"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(OwnScenarios, LongSmallIsTheMission) {
  const auto schedule = make_schedule(
      {std::filesystem::path(LEAKHUNT_SCENARIOS_DIRECTORY) / "long_small.toml", {}, LEAKHUNT_BIN});
  ASSERT_TRUE(schedule.has_value()) << schedule.error();
  const Plan* plan = &schedule->runs.front();
  EXPECT_EQ(plan->scenario.iterations, 10'000u);
  EXPECT_EQ(plan->budget.peak_rss_bytes, 5'000'000'000u);
  EXPECT_EQ(plan->budget.growth_bytes_per_iteration, 0.0);
  EXPECT_EQ(plan->budget.min_iterations_per_second, 100.0);
}

}  // namespace
}  // namespace leakhunt::runner
