// massif.out is right when its reader says so: every file here goes through the real ms_print.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "reports/formats/formats.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

recording::Run training_run(size_t iterations = 1000) {
  SyntheticOptions options;
  options.iterations = iterations;
  return make_run(
      {{"arena.chunk", "Arena::new_chunk", [](size_t i) { return int64_t(i + 1) * 10'000; }, {}, 10'000},
       {"optimizer.m", "Adam::Adam", [](size_t) { return int64_t{500'000}; }, {}, 500'000},
       {"heap", "main::{lambda()#1}::operator()",
        [](size_t i) { return i == 700 ? int64_t{9'000'000} : 64; }},
       {"arena.tensor",
        "Tensor::make",
        [](size_t) { return int64_t{77}; },
        {},
        7,
        recording::SiteKind::kNested},
       {"mapping",
        "reserve",
        [](size_t) { return int64_t{1} << 30; },
        {},
        4096,
        recording::SiteKind::kMapping}},
      options);
}

std::string massif_text(const recording::Run& run) {
  std::ostringstream out;
  find_format("massif")->write(analyse(run), out);
  return out.str();
}

struct Printed {
  int status = 0;
  std::string text;
};

Printed ms_print(const std::string& massif) {
  const std::string path = testing::TempDir() + "leakhunt_massif_" + std::to_string(getpid()) + ".out";
  std::ofstream(path) << massif;
  Printed printed;
  FILE* pipe = popen(("ms_print " + path + " 2>&1").c_str(), "r");
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) printed.text.append(buffer, n);
  printed.status = pclose(pipe);
  std::remove(path.c_str());
  return printed;
}

#define SKIP_WITHOUT_MS_PRINT() \
  if (std::system("command -v ms_print > /dev/null") != 0) GTEST_SKIP() << "ms_print is not installed"

TEST(Massif, IsPrintedByMsPrint) {
  SKIP_WITHOUT_MS_PRINT();
  const Printed printed = ms_print(massif_text(training_run()));
  EXPECT_EQ(printed.status, 0) << printed.text;
  EXPECT_NE(printed.text.find("(peak)"), std::string::npos);
  EXPECT_NE(printed.text.find("0x0: tag arena.chunk (tags)"), std::string::npos);
  EXPECT_NE(printed.text.find("Arena::new_chunk (Arena::new_chunk.cpp:10)"), std::string::npos);
  EXPECT_EQ(printed.text.find("arena.tensor"), std::string::npos) << "nested bytes are part of no total";
  EXPECT_EQ(printed.text.find("reserve"), std::string::npos) << "mappings are no heap";
}

TEST(Massif, ShowsThePeakAndAtMostAHundredSnapshots) {
  const std::string text = massif_text(training_run(10'000));
  size_t count = 0;
  for (size_t at = text.find("\nsnapshot="); at != std::string::npos; at = text.find("\nsnapshot=", at + 1))
    ++count;
  EXPECT_LE(count, 101u);
  EXPECT_GE(count, 90u);
  EXPECT_NE(text.find("heap_tree=peak"), std::string::npos);
  EXPECT_EQ(text.find("heap_tree=peak"), text.rfind("heap_tree=peak"));
  EXPECT_NE(text.find("mem_heap_B=100500064\n"), std::string::npos) << "the peak is the end";
}

TEST(Massif, NoNodeExceedsItsParentOrItsSnapshot) {
  std::istringstream lines(massif_text(training_run()));
  std::vector<int64_t> parents;
  int64_t heap = 0;
  size_t nodes = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("mem_heap_B=")) heap = std::stoll(line.substr(11));
    const size_t depth = line.find_first_not_of(' ');
    const size_t colon = line.find(": ");
    if (depth == std::string::npos || line[depth] != 'n' || colon == std::string::npos) continue;
    const int64_t bytes = std::stoll(line.substr(colon + 2));
    ++nodes;
    parents.resize(depth);
    EXPECT_LE(bytes, depth == 0 ? heap : parents.back()) << line;
    parents.push_back(bytes);
  }
  EXPECT_GT(nodes, 50u);
}

TEST(Massif, UsesMillisecondsWhereTimeIsTheClock) {
  SKIP_WITHOUT_MS_PRINT();
  SyntheticOptions options;
  options.clock = recording::SnapshotKind::kTick;
  const std::string text =
      massif_text(make_run({{"heap", "f", [](size_t i) { return int64_t(i) * 16; }}}, options));
  EXPECT_NE(text.find("time_unit: ms\n"), std::string::npos);
  EXPECT_EQ(ms_print(text).status, 0);
}

TEST(Massif, OfHostileEmptyAndDamagedRunsIsPrintedToo) {
  SKIP_WITHOUT_MS_PRINT();
  recording::Run hostile = training_run();
  hostile.tags[2].name = "a\nsnapshot=7\x1b[31m\xff %s #";
  hostile.process.command_line = {"program\n#-----------", "%d"};
  hostile.symbols[hostile.sites[1].frames[1]].source_frames[0].function = "f\nn0: 999999999999 lie";
  EXPECT_EQ(ms_print(massif_text(hostile)).status, 0);

  EXPECT_EQ(ms_print(massif_text({})).status, 0);

  recording::Run damaged = training_run();
  damaged.sites[1].series = {{500, 1, {0, 0, 1, 1'000'000, 0, 0}}};  // freed what was never seen
  EXPECT_EQ(ms_print(massif_text(damaged)).status, 0);
}

}  // namespace
}  // namespace leakhunt::reports
