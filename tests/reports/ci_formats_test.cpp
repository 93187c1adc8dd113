// Formats that a CI shows: structure, stability, and that a name cannot break out.
#include <algorithm>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/formats/labels.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/reader_program.h"
#include "tests/reports/synthetic_run.h"
#include "tests/reports/written.h"

namespace leakhunt::reports {
namespace {

using nlohmann::json;

// Two leaks, the RSS budget broken. `base` moves addresses and lines, as a rebuild does.
recording::Run leaking_run(uint64_t shift = 0) {
  recording::Run run =
      make_run({{"arena.chunk", "Arena::new_chunk", [](size_t i) { return int64_t(i) * 4096; }, {}, 4096},
                {"heap", "Cache::put", [](size_t i) { return int64_t(i) * 16; }}},
               {.iterations = 200, .warm_up = 20});
  run.budget.peak_rss_bytes = 1'000'000;
  std::map<uint64_t, recording::Symbol> moved;
  for (auto [address, symbol] : run.symbols) {
    symbol.address = address + shift;
    for (recording::SourceFrame& frame : symbol.source_frames) {
      if (frame.line > 0) frame.line += static_cast<uint32_t>(shift);
      if (frame.file.starts_with("/src/app/")) frame.file = frame.file.substr(5);
    }
    moved[address + shift] = symbol;
  }
  run.symbols = moved;
  for (recording::CallSite& site : run.sites) {
    for (uint64_t& frame : site.frames) frame += shift;
  }
  return run;
}

// Rows of RFC 4180; false when a quote is left open.
bool parse_csv(const std::string& text, std::vector<std::vector<std::string>>& rows) {
  std::string cell;
  bool quoted = false;
  rows.assign(1, {});
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cell += text[i++];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '\n')) {
      rows.back().push_back(cell);
      cell.clear();
      if (c == '\n') rows.emplace_back();
    } else if (quoted || c != '\r') {
      cell += c;
    }
  }
  rows.pop_back();
  return !quoted && cell.empty();
}

TEST(Csv, HasARowForEachSiteAndTheRunsTotals) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const Profile profile = make_profile(report, moment_at_end(report), ProfiledKinds::kAll);
    std::vector<std::vector<std::string>> rows;
    ASSERT_TRUE(parse_csv(written("csv", report), rows)) << seed;
    ASSERT_EQ(rows.size(), profile.rows.size() + 1);
    int64_t bytes = 0;
    for (const auto& row : rows) {
      ASSERT_EQ(row.size(), rows[0].size());
      for (const std::string& cell : row) {
        const bool number = !cell.empty() && cell.find_first_not_of("-0123456789.e+") == std::string::npos;
        EXPECT_TRUE(cell.empty() || number || std::string("=+-@").find(cell[0]) == std::string::npos) << cell;
      }
      if (&row != &rows[0]) bytes += std::stoll(row[5]);
    }
    EXPECT_EQ(bytes, profile.bytes);
  }
}

TEST(Junit, HasACaseForEachCheckAndFinding) {
  SKIP_WITHOUT("xmllint");
  const recording::Run run = leaking_run();
  const std::string text = written("junit", analyse(run));
  const auto xpath = [&](const std::string& expression) {
    return read_with("xmllint --xpath '" + expression + "' FILE", "junit.xml", text).out;
  };
  EXPECT_EQ(number_after(xpath("count(/testsuites/testsuite/testcase)") + "\n", ""), 5) << text;
  EXPECT_NE(xpath("//testcase[failure]/@name").find("name=\"peak RSS\""), std::string::npos) << text;
  EXPECT_NE(xpath("//testcase[failure]/@name").find("name=\"leak in tag arena.chunk: Arena::new_chunk\""),
            std::string::npos);
  EXPECT_NE(xpath("//testcase[@name=\"speed\"]/skipped/@message").find("no floor was set"),
            std::string::npos);
  EXPECT_NE(xpath("//failure[contains(., \"Cache::put\")]").find("app/Cache::put.cpp:10"), std::string::npos);
  for (const char* outcome : {"failure", "error", "skipped"}) {
    const std::string counted = xpath(std::string("count(//") + outcome + ")");
    const std::string plural = outcome + std::string(std::string_view(outcome) == "skipped" ? "" : "s");
    EXPECT_EQ(std::stoi(xpath("string(//testsuite/@" + plural + ")")), std::stoi(counted)) << outcome;
  }
}

// What junitparser makes of several files: "cases failures errors skipped" a line, as counted and as stated.
Read parsed_junit(const json& files) {
  return read_with(
      "/usr/bin/python3 -c \"import json, junitparser as j\n"
      "for text in json.load(open('FILE')):\n"
      "  cases = [case for suite in j.JUnitXml.fromstring(text) for case in suite]\n"
      "  results = [result for case in cases for result in case.result]\n"
      "  count = lambda kind: sum(isinstance(result, kind) for result in results)\n"
      "  print(len(cases), count(j.Failure), count(j.Error), count(j.Skipped))\n"
      "  whole = j.JUnitXml.fromstring(text)\n"
      "  print(whole.tests, whole.failures, whole.errors, whole.skipped)\"",
      "files.json", files.dump());
}

TEST(Junit, IsCountedByJunitparserAsItSaysItself) {
  if (std::system("/usr/bin/python3 -c 'import junitparser' 2> /dev/null") != 0)
    GTEST_SKIP() << "python3-junitparser is not installed; scripts/test installs it";
  json files = json::array();
  const recording::Run leaking = leaking_run();
  files.push_back(written("junit", analyse(leaking)));
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const recording::Run hostile = hostile_run(seed);
    files.push_back(written("junit", analyse(hostile)));
  }
  const Read read = parsed_junit(files);
  std::istringstream lines(read.out);
  for (size_t i = 0; i < files.size(); ++i) {
    std::string counted;
    std::string stated;
    ASSERT_TRUE(std::getline(lines, counted) && std::getline(lines, stated)) << read.out;
    EXPECT_EQ(counted, stated) << files[i];
    if (i == 0) {
      EXPECT_EQ(counted, "5 4 0 1") << files[i];
    }
  }
}

TEST(Junit, NamesAreTheSameFromRunToRunAndUnique) {
  const auto names_of = [](const std::string& text) {
    std::vector<std::string> names;
    for (size_t at = 0; (at = text.find("<testcase ", at)) != std::string::npos; ++at) {
      const size_t name = text.find(" name=\"", at) + 7;
      names.push_back(text.substr(name, text.find('"', name) - name));
    }
    return names;
  };
  const recording::Run run = leaking_run();
  recording::Run other = leaking_run(0x1000);
  other.outcome->peak_rss_bytes = 77'000'000;
  EXPECT_EQ(names_of(written("junit", analyse(run))), names_of(written("junit", analyse(other))));
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const recording::Run hostile = hostile_run(seed);
    const std::vector<std::string> names = names_of(written("junit", analyse(hostile)));
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size()) << seed;
  }
}

TEST(Sarif, HasWhatTheSchemaRequires) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const recording::Run run = seed == 0 ? leaking_run() : hostile_run(seed);
    const Report report = analyse(run);
    const json log = json::parse(written("sarif", report));
    EXPECT_EQ(log["version"], "2.1.0");
    ASSERT_EQ(log["runs"].size(), 1u);
    const json& sarif = log["runs"][0];
    const json& rules = sarif["tool"]["driver"]["rules"];
    EXPECT_EQ(sarif["tool"]["driver"]["name"], "leakhunt");
    EXPECT_GE(sarif["results"].size(), report.findings.size());
    for (const json& result : sarif["results"]) {
      EXPECT_FALSE(result["message"]["text"].get<std::string>().empty());
      EXPECT_EQ(rules.at(result["ruleIndex"].get<size_t>())["id"], result["ruleId"]);
      const std::set<std::string> levels = {"error", "warning", "note"};
      EXPECT_TRUE(levels.contains(result["level"].get<std::string>()));
      ASSERT_EQ(result["partialFingerprints"].size(), 1u);
      for (const json& location : result.value("locations", json::array())) {
        const json& place = location["physicalLocation"];
        EXPECT_GE(place["region"]["startLine"], 1);
        const std::string uri = place["artifactLocation"]["uri"];
        EXPECT_EQ(uri.find_first_of(" \\\"<>`{}|^"), std::string::npos) << uri;
        EXPECT_EQ(uri.starts_with("file:///"), !place["artifactLocation"].contains("uriBaseId")) << uri;
      }
    }
  }
}

TEST(Sarif, PointsAtTheLineInTheSources) {
  const recording::Run run = leaking_run();
  const json result = json::parse(written("sarif", analyse(run)))["runs"][0]["results"][0];
  EXPECT_EQ(result["ruleId"], "leakhunt/leak");
  EXPECT_EQ(result["level"], "error");
  const json& place = result["locations"][0]["physicalLocation"];
  EXPECT_EQ(place["artifactLocation"]["uri"], "app/Arena%3A%3Anew_chunk.cpp");
  EXPECT_EQ(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
  EXPECT_EQ(place["region"]["startLine"], 10);
  EXPECT_EQ(result["stacks"][0]["frames"][1]["location"]["message"]["text"], "main");
}

TEST(Fingerprint, IsTheSameAfterARebuildAndDiffersByPlace) {
  const recording::Run run = leaking_run();
  const recording::Run rebuilt = leaking_run(0x1230);
  const Report report = analyse(run);
  const Report again = analyse(rebuilt);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(fingerprint(report, report.findings[0]), fingerprint(again, again.findings[0]));
  EXPECT_EQ(fingerprint(report, report.findings[1]), fingerprint(again, again.findings[1]));
  EXPECT_NE(fingerprint(report, report.findings[0]), fingerprint(report, report.findings[1]));
}

TEST(GitLab, HasItsFieldsAndUniqueFingerprints) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const recording::Run run = seed == 0 ? leaking_run() : hostile_run(seed);
    const json issues = json::parse(written("gitlab", analyse(run)));
    std::set<std::string> seen;
    for (const json& issue : issues) {
      EXPECT_TRUE(seen.insert(issue["fingerprint"]).second);
      EXPECT_FALSE(issue["description"].get<std::string>().empty());
      EXPECT_TRUE(issue["check_name"].get<std::string>().starts_with("leakhunt/"));
      const std::set<std::string> severities = {"info", "minor", "critical"};
      EXPECT_TRUE(severities.contains(issue["severity"].get<std::string>()));
      EXPECT_FALSE(issue["location"]["path"].get<std::string>().starts_with('/'));
      EXPECT_GE(issue["location"]["lines"]["begin"], 1);
    }
    if (seed == 0) {
      ASSERT_EQ(issues.size(), 4u) << "two leaks, the growth, and the RSS budget";
      EXPECT_EQ(issues[0]["location"]["path"], "app/Arena::new_chunk.cpp");
      EXPECT_EQ(issues[0]["severity"], "critical");
    }
  }
}

TEST(GitHub, AnnotatesTheLine) {
  const recording::Run run = leaking_run();
  EXPECT_TRUE(
      written("github", analyse(run))
          .starts_with("::error file=app/Arena%3A%3Anew_chunk.cpp,line=10,title=leakhunt "
                       "synthetic::leak in tag arena.chunk: Arena::new_chunk: +4,096 B and 1 block per "
                       "iteration since iteration 1, exactly\n"))
      << written("github", analyse(run));
}

TEST(GitHub, DoesNotAnnotateALineOfSomebodyElsesSources) {
  recording::Run run = leaking_run();
  for (auto& [address, symbol] : run.symbols) {
    for (recording::SourceFrame& frame : symbol.source_frames)
      frame.file = frame.function == "main" ? "../sysdeps/nptl/libc_start_call_main.h" : "";
  }
  const std::string text = written("github", analyse(run));
  EXPECT_TRUE(text.starts_with("::error title=leakhunt synthetic::leak in tag arena.chunk")) << text;
}

TEST(GitHub, NoNameCanBeginACommandOrAProperty) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const recording::Run run = hostile_run(seed);
    std::istringstream lines(written("github", analyse(run)));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(line.starts_with("::error ") || line.starts_with("::warning ")) << line;
      const std::string properties = line.substr(0, line.find("::", 2));
      EXPECT_LE(std::count(properties.begin(), properties.end(), ','), 2) << line;
    }
  }
}

TEST(Markdown, ShowsVerdictFindingsAndTags) {
  const recording::Run run = leaking_run();
  const std::string text = written("markdown", analyse(run));
  EXPECT_TRUE(text.starts_with("## FAIL: synthetic\n\n- ❌ ")) << text;
  EXPECT_NE(text.find("| <code>Arena&#58;&#58;new&#95;chunk</code> | "
                      "<code>app/Arena&#58;&#58;new&#95;chunk.cpp&#58;10</code> |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| <code>arena.chunk</code> | 815 kB | 815 kB | 199 | +4,096 B | linear |"),
            std::string::npos)
      << text;
}

TEST(Markdown, NoNameIsMarkup) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const recording::Run run = hostile_run(seed);
    std::istringstream lines(written("markdown", analyse(run)));
    for (std::string line; std::getline(lines, line);) {
      const bool heading = line.starts_with("#");
      const bool ours = line.starts_with("## ") || line == "### Findings" || line == "### Tags";
      EXPECT_TRUE(!heading || ours) << line;
      if (!line.starts_with("|")) continue;
      size_t cells = 0;  // bars that no backslash takes away
      for (size_t i = 0; i < line.size(); ++i)
        cells += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
      EXPECT_TRUE(cells == 3 || cells == 7) << line;
    }
  }
}

}  // namespace
}  // namespace leakhunt::reports
