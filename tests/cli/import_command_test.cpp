// report and diff on files of other tools, which are run here: their own figures are the oracle.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

bool installed(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null").c_str()) == 0;
}

// A hundred iterations that keep a block of 1,000 bytes each.
constexpr const char* kProgram = LEAKHUNT_STEPS " 100 1000 0";

TEST(ImportCommand, ReadsMassifAndComparesItWithARecording) {
  if (!installed("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  const CommandLine command;
  command.shell(std::string("valgrind -q --tool=massif --massif-out-file=massif.out.7 ") + kProgram);
  const Called report = command.call("report massif.out.7");
  EXPECT_EQ(report.status, 4) << report.err;
  EXPECT_TRUE(
      contains(report.out, "growth was not judged: this is a file of massif, which has no iterations"))
      << report.out;
  command.call(std::string("run --out ours -- ") + kProgram);
  const Called diff = command.call("diff massif.out.7@peak ours@peak");
  EXPECT_EQ(diff.status, 0) << diff.err;
  EXPECT_TRUE(contains(diff.out, "\n  before  massif.out.7: ")) << diff.out;
}

TEST(ImportCommand, HasMemchecksLeaks) {
  if (!installed("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  const CommandLine command;
  command.shell(std::string("valgrind --leak-check=full --log-file=memcheck.log ") + kProgram);
  const std::string log = command.file("memcheck.log");
  const Called report = command.call("report memcheck.log");
  EXPECT_EQ(report.status, contains(log, "definitely lost: 0 bytes") ? 4 : 1) << log << report.out;
  EXPECT_TRUE(contains(report.out, "Tags ")) << report.out;
}

TEST(ImportCommand, HasHeaptracksTotals) {
  if (!installed("heaptrack") || !installed("heaptrack_print")) GTEST_SKIP() << "heaptrack is not installed";
  const CommandLine command;
  command.shell(std::string("heaptrack -o ht ") + kProgram);
  const Called theirs = command.shell("heaptrack_print -f ht.*st | grep 'calls to allocation functions'");
  const Called ours = command.call("report ht.zst --format csv");
  if (ours.status == 2 && command.has("ht.gz")) GTEST_SKIP() << "this heaptrack writes gzip";
  EXPECT_EQ(ours.status, 4) << ours.err;
  const std::string words = "calls to allocation functions: ";
  const size_t at = theirs.out.find(words);
  ASSERT_NE(at, std::string::npos) << theirs.out;
  const long long calls = std::strtoll(theirs.out.c_str() + at + words.size(), nullptr, 10);
  const Called json = command.call("diff ht.zst@0 ht.zst --format json");
  EXPECT_EQ(json.status, 2) << "it has no iteration 0";
  const Called same = command.call("diff ht.zst ht.zst --format json");
  EXPECT_TRUE(contains(same.out, "\"allocations\": " + std::to_string(calls) + ","))
      << calls << same.out.substr(0, 900);
}

TEST(ImportCommand, SaysInOneLineWhatIsWrongWithAFile) {
  const CommandLine command;
  command.shell("printf 'desc: x\\ncmd: y\\ntime_unit: i\\n#-----------\\nsnapshot=0\\n' > massif.out");
  const Called cut = command.call("report massif.out");
  EXPECT_EQ(cut.status, 2);
  EXPECT_EQ(cut.err, "leakhunt: massif.out:5: the snapshot is cut off\n");
  command.shell("printf 'hello\\n' > other");
  EXPECT_TRUE(contains(command.call("report other").err,
                       "other: neither a recording of leakhunt nor a file of massif"));
}

}  // namespace
}  // namespace leakhunt::cli
