// Wrong calls are one clear line and status 2; right ones that only ask are answered.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

struct WrongCall {
  std::string words;
  std::string complaint;  // a part of it
};

TEST(Calls, AWrongOneIsOneLineAndStatusTwo) {
  const WrongCall calls[] = {
      {"", "see leakhunt --help"},
      {"--no-such-option", "--no-such-option"},
      {"scenari quick_tiny", "there is no command scenari (did you mean scenario?)"},
      {"compare a b", "there is no command compare"},
      {"scenario", "no scenario is given"},
      {"scenario quick-tini", "there is no scenario quick-tini in"},
      {"scenario quick-tini", "(did you mean quick_tiny?)"},
      {"scenario /no/such.toml", "/no/such.toml: cannot be read"},
      {"scenario quick_tiny another", "another"},
      {"scenario quick_tiny --set", "--set"},
      {"scenario quick_tiny --set iteration=5", "--set iteration=5: a scenario has no key iteration"},
      {"scenario quick_tiny --budget 5XB", "--budget: \"5XB\" is no amount of memory"},
      {"scenario quick_tiny --budget 5", "--budget: no program runs in 5 bytes"},
      {"scenario quick_tiny --defect tape-retain",
       "there is no defect tape-retain (did you mean tape-retained?)"},
      {"scenario quick_tiny -- ls", "takes no program"},
      {"scenario quick_tiny --out stdout", "choose another directory with --out"},
      {"run", "no program is given"},
      {"run --", "no program is given"},
      {"run ls", "ls"},
      {"run -- no_such_program", "the program no_such_program was not found on PATH"},
      {"run -- ./no_such_program", "the program ./no_such_program is not there"},
      {"run -- " LEAKHUNT_STATIC_PROGRAM, "is statically linked"},
      {"run --budget lots -- true", "--budget: \"lots\""},
      {"run --max-growth -5B -- true", "--max-growth: \"-5B\""},
      {"run --interval 0 -- true", "--interval"},
      {"attach --interval 2m $$", "--interval"},
      {"run --interval soon -- true", "--interval"},
      {"run --stacks some -- true", "--stacks"},
      {"report", "recording"},
      {"report /no/such.lhr", "/no/such.lhr"},
      {"report .", "recording.lhr"},
      {"report /bin/sh", "/bin/sh"},
      {"report x --format pdf", "there is no format pdf; the formats are text, json, html, massif"},
      {"report x --format jsn", "(did you mean json?)"},
      {"confusion --family fields", "--family"},
      {"confusion -- ls", "takes no program"},
  };
  const CommandLine command;
  for (const WrongCall& wrong : calls) {
    const Called called = command.call(wrong.words);
    EXPECT_EQ(called.status, 2) << "leakhunt " << wrong.words << '\n' << called.err;
    EXPECT_TRUE(contains(called.err, wrong.complaint)) << "leakhunt " << wrong.words << '\n' << called.err;
    EXPECT_TRUE(called.err.starts_with("leakhunt: ")) << called.err;
    EXPECT_EQ(std::count(called.err.begin(), called.err.end(), '\n'), 1) << called.err;
    EXPECT_EQ(called.out, "") << "leakhunt " << wrong.words;
  }
  EXPECT_FALSE(command.has("out/true"));  // a refused run leaves nothing
}

TEST(Calls, HelpAndVersionAreAnswers) {
  const CommandLine command;
  for (const char* words : {"--help", "scenario --help", "run --help", "report -h", "confusion --help"}) {
    const Called called = command.call(words);
    EXPECT_EQ(called.status, 0) << words;
    EXPECT_TRUE(contains(called.out, "Usage: ")) << called.out;
    EXPECT_TRUE(contains(called.out, "Exit status")) << called.out;
    EXPECT_EQ(called.err, "");
  }
  EXPECT_TRUE(contains(command.call("run --help").out, "leakhunt run [OPTIONS] -- PROGRAM ARGS..."));
  EXPECT_TRUE(command.call("--version").out.starts_with("leakhunt "));
}

TEST(Calls, ConfusionPrintsATableAndMeetsItsBars) {
  const CommandLine command;
  const Called called = command.call("confusion --series 200 --seed 3");
  EXPECT_EQ(called.status, 0) << called.out;
  EXPECT_TRUE(contains(called.out, "<- verdict")) << called.out;
  EXPECT_TRUE(contains(called.out, "innocents accused")) << called.out;
  EXPECT_TRUE(contains(called.out, "every bar is met with seed 3")) << called.out;
}

TEST(Calls, TheListHasALineForEachScenario) {
  const CommandLine command;
  const Called called = command.call("scenario --list");
  EXPECT_EQ(called.status, 0);
  for (const char* name :
       {"quick_tiny", "short_small", "long_small", "arena_orphaned_chunks", "stray_heap"}) {
    EXPECT_TRUE(contains(called.out, name)) << called.out;
  }
}

TEST(Calls, AScenarioThatSaysSomethingWrongIsPointedAt) {
  const CommandLine command;
  command.scratch().write("mine.toml", "program = \"sh\"\n\n[budget]\npeak_rss = \"5XB\"\n");
  const Called called = command.call("scenario mine.toml");
  EXPECT_EQ(called.status, 2);
  EXPECT_TRUE(called.err.starts_with("leakhunt: mine.toml:4: budget.peak_rss: \"5XB\"")) << called.err;
}

}  // namespace
}  // namespace leakhunt::cli
