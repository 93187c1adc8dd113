// Runs in a database, and in which of them something began.
#include "reports/history/history.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "reports/formats/escape.h"
#include "reports/history/history_text.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "leakhunt-history-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

HistoricRun run_of(const std::string& name, uint64_t start, int64_t end_bytes = 1000, double growth = 0) {
  HistoricRun run;
  run.name = name;
  run.label = "commit " + std::to_string(start);
  run.start_unix_ns = start * 1'000'000'000;
  run.verdict = growth > 0 ? "fail" : "pass";
  run.end_bytes = end_bytes;
  run.growth_bytes = growth;
  run.curve = {1, -2, 3};
  return run;
}

TEST(History, KeepsRunsInTheirOrderAndReplacesThoseThatAreThere) {
  const Scratch scratch;
  auto history = History::open(scratch.file("a.db"), true);
  ASSERT_TRUE(history.has_value()) << history.error();
  for (const uint64_t start : {30, 10, 20}) ASSERT_TRUE(history->add(run_of("b", start)).has_value());
  ASSERT_TRUE(history->add(run_of("a; DROP TABLE runs; --\n", 5)).has_value());
  HistoricRun again = run_of("b", 20);
  again.label = "again";
  ASSERT_TRUE(history->add(again).has_value());
  const auto reopened = History::open(scratch.file("a.db"), false);
  ASSERT_TRUE(reopened.has_value()) << reopened.error();
  const auto runs = reopened->runs("", 0);
  ASSERT_TRUE(runs.has_value()) << runs.error();
  ASSERT_EQ(runs->size(), 4u);
  EXPECT_EQ((*runs)[0].name, "a; DROP TABLE runs; --\n");
  EXPECT_EQ((*runs)[2].label, "again");
  EXPECT_EQ((*runs)[3].start_unix_ns, 30'000'000'000u);
  EXPECT_EQ((*runs)[3].curve, (std::vector<int64_t>{1, -2, 3}));
  EXPECT_EQ(reopened->runs("b", 2)->size(), 2u);
  EXPECT_EQ(reopened->runs("b", 2)->front().label, "again") << "the last two";
}

TEST(History, KeepsChecksAndFindings) {
  const Scratch scratch;
  const recording::Run run = make_run(
      {{"heap", "leak\tof\nmany", [](size_t i) { return static_cast<int64_t>(i + 1) * 16; }, {}, 16}});
  const HistoricRun kept = historic_run(analyse(run), "x");
  ASSERT_EQ(kept.findings.size(), 1u);
  EXPECT_EQ(kept.findings[0].name.substr(0, 17), "leak in tag heap:");
  EXPECT_EQ(kept.findings[0].stack.size(), 2u);
  EXPECT_FALSE(kept.checks.empty());
  auto history = History::open(scratch.file("a.db"), true);
  ASSERT_TRUE(history.has_value()) << history.error();
  ASSERT_TRUE(history->add(kept).has_value());
  HistoricRun bare = run_of("b", 1);
  bare.findings = {{"a name", "its figures", "", {}}};
  ASSERT_TRUE(history->add(bare).has_value());
  const auto runs = history->runs("", 0);
  ASSERT_TRUE(runs.has_value()) << runs.error();
  EXPECT_EQ((*runs)[0].findings, bare.findings);
  EXPECT_EQ((*runs)[1].findings, kept.findings);
  EXPECT_EQ((*runs)[1].checks, kept.checks);
}

// As the first version made it, with a run.
void write_version_1(const std::string& file) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  const char* text =
      "CREATE TABLE runs (name TEXT NOT NULL, label TEXT NOT NULL, start_unix_ns INTEGER NOT NULL, pid "
      "INTEGER NOT "
      "NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, iterations INTEGER NOT NULL, iterations_per_second "
      "REAL,"
      " peak_rss_bytes INTEGER NOT NULL, end_bytes INTEGER NOT NULL, end_blocks INTEGER NOT NULL, "
      "growth_bytes REAL "
      "NOT NULL, allocations REAL NOT NULL, curve TEXT NOT NULL, PRIMARY KEY (name, start_unix_ns, pid)) "
      "WITHOUT "
      "ROWID; PRAGMA application_id = 1279808846; PRAGMA user_version = 1;"
      "INSERT INTO runs VALUES ('x', 'first', 5, 1, 'pass', '', 10, NULL, 1, 2, 3, 0, 1, '1 2 3')";
  EXPECT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
}

TEST(History, ReadsVersion1AsItIsAndWritesIntoIt) {
  const Scratch scratch;
  write_version_1(scratch.file("old.db"));
  const auto read = History::open(scratch.file("old.db"), false)->runs("", 0);
  ASSERT_TRUE(read.has_value()) << read.error();
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(read->front().curve.size(), 3u);
  EXPECT_TRUE(read->front().findings.empty());
  auto history = History::open(scratch.file("old.db"), true);
  ASSERT_TRUE(history.has_value()) << history.error();
  HistoricRun next = run_of("x", 9);
  next.checks = {{"failed", "it grows"}};
  ASSERT_TRUE(history->add(next).has_value());
  const auto both = History::open(scratch.file("old.db"), true)->runs("x", 0);
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ(both->front().label, "first");
  EXPECT_EQ(both->back().checks, next.checks);
}

TEST(History, RefusesWhatIsNone) {
  const Scratch scratch;
  EXPECT_FALSE(History::open(scratch.file("missing.db"), false).has_value());
  EXPECT_FALSE(std::filesystem::exists(scratch.file("missing.db")));
  std::ofstream(scratch.file("text.db"))
      << "no database, but long enough to look like something at first sight";
  EXPECT_FALSE(History::open(scratch.file("text.db"), true).has_value());
  std::ofstream(scratch.file("empty.db"));
  EXPECT_NE(History::open(scratch.file("empty.db"), false).error().find("holds no runs"), std::string::npos);
  EXPECT_FALSE(History::open("/proc/nowhere/x.db", true).has_value());
}

TEST(History, ARunIsKeptWithItsFigures) {
  const recording::Run run =
      make_run({{"heap", "f", [](size_t i) { return static_cast<int64_t>(i + 1) * 16; }, {}, 16}});
  const HistoricRun kept = historic_run(analyse(run), "x");
  EXPECT_EQ(kept.verdict, "fail");
  EXPECT_EQ(kept.growth_bytes, 16);
  EXPECT_EQ(kept.end_blocks, 1000);
  EXPECT_EQ(kept.allocations, 1);
  ASSERT_EQ(kept.curve.size(), kCurvePoints);
  EXPECT_EQ(kept.curve.front(), 16);
  EXPECT_EQ(kept.curve.back(), 16000);
}

TEST(History, FindsTheRunInWhichGrowthBegan) {
  std::vector<HistoricRun> runs;
  for (uint64_t i = 0; i < 10; ++i) runs.push_back(run_of("x", i, 1000, i == 2 || i >= 6 ? 48 : 0));
  const auto found = find_beginnings(runs);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].run, 6u) << "not the one that was mended since";
  EXPECT_EQ(found[0].what, "growth begins: 0 -> +48 B per iteration");
}

TEST(History, FindsAStepAndASlopeOfLiveMemory) {
  std::vector<HistoricRun> stepping;
  for (uint64_t i = 0; i < 12; ++i) stepping.push_back(run_of("x", i, i < 5 ? 1000 : 1200));
  auto found = find_beginnings(stepping);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].run, 5u);
  std::vector<HistoricRun> creeping;
  for (uint64_t i = 0; i < 20; ++i)
    creeping.push_back(run_of("x", i, i < 8 ? 1000 : 1000 + 100 * static_cast<int64_t>(i - 7)));
  found = find_beginnings(creeping);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].run, 8u) << found[0].what;
  EXPECT_NE(found[0].what.find("from run to run"), std::string::npos);
  std::vector<HistoricRun> steady;
  for (uint64_t i = 0; i < 12; ++i) steady.push_back(run_of("x", i, 1000 + static_cast<int64_t>(i * 7 % 5)));
  EXPECT_TRUE(find_beginnings(steady).empty());
}

TEST(History, IsATableAndCurvesForATerminal) {
  std::vector<HistoricRun> runs;
  for (uint64_t i = 0; i < 4; ++i)
    runs.push_back(run_of("evil\x1b[31m\n", i, 1000 + (i > 1 ? 500 : 0), i > 1 ? 16 : 0));
  std::ostringstream out;
  write_history(runs, out);
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
  EXPECT_NE(out.str().find("4 runs, fail since run 3 (commit 2); growth begins: 0 -> +16 B per iteration in"),
            std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("\n  verdict                 ✓✓✗✗"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find(
                "\n  growth per iteration    ▁▁██  0 B to +16 B\n"
                "                            ▲ run 3 (commit 2): growth begins: 0 -> +16 B per iteration\n"),
            std::string::npos)
      << out.str();
  EXPECT_EQ(out.str().find("iterations per second"), std::string::npos) << "none of them has any";
}

TEST(History, OfATerminalIsNoWiderThanThat) {
  std::vector<HistoricRun> runs;
  for (uint64_t i = 0; i < 90; ++i) {
    runs.push_back(run_of("x", i, 1000 + (i > 80 ? 500 : 0), i > 5 ? 16 : 0));
    runs.back().label = std::string(30, 'c') + std::to_string(i);
    runs.back().verdict = "inconclusive";
    runs.back().iterations_per_second = 12'345;
    runs.back().curve.assign(60, 7);
  }
  std::ostringstream out;
  write_history(runs, out);
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 100u) << line;
  EXPECT_NE(out.str().find("← run 7 ("), std::string::npos) << "what began before those that are shown\n"
                                                            << out.str();
}

}  // namespace
}  // namespace leakhunt::reports
