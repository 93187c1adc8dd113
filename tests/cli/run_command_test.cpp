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

// What LeakSanitizer is used for, of a program that knows nothing of us.
TEST(RunCommand, WhatIsLostAtTheEndMayBeLimited) {
  const CommandLine command;
  const Called lost = command.call("run --max-lost 0 -- " LEAKHUNT_HEAP_SHAPES);
  EXPECT_EQ(lost.status, 1) << lost.err;
  EXPECT_TRUE(contains(lost.err, "leakhunt: fail: the process: memory lost at its end ")) << lost.err;
  EXPECT_TRUE(contains(lost.err, "is over the limit of 0 B; the largest part, ")) << lost.err;
  EXPECT_EQ(command.call("run --max-lost 1MB -- " LEAKHUNT_HEAP_SHAPES).status, 0);
  EXPECT_EQ(command.call("run --max-lost 0 -- true").status, 0);
}

TEST(RunCommand, WhatIsLostAtTheEndIsNotKnownOfAProgramThatIsKilled) {
  const CommandLine command;
  const Called killed = command.call("run --max-lost 0 -- sh -c 'kill -KILL $$'");
  EXPECT_TRUE(contains(killed.err, "sh was ended by SIGKILL")) << killed.err;
  EXPECT_TRUE(contains(command.file("out/sh/report.txt"), "memory lost at its end: not checked"))
      << killed.err;
  const Called refused = command.call("run --max-lost 0 --graph off -- true");
  EXPECT_EQ(refused.status, 2);
  EXPECT_TRUE(contains(refused.err, "leave out one of them")) << refused.err;
}

TEST(RunCommand, AGraphOfTheEndIsAlsoTakenWhereAProgramLeavesByTheBackDoor) {
  if (CommandLine().shell("command -v perl").status != 0) GTEST_SKIP() << "perl is not installed";
  const CommandLine command;
  const Called called =
      command.call("run --max-lost 0 -- perl -MPOSIX -e '{ my $a = {}; $a->{me} = $a; } POSIX::_exit(0);'");
  EXPECT_TRUE(contains(command.file("out/perl/report.txt"), "memory lost at its end")) << called.err;
  EXPECT_FALSE(contains(command.file("out/perl/report.txt"), "not checked: there is no heap graph"));
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
