// leakhunt run -- PROGRAM: any program, with its own terminal.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

constexpr const char* kSteps = LEAKHUNT_STEPS;

TEST(RunCommand, InputAndOutputAreTheProgramsOwn) {
  const CommandLine command;
  EXPECT_EQ(command.call("run -- echo -- --help run").out, "-- --help run\n");
  const Called piped = command.shell("echo words | " LEAKHUNT_BIN "/leakhunt run -- cat");
  EXPECT_EQ(piped.out, "words\n");
  EXPECT_TRUE(piped.err.starts_with("leakhunt: ")) << piped.err;
  EXPECT_EQ(std::count(piped.err.begin(), piped.err.end(), '\n'), 2) << piped.err;
  EXPECT_TRUE(contains(piped.err, "cat ended with status 0 after ")) << piped.err;
  EXPECT_TRUE(contains(piped.err, "; report: out/cat/report.txt")) << piped.err;
}

TEST(RunCommand, TheVerdictIsTheStatus) {
  const CommandLine command;
  EXPECT_EQ(command.call(std::string("run -- ") + kSteps + " 100 0 0").status, 0);
  EXPECT_EQ(command.call(std::string("run -- ") + kSteps + " 100 1000 0").status, 1);
  EXPECT_EQ(command.call(std::string("run --max-growth 2kB -- ") + kSteps + " 100 1000 0").status, 0);
  EXPECT_EQ(command.call("run -- sh -c 'exit 5'").status, 3);
  EXPECT_EQ(command.call("run -- sh -c 'kill -SEGV $$'").status, 3);
}

TEST(RunCommand, TheProgramsOwnEndIsSaid) {
  const CommandLine command;
  EXPECT_TRUE(contains(command.call("run -- sh -c 'exit 5'").err, "sh ended with status 5"));
  EXPECT_TRUE(contains(command.call("run -- sh -c 'kill -KILL $$'").err, "sh was ended by SIGKILL"));
}

TEST(RunCommand, AProgramAboveItsBudgetIsStopped) {
  const CommandLine command;
  const Called called = command.call(std::string("run --budget 100MB -- ") + kSteps + " 1000 5000000 5");
  EXPECT_EQ(called.status, 1) << called.err;
  EXPECT_TRUE(contains(called.err, "leakhunt: fail: ")) << called.err;
  EXPECT_TRUE(contains(command.file("out/runner_steps/report.txt"), "passed the budget of 100 MB"));
}

TEST(RunCommand, ChildrenDoNotInheritTheTracker) {
  const CommandLine command;
  const Called called = command.call("run -- sh -c 'env | grep -E \"^(LEAKHUNT|LD_PRELOAD)\" || echo clean'");
  EXPECT_EQ(called.out, "clean\n");
}

TEST(RunCommand, AnInterruptEndsBoth) {
  const CommandLine command;
  const Called called =
      command.shell(LEAKHUNT_BIN "/leakhunt run -- sleep 60 & sleep 1; kill -INT $!; kill -TERM $!; wait $!");
  EXPECT_GT(called.status, 128) << called.err;
  EXPECT_TRUE(command.has("out/sleep/report.txt"));
}

}  // namespace
}  // namespace leakhunt::cli
