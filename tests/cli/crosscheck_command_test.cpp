// leakhunt crosscheck: four tools on the same small program.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

bool installed(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null").c_str()) == 0;
}

TEST(CrosscheckCommand, FindsThatAllToolsCountTheSame) {
  if (!installed("valgrind") || !installed("heaptrack"))
    GTEST_SKIP() << "valgrind or heaptrack is not installed";
  const CommandLine command;
  const Called called = command.call("crosscheck --out check -- " LEAKHUNT_STEPS " 200 5000 0");
  EXPECT_EQ(called.status, 0) << called.out << called.err;
  EXPECT_TRUE(contains(unwrapped(called.out), "leakhunt, heaptrack, massif, memcheck agree on everything"))
      << called.out;
  EXPECT_TRUE(contains(called.out, "\n  allocations ")) << called.out;
  EXPECT_EQ(command.file("check/crosscheck.txt"), called.out);
  EXPECT_TRUE(contains(called.err, "under memcheck")) << "progress: " << called.err;
  for (const char* file : {"recording.lhr", "heaptrack.zst", "massif.out", "memcheck.log"})
    EXPECT_TRUE(command.has(std::string("check/") + file)) << file;
}

TEST(CrosscheckCommand, NamesToolsThatAreMissingAndIsInconclusiveWithoutAny) {
  const CommandLine command;
  const Called called =
      command.call("crosscheck --out check -- " LEAKHUNT_STEPS " 20 100 0", "PATH=/nonexistent ");
  EXPECT_EQ(called.status, 4) << called.out << called.err;
  for (const char* tool :
       {"heaptrack was not run: heaptrack is not installed", "massif was not run: valgrind is not installed",
        "memcheck was not run: valgrind is not installed"})
    EXPECT_TRUE(contains(called.out, tool)) << called.out;
  EXPECT_TRUE(contains(unwrapped(called.out), "too few tools ran to compare anything (only leakhunt)"));
}

TEST(CrosscheckCommand, StopsAToolThatTakesTooLongWithAllItStarted) {
  const CommandLine command;
  // A heaptrack that never ends, and has a child that ignores SIGTERM.
  command.shell(
      "mkdir bin && printf '#!/bin/sh\\n(trap \"\" TERM; echo $$ > child; exec sleep 1234567) & wait\\n' "
      "> bin/heaptrack && chmod +x bin/heaptrack");
  const Called called = command.call("crosscheck --timeout 1 --out check -- " LEAKHUNT_STEPS " 20 100 0",
                                     "PATH=$PWD/bin:/nonexistent:/usr/bin ");
  EXPECT_TRUE(contains(called.out, "heaptrack was not run: it was stopped after 1 s"))
      << called.out << called.err;
  EXPECT_NE(command.shell("pgrep -f 'sleep 123456[7]'").status, 0) << "it lives on";
}

TEST(CrosscheckCommand, RefusesWithOneLine) {
  const CommandLine command;
  const std::pair<std::string, std::string> cases[] = {
      {"crosscheck", "takes a scenario or, after --, a program"},
      {"crosscheck quick_tiny -- ls", "takes a scenario or, after --, a program"},
      {"crosscheck --", "takes a scenario or, after --, a program"},
      {"crosscheck --set a=b -- ls", "--set is for scenarios"},
      {"crosscheck nothing_such", "there is no scenario nothing_such"},
      {"crosscheck -- /nonexistent/x", "/nonexistent/x"},
  };
  for (const auto& [words, says] : cases) {
    const Called called = command.call(words);
    EXPECT_EQ(called.status, 2) << words << called.out;
    EXPECT_TRUE(contains(called.err, says)) << words << ": " << called.err;
    EXPECT_EQ(std::count(called.err.begin(), called.err.end(), '\n'), 1) << called.err;
  }
}

}  // namespace
}  // namespace leakhunt::cli
