// leakhunt report: the same again from the file alone.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

bool installed(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null").c_str()) == 0;
}

// The largest number right behind `words`; 0 where there is none.
long long largest_after(const std::string& text, const std::string& words) {
  long long largest = 0;
  for (size_t at = 0; (at = text.find(words, at)) != std::string::npos; at += words.size())
    largest = std::max(largest, std::strtoll(text.c_str() + at + words.size(), nullptr, 10));
  return largest;
}

class ReportCommand : public testing::Test {
 protected:
  ReportCommand() { recorded_ = command_.call("run --out made -- " LEAKHUNT_STEPS " 100 1000 0"); }

  CommandLine command_;
  Called recorded_;
};

TEST_F(ReportCommand, EveryFormatIsWhatTheRunWrote) {
  for (const auto& [format, file] : {std::pair{"text", "report.txt"},
                                     {"json", "report.json"},
                                     {"massif", "massif.out"},
                                     {"junit", "junit.xml"}}) {
    const Called again = command_.call(std::string("report made/recording.lhr --format ") + format);
    EXPECT_EQ(again.status, recorded_.status);
    EXPECT_EQ(again.out, command_.file(std::string("made/") + file)) << format;
  }
}

TEST_F(ReportCommand, APageIsWrittenOrSaidWhyNot) {
  const Called page = command_.call("report made -o page.html");
  if (page.status == 2) {
    EXPECT_TRUE(contains(page.err, "--format html: ")) << page.err;
    EXPECT_FALSE(command_.has("made/report.html"));
    GTEST_SKIP() << page.err;
  }
  EXPECT_EQ(page.status, recorded_.status);
  EXPECT_TRUE(command_.file("page.html").starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(command_.file("page.html"), command_.file("made/report.html"));
}

TEST_F(ReportCommand, TextIsTheDefaultAndADirectoryWillDo) {
  EXPECT_EQ(command_.call("report made").out, command_.file("made/report.txt"));
}

TEST_F(ReportCommand, WritesToAFileOrSaysWhyNot) {
  const Called written = command_.call("report made -o again.txt");
  EXPECT_EQ(written.out, "");
  EXPECT_EQ(command_.file("again.txt"), command_.file("made/report.txt"));
  const Called refused = command_.call("report made -o /no/such/directory/again.txt");
  EXPECT_EQ(refused.status, 2);
  EXPECT_TRUE(contains(refused.err, "cannot be written")) << refused.err;
  EXPECT_EQ(command_.call("report made >/dev/full").status, 2);
}

TEST_F(ReportCommand, TheNameOfTheFileSaysTheFormat) {
  EXPECT_EQ(command_.call("report made -o heap.svg").status, recorded_.status);
  EXPECT_TRUE(contains(command_.file("heap.svg"), "<svg "));
  command_.call("report made -o junit.xml");
  EXPECT_EQ(command_.file("junit.xml"), command_.file("made/junit.xml"));
  command_.call("report made -o dhat.out.json");
  EXPECT_TRUE(contains(command_.file("dhat.out.json"), "dhatFileVersion")) << "by its whole name";
  const Called unknown = command_.call("report made -o heap.bmp");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_TRUE(contains(unknown.err, "add --format NAME")) << unknown.err;
}

TEST_F(ReportCommand, ADirectoryIsRefusedWithTheFileToName) {
  command_.shell("mkdir there");
  const Called refused = command_.call("report made --format svg -o there");
  EXPECT_EQ(refused.status, 2);
  EXPECT_TRUE(contains(refused.err, "-o there: is a directory; name a file: -o there/heap.svg"))
      << refused.err;
}

TEST_F(ReportCommand, AFileIsReplacedAtOnceAndALinkOrDeviceStaysWhatItIs) {
  command_.shell("echo old > kept.txt; ln -s kept.txt link.txt");
  command_.call("report made -o link.txt");
  EXPECT_EQ(command_.file("kept.txt"), command_.file("made/report.txt"));
  EXPECT_EQ(command_.shell("test -L link.txt").status, 0);
  EXPECT_EQ(command_.shell("ls -a | grep -c part").out, "0\n");
  EXPECT_EQ(command_.call("report made --format text -o /dev/null").status, recorded_.status);
  EXPECT_EQ(command_.shell("test -c /dev/null").status, 0);
  EXPECT_EQ(command_.call("report made --format text -o /dev/full").status, 2);
}

TEST_F(ReportCommand, ShowsTheMomentThatIsAskedFor) {
  const std::string folded = "report made --format folded ";
  const Called early = command_.call(folded + "--at 9");
  const Called late = command_.call(folded + "--at end");
  EXPECT_NE(early.out, "");
  EXPECT_NE(early.out, late.out);
  EXPECT_EQ(late.out, command_.call(folded).out);
  EXPECT_TRUE(contains(command_.call(folded + "--from 9 --to 19").out, " 10000\n")) << "1,000 an iteration";
  EXPECT_EQ(command_.call(folded + "--from 9 --to 9").out, "") << "nothing was gained";
}

TEST_F(ReportCommand, RefusesMomentsThatMakeNoSense) {
  const std::pair<const char*, const char*> calls[] = {
      {"--format folded --at 100000", "--at: there is no iteration 100000"},
      {"--format folded --at soon", "is no moment"},
      {"--format folded --from 20 --to 10", "exchange them"},
      {"--format folded --to 10", "--to needs --from"},
      {"--format folded --at 3 --from 1", "leave out one or the other"},
      {"--format junit --at 3", "--at: the format junit tells of the whole run"},
      {"--absolute-paths --source-root /", "exclude each other"},
  };
  for (const auto& [words, why] : calls) {
    const Called called = command_.call(std::string("report made ") + words);
    EXPECT_EQ(called.status, 2) << words;
    EXPECT_TRUE(contains(called.err, why)) << called.err;
    EXPECT_EQ(called.out, "");
  }
}

TEST_F(ReportCommand, NoFormatTellsWhereTheProgramWasBuilt) {
  const std::string program = LEAKHUNT_STEPS;
  const std::string folder = program.substr(0, program.rfind('/'));
  for (const char* format :
       {"text", "json", "csv", "junit", "sarif", "gitlab", "github", "markdown", "folded", "svg",
        "pprof-text", "speedscope", "dhat", "trace", "openmetrics", "massif"}) {
    EXPECT_FALSE(contains(command_.call(std::string("report made --format ") + format).out, folder))
        << format;
  }
  EXPECT_TRUE(contains(command_.call("report made --format json --absolute-paths").out, folder));
}

TEST_F(ReportCommand, HelpListsEveryFormatWithWhatOpensIt) {
  const Called listed = command_.call("report --format help");
  EXPECT_EQ(listed.status, 0);
  for (const char* line : {"massif", "ms_print", "pprof", "heaptrack_gui", "sarif", "csv"})
    EXPECT_TRUE(contains(listed.out, line)) << listed.out;
  EXPECT_TRUE(contains(command_.call("report --help").out, listed.out));
}

TEST_F(ReportCommand, TheHeaptrackFileCountsWhatHeaptrackItselfCounts) {
  if (!installed("heaptrack")) GTEST_SKIP() << "heaptrack is not installed; scripts/test installs it";
  const std::string calls = "calls to allocation functions: ";
  command_.call("report made -o heaptrack.leakhunt.gz");
  const long long ours = largest_after(command_.shell("heaptrack_print heaptrack.leakhunt.gz").out, calls);
  const Called own =
      command_.shell("heaptrack -o own " LEAKHUNT_STEPS " 100 1000 0 && heaptrack_print own.*");
  EXPECT_GT(ours, 100);
  // heaptrack brings the C++ library into this C program, which allocates once for itself.
  EXPECT_GE(largest_after(own.out, calls), ours) << own.out;
  EXPECT_LE(largest_after(own.out, calls), ours + 1) << own.out;
}

TEST_F(ReportCommand, TheMassifFileHasMassifsOwnPeak) {
  if (!installed("valgrind")) GTEST_SKIP() << "valgrind is not installed; scripts/test installs it";
  const Called own = command_.shell(
      "valgrind --tool=massif --peak-inaccuracy=0.0 --heap-admin=0 --massif-out-file=own.out " LEAKHUNT_STEPS
      " 100 1000 0");
  ASSERT_EQ(own.status, 0) << own.err;
  const auto expected = static_cast<double>(largest_after(command_.file("own.out"), "mem_heap_B="));
  const auto ours = static_cast<double>(largest_after(command_.file("made/massif.out"), "mem_heap_B="));
  EXPECT_GT(ours, 100'000);
  EXPECT_NEAR(ours, expected, 0.01 * expected);
}

TEST_F(ReportCommand, NeedsNeitherTheScenarioNorTheProgramsFiles) {
  command_.shell("mkdir elsewhere && cp made/recording.lhr elsewhere/other-name.lhr");
  const Called again = command_.call("report elsewhere/other-name.lhr", "LEAKHUNT_SCENARIOS=/nowhere ");
  EXPECT_EQ(again.out, command_.file("made/report.txt"));
}

TEST_F(ReportCommand, ATornRecordingIsReadUpToItsLastWholeRecord) {
  command_.shell("head -c 6000 made/recording.lhr > torn.lhr");
  const Called torn = command_.call("report torn.lhr");
  EXPECT_NE(torn.status, 2) << torn.err;
  EXPECT_NE(torn.out, "");
}

}  // namespace
}  // namespace leakhunt::cli
