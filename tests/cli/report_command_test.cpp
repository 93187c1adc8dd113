// leakhunt report: the same again from the file alone.
#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

class ReportCommand : public testing::Test {
 protected:
  ReportCommand() { recorded_ = command_.call("run --out made -- " LEAKHUNT_STEPS " 100 1000 0"); }

  CommandLine command_;
  Called recorded_;
};

TEST_F(ReportCommand, EveryFormatIsWhatTheRunWrote) {
  for (const auto& [format, file] :
       {std::pair{"text", "report.txt"}, {"json", "report.json"}, {"massif", "massif.out"}}) {
    const Called again = command_.call(std::string("report made/recording.lhr --format ") + format);
    EXPECT_EQ(again.status, recorded_.status);
    EXPECT_EQ(again.out, command_.file(std::string("made/") + file)) << format;
  }
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
