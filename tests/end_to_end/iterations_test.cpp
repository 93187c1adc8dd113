// Iterations of programs that mark none: by a function's entries, by lines of output, by leakhunt.h from
// outside C.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "lib/recording/reader.h"
#include "tests/end_to_end/command.h"

namespace leakhunt::end_to_end {
namespace {

using recording::MarkedBy;
using recording::Measure;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool is_there(const std::string& program) {
  return run_command("command -v " + program).exit_status == 0;
}

std::vector<uint64_t> numbers_of(const recording::Run& run) {
  std::vector<uint64_t> numbers;
  for (const auto& snapshot : run.snapshots) {
    if (snapshot.kind == recording::SnapshotKind::kIteration) numbers.push_back(snapshot.iteration);
  }
  return numbers;
}

// Of live heap bytes, from each iteration to the next.
std::vector<int64_t> growth_of(const recording::Run& run) {
  const auto live =
      recording::expand_sum(run, {std::nullopt, recording::SiteKind::kBlock}, Measure::kLiveBytes);
  std::vector<int64_t> growth;
  int64_t before = -1;
  for (size_t i = 0; i < run.snapshots.size(); ++i) {
    if (run.snapshots[i].kind != recording::SnapshotKind::kIteration) continue;
    if (before >= 0) growth.push_back(live[i] - before);
    before = live[i];
  }
  return growth;
}

class Iterations : public testing::Test {
 protected:
  // leakhunt run OPTIONS -- COMMAND, as typed.
  Finished leakhunt(const std::string& options, const std::string& command, const std::string& around = "") {
    return run_command("cd " + folder_.path() + " && { " LEAKHUNT_BIN "/leakhunt run --out out " + options +
                       " -- " + command + "\n} " + around);
  }

  recording::Run recorded_run() const {
    auto run = recording::read_recording(folder_.file("out/recording.lhr"));
    if (!run) {
      ADD_FAILURE() << run.error().message;
      return {};
    }
    return std::move(*run);
  }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.file(name)) << text;
    return folder_.file(name);
  }

  TemporaryFolder folder_;
};

// --- by the entries of a function

TEST_F(Iterations, AreFromOneEntryToTheNext) {
  const Finished finished = leakhunt("--iteration-symbol step", target("steps_by_function 300"));
  EXPECT_EQ(finished.out, "5 601\n");
  EXPECT_EQ(finished.exit_status, 1) << finished.err;  // it leaks
  const recording::Run run = recorded_run();
  EXPECT_EQ(run.outcome->exit_status, 7);
  EXPECT_EQ(run.marks.by, MarkedBy::kEntries);
  EXPECT_TRUE(run.marks.in_effect);
  const auto numbers = numbers_of(run);
  ASSERT_EQ(numbers.size(), 299u);
  for (size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], i);
  for (const int64_t bytes : growth_of(run)) ASSERT_EQ(bytes, 64);
  EXPECT_TRUE(contains(read_file(folder_.file("out/report.txt")), "(entries of step)"));
  EXPECT_TRUE(contains(read_file(folder_.file("out/report.json")), "\"marked_by\": \"entries of step\""));
}

TEST_F(Iterations, CountEveryEntryOfEightThreads) {
  leakhunt("--iteration-symbol step", target("steps_by_function 500 8"));
  EXPECT_EQ(numbers_of(recorded_run()).size(), 8u * 500 - 1);
}

TEST_F(Iterations, FollowANameOfCppThatIsWrittenAsInTheSource) {
  const std::string program = target("steps_by_function 5");
  const Finished both = leakhunt("--iteration-symbol shapes::area", program);
  EXPECT_EQ(both.exit_status, 2);
  EXPECT_TRUE(contains(both.err,
                       "there are 2 functions of that name: steps_by_function:shapes::area(int), "
                       "steps_by_function:shapes::area(int, int)"))
      << both.err;
  leakhunt("--iteration-symbol 'steps_by_function:shapes::area(int, int)'", program);
  EXPECT_TRUE(recorded_run().marks.in_effect);
  leakhunt("--iteration-symbol _ZN6shapes4areaEi", program);
  EXPECT_TRUE(recorded_run().marks.in_effect);
}

TEST_F(Iterations, OfAFunctionThatIsNotThereAreRefusedBeforeAnythingIsStarted) {
  struct Case {
    const char* symbol;
    const char* why;
  };
  for (const Case& c : {Case{"stepp", "have no symbol of such a function (did you mean step?)"},
                        Case{"libnowhere.so:step", "libnowhere.so is neither the program nor a library"},
                        Case{"memcpy", "it is chosen among several when the program starts"}}) {
    const Finished finished =
        leakhunt("--iteration-symbol " + std::string(c.symbol), target("steps_by_function 5"));
    EXPECT_EQ(finished.exit_status, 2);
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(contains(finished.err, c.why)) << finished.err;
    EXPECT_FALSE(contains(finished.err, "report.txt"));
  }
}

TEST_F(Iterations, OfAFunctionThatIsNeverEnteredAreNoVerdictThatSaysSo) {
  const Finished finished = leakhunt("--iteration-symbol libc.so.6:qsort", "true");
  EXPECT_TRUE(contains(finished.err,
                       "the iterations were to be entries of libc.so.6:qsort, and it was entered at "
                       "most once"))
      << finished.err;
}

TEST_F(Iterations, AreStepsOfSqlite) {
  if (!is_there("sqlite3")) GTEST_SKIP() << "sqlite3 is missing";
  const std::string query =
      "'with recursive n(i) as (select 1 union all select i + 1 from n where i < 100) "
      "select i from n;'";
  const Finished plain = run_command("sqlite3 :memory: " + query);
  const Finished finished = leakhunt("--iteration-symbol sqlite3_step", "sqlite3 :memory: " + query);
  EXPECT_EQ(finished.out, plain.out);
  EXPECT_EQ(numbers_of(recorded_run()).size(), 100u);  // 101 steps: a row each, and the end
}

// A circle of references is never freed by an interpreter that counts them; without it nothing stays.
TEST_F(Iterations, ArePrintsOfPerlWhoseCirclesStay) {
  if (!is_there("perl")) GTEST_SKIP() << "perl is not installed";
  const auto run_perl = [&](const char* circle) {
    return leakhunt("--iteration-symbol Perl_pp_print",
                    std::string("perl -e 'for my $i (0..299) { my $a = {}; ") + "my $b = {of => $a}; " +
                        circle + " print 1; }'");
  };
  const Finished kept = run_perl("$a->{of} = $b;");
  EXPECT_EQ(kept.exit_status, 1) << kept.out << kept.err;
  EXPECT_TRUE(contains(kept.err, "fail: live memory grows by +")) << kept.err;
  const Finished freed = run_perl("");
  EXPECT_EQ(freed.exit_status, 0) << freed.out << freed.err;
}

TEST_F(Iterations, OfALibraryThatIsLoadedLaterBeginWhenItIs) {
  if (run_command("/usr/bin/python3 -c 'import _sqlite3'").exit_status != 0)
    GTEST_SKIP() << "python3 has no sqlite3";
  const std::string script = write("steps.py", R"py(
import sqlite3
connection = sqlite3.connect(":memory:", isolation_level=None)
for i in range(50):
    connection.execute("select ?", (i,)).fetchall()
print("done")
)py");
  const Finished finished =
      leakhunt("--iteration-symbol libsqlite3.so.0:sqlite3_step", "/usr/bin/python3 " + script);
  EXPECT_EQ(finished.out, "done\n");
  const recording::Run run = recorded_run();
  EXPECT_TRUE(run.marks.in_effect) << run.marks.obstacle;
  // One for the row, one for the end; how often Python asks again is its own affair.
  EXPECT_GE(numbers_of(run).size(), 49u);
  EXPECT_EQ((numbers_of(run).size() + 1) % 50, 0u);
}

TEST_F(Iterations, OfALibraryThatIsNeverLoadedAreNoVerdictThatSaysSo) {
  if (!is_there("sqlite3")) GTEST_SKIP() << "libsqlite3 is missing";
  const Finished finished = leakhunt("--iteration-symbol libsqlite3.so.0:sqlite3_step", "true");
  EXPECT_TRUE(contains(finished.err, "the module of that function was never loaded")) << finished.err;
}

// --- by lines of output

// Prints lines and keeps 1,000 bytes for each; sleeps so long that each is read before the next.
constexpr const char* kLines =
    R"pl($| = 1; for $i (0 .. 59) { push @kept, "x" x 1000; print "epoch $i\n"; print STDERR "log\n"; select(undef, undef, undef, 0.02) })pl";

TEST_F(Iterations, AreLinesOfOutputThatReachTheUser) {
  if (!is_there("perl")) GTEST_SKIP() << "perl is missing";
  const std::string script = write("lines.pl", kLines);
  const Finished plain = run_command("perl " + script);
  const Finished finished = leakhunt("--iteration-regex '^epoch \\d+$'", "perl " + script);
  EXPECT_EQ(finished.out, plain.out);
  EXPECT_TRUE(finished.err.starts_with(plain.err)) << finished.err;
  EXPECT_EQ(finished.exit_status, 1) << finished.err;  // it leaks
  const recording::Run run = recorded_run();
  EXPECT_EQ(run.marks.by, MarkedBy::kLines);
  ASSERT_FALSE(numbers_of(run).empty());
  EXPECT_EQ(numbers_of(run).back(), 59u);
  int64_t kept = 0;
  const std::vector<int64_t> growth = growth_of(run);
  for (size_t i = 1; i < growth.size(); ++i) kept += growth[i];  // the first log line makes a buffer
  EXPECT_NEAR(static_cast<double>(kept), 58 * 1000, 4000);
  EXPECT_TRUE(contains(read_file(folder_.file("out/report.txt")), "(lines matching /^epoch \\d+$/)"));
  EXPECT_FALSE(contains(run_command("ls " + folder_.file("out")).out, "matches"));  // the page that counted
}

TEST_F(Iterations, CountTheLastLinesOfAProgramThatEndsAtOnce) {
  for (int round = 0; round < 5; ++round) {
    leakhunt("--iteration-regex tick", "sh -c 'for i in 1 2 3 4 5 6 7; do echo tick; done'");
    const auto numbers = numbers_of(recorded_run());
    ASSERT_FALSE(numbers.empty());
    EXPECT_EQ(numbers.back(), 6u);
  }
}

// Another process reads the lines, a little later each time; what is freed at the end hides nothing.
TEST_F(Iterations, ThatAreReadLateNeverMakeALeakPass) {
  for (const char* pace : {"60 5000", "100 1000", "400 100"}) {
    const Finished finished =
        leakhunt("--iteration-regex '^step'", target(std::string("keeps_and_prints ") + pace));
    EXPECT_TRUE(finished.exit_status == 1 || finished.exit_status == 4)
        << pace << "\n"
        << read_file(folder_.file("out/report.txt"));
  }
}

// Iterations that ended where they did not, of those between two cuts: each keeps 20,000 bytes, and now and
// then their list moves to twice its size.
size_t shifted_cuts(const recording::Run& run) {
  const auto numbers = numbers_of(run);
  const auto growth = growth_of(run);
  constexpr size_t kMostMoves = 12;
  size_t others = 0;
  for (size_t i = 0; i < growth.size(); ++i) {
    const auto steps = static_cast<int64_t>(numbers[i + 1] - numbers[i]);
    if (growth[i] != steps * 20'000) ++others;
  }
  return others > kMostMoves ? others - kMostMoves : 0;
}

// Another process counts the lines, and still no iteration has a block of the next one.
TEST_F(Iterations, EndWhereTheirLinesArePrintedHoweverFastTheyCome) {
  const std::string program = target("keeps_and_prints 2000 0");
  const Finished finished = leakhunt("--iteration-regex '^step'", program);
  EXPECT_EQ(finished.exit_status, 1) << finished.err;
  EXPECT_TRUE(contains(finished.err, "fail: live memory grows by +20.0 kB per iteration")) << finished.err;
  const recording::Run run = recorded_run();
  EXPECT_GT(numbers_of(run).size(), 50u);
  EXPECT_LE(shifted_cuts(run), numbers_of(run).size() / 20);
}

TEST_F(Iterations, EndWhereTheirLinesArePrintedOnATerminal) {
  if (!is_there("script")) GTEST_SKIP() << "script is missing";
  run_command("cd " + folder_.path() +
              "; script -qec '" LEAKHUNT_BIN "/leakhunt run --out out --iteration-regex ^step -- " +
              target("keeps_and_prints 500 0") + "' /dev/null");
  const recording::Run run = recorded_run();
  EXPECT_GT(numbers_of(run).size(), 50u);
  EXPECT_LE(shifted_cuts(run), numbers_of(run).size() / 20);
}

// No malloc in its loop: what it maps is all that the tracker sees of it.
TEST_F(Iterations, OfAProgramThatMapsOnlyAreSeenWhereItMaps) {
  for (const char* how : {"keep", "brk"}) {
    const Finished finished = leakhunt("--iteration-regex '^step'", target("maps_and_prints 120 1 ") + how);
    const std::string report = read_file(folder_.file("out/report.txt"));
    EXPECT_EQ(finished.exit_status, 1) << report;
    EXPECT_TRUE(contains(finished.err, "fail: live memory grows by +65.5 kB per iteration")) << finished.err;
  }
  const Finished healthy = leakhunt("--iteration-regex '^step'", target("maps_and_prints 120 1 unmap"));
  EXPECT_EQ(healthy.exit_status, 0) << healthy.err;
}

TEST_F(Iterations, OfAProgramWhoseOnlyEventsAreReallocsOfNothingAreAllSeen) {
  leakhunt("--iteration-regex '^step'", target("maps_and_prints 120 1 realloc"));
  EXPECT_GT(numbers_of(recorded_run()).size(), 90u);
}

TEST_F(Iterations, OfAForkedChildAreItsLines) {
  const Finished leaks = leakhunt("--iteration-regex '^step'", target("maps_and_prints 120 1 realloc fork"));
  EXPECT_EQ(leaks.exit_status, 1) << read_file(folder_.file("out/report.txt"));
  EXPECT_TRUE(contains(leaks.err, "live memory grows by +65.5 kB per iteration")) << leaks.err;
  const Finished healthy = leakhunt("--iteration-regex '^step'", target("maps_and_prints 120 1 unmap fork"));
  EXPECT_EQ(healthy.exit_status, 0) << healthy.err;
}

// What is known to stay in stock programs: named subs of Perl, variables of a shell.
TEST_F(Iterations, OfStockProgramsShowWhatIsKnownToStay) {
  struct Case {
    const char* program;
    const char* leaks;
    const char* healthy;
  };
  for (
      const Case& c :
      {Case{"perl", R"(perl -e '$|=1; for my $i (0..300){ eval "sub f$i { $i }"; print "it $i\n" }')",
            R"(perl -e '$|=1; for my $i (0..300){ eval "sub f { $i }"; print "it $i\n" }')"},
       Case{
           "dash",
           R"(dash -c 'i=0; while [ $i -lt 300 ]; do eval "v$i=a_value_kept"; i=$((i+1)); echo it $i; done')",
           R"(dash -c 'i=0; while [ $i -lt 300 ]; do v=$i; i=$((i+1)); echo it $i; done')"}}) {
    if (!is_there(c.program)) continue;
    const Finished leaks = leakhunt("--iteration-regex ^it", c.leaks);
    EXPECT_EQ(leaks.exit_status, 1) << leaks.err;
    const Finished healthy = leakhunt("--iteration-regex ^it", c.healthy);
    EXPECT_EQ(healthy.exit_status, 0) << healthy.err;
  }
}

// Nothing happens between its events: all iterations there ended at the same level.
TEST_F(Iterations, OfAProgramThatHasFewEventsAreJudgedWhereItHasNone) {
  const Finished leaks = leakhunt("--iteration-regex '^step'", target("maps_and_prints 240 8 keep"));
  EXPECT_EQ(leaks.exit_status, 1) << read_file(folder_.file("out/report.txt"));
  EXPECT_TRUE(contains(leaks.err, "fail: live memory grows by +8,19")) << leaks.err;
  const Finished healthy = leakhunt("--iteration-regex '^step'", target("maps_and_prints 120 1000 unmap"));
  EXPECT_EQ(healthy.exit_status, 0) << healthy.err;
}

TEST_F(Iterations, LeaveBinaryOutputOfAnySizeAndPartialLinesAsTheyAre) {
  const char* commands[] = {"head -c 3000000 /bin/bash", "printf 'no newline'", "printf 'a\\0b\\r\\n\\n\\rc'",
                            "true", "sh -c 'echo one; echo two >&2; exec 1>&-; echo three >&2'"};
  for (const char* command : commands) {
    const Finished plain = run_command(command);
    const Finished finished = leakhunt("--iteration-regex .", command);
    EXPECT_EQ(finished.out, plain.out) << command;
    EXPECT_TRUE(finished.err.starts_with(plain.err)) << command << finished.err;
    EXPECT_EQ(recorded_run().outcome->exit_status, plain.exit_status) << command;
  }
}

TEST_F(Iterations, TellTheProgramThatItsReaderIsGone) {
  // yes ends by SIGPIPE only.
  const Finished finished = leakhunt("--iteration-regex y", "yes", "| head -n 2");
  EXPECT_EQ(finished.out, "y\ny\n");
  EXPECT_EQ(recorded_run().outcome->signal, SIGPIPE);
}

TEST_F(Iterations, KeepTheOrderOfStreamsThatAreOne) {
  const std::string command = "sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done'";
  const Finished plain = run_command(command + " 2>&1");
  const Finished finished = leakhunt("--iteration-regex .", command, "2>&1");
  EXPECT_TRUE(finished.out.starts_with(plain.out)) << finished.out;
}

TEST_F(Iterations, PassOnWhatChildrenPrintAfterTheEnd) {
  const Finished finished =
      leakhunt("--iteration-regex .", "sh -c '{ sleep 0.3; echo late; } & echo early'", "| cat");
  EXPECT_EQ(finished.out, "early\nlate\n");
}

TEST_F(Iterations, LeaveTheProgramItsTerminal) {
  if (!is_there("script")) GTEST_SKIP() << "script is missing";
  const std::string command =
      write("tty.sh", "test -t 1 && test -t 2 && echo terminal; stty size <&1; echo last\n");
  const Finished plain = run_command("script -qec 'stty rows 33 cols 77; sh " + command + "' /dev/null");
  const Finished finished = run_command("cd " + folder_.path() +
                                        "; script -qec 'stty rows 33 cols 77; " LEAKHUNT_BIN
                                        "/leakhunt run --out out --iteration-regex last -- sh " +
                                        command + "' /dev/null");
  EXPECT_TRUE(contains(plain.out, "33 77")) << plain.out;
  EXPECT_TRUE(finished.out.starts_with(plain.out)) << finished.out;
  EXPECT_EQ(numbers_of(recorded_run()).size(), 1u);
}

TEST_F(Iterations, LeaveNothingOfOursInTheProgram) {
  const std::string plain = run_command("ls -l /proc/self/fd | wc -l").out;
  const Finished finished =
      leakhunt("--iteration-regex .", "sh -c 'ls -l /proc/self/fd | wc -l; env | grep -c LEAKHUNT'");
  EXPECT_EQ(finished.out, plain + "0\n");
}

TEST_F(Iterations, OfAWrongExpressionOrOfTwoClocksAreRefused) {
  const Finished wrong = leakhunt("--iteration-regex 'epoch [0-9'", "true");
  EXPECT_EQ(wrong.exit_status, 2);
  EXPECT_TRUE(contains(wrong.err, "is wrong at character 11: missing terminating ]")) << wrong.err;
  for (const char* two : {"--iteration-regex a --iteration-symbol b", "--interval 1s --iteration-regex a"}) {
    const Finished both = leakhunt(two, "true");
    EXPECT_EQ(both.exit_status, 2);
    EXPECT_TRUE(contains(both.err, "give one of them")) << both.err;
  }
}

// --- by leakhunt.h

TEST_F(Iterations, OfAPythonProgramComeThroughCtypes) {
  if (!is_there("/usr/bin/python3")) GTEST_SKIP() << "python3 is missing";
  const std::string example = LEAKHUNT_SOURCE_DIR "/docs/examples/iterations.py";
  const Finished plain = run_command("/usr/bin/python3 " + example + " 40");
  EXPECT_EQ(plain.exit_status, 0) << plain.err;
  const Finished finished = leakhunt("", "/usr/bin/python3 " + example + " 40");
  EXPECT_EQ(finished.out, plain.out);
  EXPECT_EQ(finished.exit_status, 1) << finished.err;  // its history grows
  const recording::Run run = recorded_run();
  EXPECT_EQ(numbers_of(run).size(), 40u);
  EXPECT_EQ(run.marks.by, MarkedBy::kProgram);
  bool has_tag = false;
  for (const auto& tag : run.tags) has_tag = has_tag || tag.name == "history";
  EXPECT_TRUE(has_tag);
}

TEST_F(Iterations, OfACProgramComeThroughTheHeaderAlone) {
  const std::string program = LEAKHUNT_TARGETS "/example_iterations";
  const Finished plain = run_command(program + " 60");
  EXPECT_EQ(plain.exit_status, 0) << plain.err;
  const Finished finished = leakhunt("", program + " 60");
  EXPECT_EQ(finished.out, plain.out);
  const recording::Run run = recorded_run();
  EXPECT_EQ(numbers_of(run).size(), 60u);
  const auto growth = growth_of(run);
  for (size_t i = 1; i < growth.size(); ++i) EXPECT_EQ(growth[i], 256);
}

}  // namespace
}  // namespace leakhunt::end_to_end
