// Paths in reports say nothing of the machine that built.
#include "reports/analysis/source_paths.h"

#include <gtest/gtest.h>

namespace leakhunt::reports {
namespace {

recording::Run run_with(const std::vector<std::string>& files, const std::string& executable) {
  recording::Run run;
  uint64_t address = 0;
  for (const std::string& file : files) {
    recording::Symbol& symbol = run.symbols[++address];
    symbol.module = executable;
    symbol.source_frames.push_back({"f", file, 1, false});
  }
  run.process.executable = executable;
  return run;
}

TEST(SourcePaths, TheRootIsWhatSourcesAndProgramHaveInCommon) {
  EXPECT_EQ(
      source_root(run_with({"/home/a/p/lib/x.cpp", "/home/a/p/lib/sub/y.cpp"}, "/home/a/p/build/bin/t")),
      "/home/a/p");
  EXPECT_EQ(source_root(run_with({"/home/a/p/lib/x.cpp", "/home/a/p/cli/y.cpp"}, "/usr/bin/t")), "/home/a/p");
  EXPECT_EQ(source_root(run_with({"/usr/include/c++/12/vector"}, "/usr/bin/t")), "");
  EXPECT_EQ(source_root(run_with({"/home/abc/x.cpp", "/home/abcd/y.cpp"}, "/opt/t")), "/home");
  EXPECT_EQ(source_root(recording::Run{}), "");
}

TEST(SourcePaths, BecomeRelativeToTheRoot) {
  recording::Run run = run_with(
      {"/w/p/lib/x.cpp", "/w/p/build/../cli/y.cpp", "/usr/include/c++/12/vector", "z.c"}, "/w/p/build/bin/t");
  run.process.command_line = {"/w/p/build/bin/t", "/w/p/data"};
  run.scenario.emplace();
  run.scenario->source = "/w/p/scenarios/s.toml";
  make_paths_relative(run);
  EXPECT_EQ(run.symbols[1].source_frames[0].file, "lib/x.cpp");
  EXPECT_EQ(run.symbols[2].source_frames[0].file, "cli/y.cpp");
  EXPECT_EQ(run.symbols[3].source_frames[0].file, "/usr/include/c++/12/vector");
  EXPECT_EQ(run.symbols[4].source_frames[0].file, "z.c");
  EXPECT_EQ(run.symbols[1].module, "build/bin/t");
  EXPECT_EQ(run.process.executable, "build/bin/t");
  EXPECT_EQ(run.process.command_line, (std::vector<std::string>{"build/bin/t", "/w/p/data"}));
  EXPECT_EQ(run.scenario->source, "scenarios/s.toml");
}

TEST(SourcePaths, OutsideOfTheRootTellNoFolderOfTheMachine) {
  recording::Run run =
      run_with({"/w/p/lib/x.cpp", "/build/glibc-6iIyft/glibc-2.36/malloc/malloc.c"}, "/tmp/t");
  make_paths_relative(run, "/w/p/");
  EXPECT_EQ(run.symbols[1].source_frames[0].file, "lib/x.cpp");
  EXPECT_EQ(run.symbols[2].source_frames[0].file, "malloc/malloc.c");
  EXPECT_EQ(run.symbols[1].module, "t");
}

}  // namespace
}  // namespace leakhunt::reports
