// One run through every room but the reports, with the real tracker in a small program.
#include "scenarios/runner/conduct.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>

#include "lib/recording/reader.h"
#include "scenarios/runner/program.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {
namespace {

namespace fs = std::filesystem;

class Conduct : public testing::Test {
 protected:
  Order order_for(std::vector<std::string> words) const {
    Order order;
    order.name = "steps";
    order.scenario.emplace();
    order.scenario->name = "steps";
    order.scenario->iterations = 50;
    order.scenario->command = words;
    order.budget.growth_bytes_per_iteration = 0;
    order.program = *find_program(words.front(), {});
    order.command = std::move(words);
    order.program_directory = LEAKHUNT_BIN;
    return order;
  }

  tl::expected<Watched, std::string> conduct_in_scratch(const Order& order) const {
    auto out = OutputDirectory::open(scratch_.path() / "out");
    EXPECT_TRUE(out.has_value()) << out.error();
    return conduct(order, *out);
  }

  recording::Run run() const {
    auto run = recording::read_recording((scratch_.path() / "out/recording.lhr").string());
    EXPECT_TRUE(run.has_value()) << run.error().message;
    return std::move(*run);
  }

  ScratchDirectory scratch_;
};

bool names_function(const recording::Run& run, const std::string& name) {
  return std::any_of(run.symbols.begin(), run.symbols.end(), [&](const auto& symbol) {
    const auto& frames = symbol.second.source_frames;
    return std::any_of(frames.begin(), frames.end(),
                       [&](const auto& frame) { return frame.function == name; });
  });
}

TEST_F(Conduct, TheRecordingHoldsAllThreeParts) {
  const auto watched = conduct_in_scratch(order_for({LEAKHUNT_STEPS, "50", "1000", "1"}));
  ASSERT_TRUE(watched.has_value()) << watched.error();
  const recording::Run recorded = run();
  ASSERT_TRUE(recorded.scenario.has_value());
  EXPECT_EQ(recorded.scenario->name, "steps");
  EXPECT_EQ(recorded.budget.growth_bytes_per_iteration, 0.0);
  EXPECT_EQ(recorded.images, 1u);
  EXPECT_TRUE(recorded.complete());
  ASSERT_TRUE(recorded.outcome.has_value());
  EXPECT_EQ(recorded.outcome->exit_status, 0);
  EXPECT_GT(recorded.outcome->peak_rss_bytes, 0u);
  EXPECT_FALSE(recorded.host_samples.empty());
  EXPECT_TRUE(names_function(recorded, "leak"));
  EXPECT_TRUE(names_function(recorded, "main"));
  EXPECT_EQ(content_of(scratch_.path() / "out/target.log"), "50 steps\n");
}

TEST_F(Conduct, ATargetThatIsKilledLeavesItsIterations) {
  const std::string steps =
      std::string("(sleep 0.5; kill -KILL $$) & exec ") + LEAKHUNT_STEPS + " 1000000 16 1";
  const auto watched = conduct_in_scratch(order_for({"sh", "-c", steps}));
  ASSERT_TRUE(watched.has_value()) << watched.error();
  const recording::Run recorded = run();
  EXPECT_EQ(recorded.images, 2u);  // the shell, then what replaced it
  EXPECT_FALSE(recorded.complete());
  ASSERT_TRUE(recorded.outcome.has_value());
  EXPECT_EQ(recorded.outcome->signal, SIGKILL);
  EXPECT_GT(recorded.snapshots.size(), 20u);
  EXPECT_TRUE(names_function(recorded, "leak"));
}

TEST_F(Conduct, AScriptIsRecordedAsItsInterpreter) {
  const auto script = scratch_.write("script", "#!/bin/sh\necho hello\n", 0755);
  const auto watched = conduct_in_scratch(order_for({script.string()}));
  ASSERT_TRUE(watched.has_value()) << watched.error();
  EXPECT_EQ(run().images, 1u);
  EXPECT_EQ(content_of(scratch_.path() / "out/target.log"), "hello\n");
}

TEST_F(Conduct, ALibraryBelowAPathWithBlanksIsPreloadedToo) {
  fs::create_directory(scratch_.path() / "a b:c");
  const fs::path library = scratch_.path() / "a b:c/libleakhunt.so";
  fs::copy(LEAKHUNT_LIBRARY_FILE, library);
  setenv("LEAKHUNT_LIBRARY", library.c_str(), 1);
  const auto watched = conduct_in_scratch(order_for({LEAKHUNT_STEPS, "5", "0", "0"}));
  unsetenv("LEAKHUNT_LIBRARY");
  ASSERT_TRUE(watched.has_value()) << watched.error();
  EXPECT_EQ(run().images, 1u);
}

TEST_F(Conduct, ARefusalLeavesAnEarlierRunAlone) {
  ASSERT_TRUE(conduct_in_scratch(order_for({LEAKHUNT_STEPS, "5", "0", "0"})).has_value());
  const auto refused = conduct_in_scratch(order_for({LEAKHUNT_STATIC_PROGRAM}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().find("is statically linked"), std::string::npos);
  EXPECT_EQ(run().images, 1u);

  setenv("LEAKHUNT_LIBRARY", "/no/such/libleakhunt.so", 1);
  const auto without = conduct_in_scratch(order_for({LEAKHUNT_STEPS, "5", "0", "0"}));
  unsetenv("LEAKHUNT_LIBRARY");
  ASSERT_FALSE(without.has_value());
  EXPECT_NE(without.error().find("LEAKHUNT_LIBRARY must be"), std::string::npos);
}

TEST_F(Conduct, ATrackerThatDidNotStartLeavesNoProcess) {
  setenv("LEAKHUNT_LIBRARY", LEAKHUNT_OTHER_LIBRARY, 1);
  const auto watched = conduct_in_scratch(order_for({LEAKHUNT_STEPS, "5", "0", "0"}));
  unsetenv("LEAKHUNT_LIBRARY");
  ASSERT_TRUE(watched.has_value()) << watched.error();
  EXPECT_EQ(run().images, 0u);
}

}  // namespace
}  // namespace leakhunt::runner
