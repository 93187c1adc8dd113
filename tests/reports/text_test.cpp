#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "reports/formats/curve.h"
#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

std::string text_of(const recording::Run& run) {
  std::ostringstream out;
  find_format("text")->write(analyse(run), out);
  return out.str();
}

recording::Run orphaned_chunks() {
  recording::Run run =
      make_run({{"arena.chunk",
                 "Arena::new_chunk",
                 [](size_t i) { return int64_t(i + 1) * 20'000'000; },
                 {},
                 10'000'000},
                {"heap",
                 "scratch",
                 [](size_t i) { return int64_t(i / 10) * 16; },
                 {},
                 16,
                 recording::SiteKind::kBlock,
                 3},
                {"optimizer.m", "Adam::Adam", [](size_t) { return int64_t{3'377'432}; }, {}, 3'377'432},
                {"arena.tensor",
                 "Tensor::make",
                 [](size_t) { return int64_t{777'777}; },
                 {},
                 7,
                 recording::SiteKind::kNested}},
               {.iterations = 100, .warm_up = 20});
  run.budget = {5'000'000'000, 0.0, 50.0};
  run.scenario->defect = "arena-orphaned-chunks";
  run.scenario->iterations = 100;
  return run;
}

// golden/report.txt is the report of orphaned_chunks(), to be looked at when it changes.
TEST(Text, IsWhatAPersonReads) {
  std::ifstream golden(LEAKHUNT_GOLDEN_DIR "/report.txt");
  std::ostringstream expected;
  expected << golden.rdbuf();
  EXPECT_EQ(text_of(orphaned_chunks()), expected.str());
}

TEST(Text, NeverExceedsAHundredColumns) {
  recording::Run run = orphaned_chunks();
  run.tags[2].name = std::string(63, 'T');
  run.scenario->name = std::string(500, 'n');
  for (auto& [address, symbol] : run.symbols) {
    symbol.source_frames[0].function = "ns::" + std::string(10'000, 'x') + "<int>(char)";
    symbol.source_frames[0].file = "/" + std::string(300, 'd') + "/" + std::string(300, 'f') + ".cpp";
  }
  std::istringstream lines(text_of(run));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 100u) << line;
}

TEST(Text, ContainsNoControlCharacterOfAHostileName) {
  recording::Run run = orphaned_chunks();
  run.tags[2].name = "evil\x1b[2J\r\nPASS";
  run.scenario->name = "s\x07";
  run.scenario->defect = "\x1b]0;owned\x07";
  for (auto& [address, symbol] : run.symbols) symbol.source_frames[0].function += "\x1b[31m\xff";
  run.outcome->stopped_for = "\x1b[1m";
  run.process.unwinder = "\x1b[5m";
  const std::string text = text_of(run);
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << int(c);
}

TEST(Text, SaysThatZeroIsZero) {
  const std::string text =
      text_of(make_run({{"parameter", "f", [](size_t) { return int64_t{64}; }, {}, 64}}));
  EXPECT_NE(text.find("live memory grows by 0 bytes per iteration"), std::string::npos) << text;
  EXPECT_NE(text.find("growth        0 bytes per iteration (flat)"), std::string::npos) << text;
  EXPECT_EQ(text.find("Findings"), std::string::npos);
}

TEST(Text, OfAnEmptyRunIsShort) {
  EXPECT_TRUE(text_of({}).starts_with("INCONCLUSIVE"));
}

TEST(Curve, DrawsTheBudgetWhereItIsNear) {
  const CurveData near{{1, 50, 90}, {2, 60, 95}, 100};
  const auto lines = draw_curve(near, 60, 8);
  ASSERT_EQ(lines.size(), 8u);
  EXPECT_NE(lines.front().find("╌"), std::string::npos);
  const CurveData far{{1, 50, 90}, {2, 60, 95}, 1000};
  for (const std::string& line : draw_curve(far, 60, 8)) EXPECT_EQ(line.find("╌"), std::string::npos);
  EXPECT_TRUE(draw_curve({}, 60, 8).empty());
}

}  // namespace
}  // namespace leakhunt::reports
