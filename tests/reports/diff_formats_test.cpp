// A difference in each of its formats, whatever a program calls its functions.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/formats/diff_formats.h"
#include "reports/formats/escape.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/reader_program.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using nlohmann::json;

// Two runs, their reports, and what is different.
struct Compared {
  Compared(recording::Run a, recording::Run b) : before(std::move(a)), after(std::move(b)) {
    diff = make_diff(side(first, "before"), side(second, "after"));
  }
  Compared(const Compared&) = delete;
  Compared& operator=(const Compared&) = delete;

  static DiffSide side(const Report& report, const std::string& name) {
    return {&report, report.timeline.end_snapshot(*report.run), true, "at the end", name};
  }

  recording::Run before;
  recording::Run after;
  Report first = analyse(before);
  Report second = analyse(after);
  Diff diff;
};

std::string written(const DiffFormat& format, const Diff& diff) {
  std::ostringstream out;
  format.write(diff, out);
  return out.str();
}

std::string text_of(const Diff& diff) {
  std::ostringstream out;
  write_diff_text(diff, out);
  return out.str();
}

json json_of(const Diff& diff) {
  std::ostringstream out;
  write_diff_json(diff, out);
  return json::parse(out.str());
}

auto constantly(int64_t bytes) {
  return [bytes](size_t) { return bytes; };
}

recording::Run small(int64_t bytes, bool leaks) {
  return make_run({{"tag", "grow", [=](size_t i) { return bytes * (leaks ? int64_t(i + 1) : 1); }, {}, bytes},
                   {"heap", leaks ? "comes" : "goes", constantly(leaks ? 6400 : 3200)}},
                  {.iterations = 100, .warm_up = 10});
}

TEST(DiffText, IsWhatAPersonReads) {
  Compared compared(small(16, false), small(16, true));
  compared.after.symbols[0x401000].source_frames[0].line = 12;
  const Report moved = analyse(compared.after);
  EXPECT_EQ(text_of(make_diff(Compared::side(compared.first, "before"), Compared::side(moved, "after"))),
            R"(DIFFERENCE  live heap grew by 4,784 B, from 3,216 B to 8,000 B; of 3 call sites, 1 appeared, 1
            vanished, 1 grew
            most of it is comes (/src/app/comes.cpp:10) in tag heap, which appeared: 6,400 B of the
            7,984 B that came in

  before  before: synthetic, at the end; pass
  after   after: synthetic, at the end; fail

Totals ─────────────────────────────────────────────────────────────────────────────────────────────
  heap                   before    after  difference
  live                  3,216 B  8,000 B    +4,784 B
  live blocks               201      500        +299
  live at the peak      3,216 B  8,000 B    +4,784 B
  allocations               201      500        +299
  allocated             3,216 B  8,000 B    +4,784 B
  growth per iteration        0    +16 B       +16 B
  peak RSS              4.00 MB  4.01 MB    +4,784 B

Tags that differ ───────────────────────────────────────────────────────────────────────────────────
  tag    before    after  change      live   at peak  per it  allocations
  heap  3,200 B  6,400 B  grew    +3,200 B  +3,200 B       0         +200
  tag      16 B  1,600 B  grew    +1,584 B  +1,584 B   +16 B          +99

Call sites that differ ─────────────────────────────────────────────────────────────────────────────
  change        live   at peak  per it  allocations  stacks  tag   function  source
  appeared  +6,400 B  +6,400 B       0         +400       1  heap  comes     /src/app/comes.cpp:10
  vanished  -3,200 B  -3,200 B       0         -200       1  heap  goes      /src/app/goes.cpp:10
  grew      +1,584 B  +1,584 B   +16 B          +99       1  tag   grow      …/grow.cpp:12 (was :10)

The stacks of the first ────────────────────────────────────────────────────────────────────────────
  1. comes in tag heap appeared with 6,400 B live in 400 blocks, 400 allocations:
     comes  /src/app/comes.cpp:10
     main   /src/app/main.cpp:3

  2. goes in tag heap vanished with 3,200 B live in 200 blocks, 200 allocations:
     goes  /src/app/goes.cpp:10
     main  /src/app/main.cpp:3

  3. grow in tag tag grew by +1,584 B (+99 blocks), from 16 B to 1,600 B; growth per iteration was 0
     and is +16 B:
     grow  /src/app/grow.cpp:12
     main  /src/app/main.cpp:3
)");
}

TEST(DiffText, SaysSoWhenNothingDiffers) {
  const Compared compared(small(16, true), small(16, true));
  const std::string text = text_of(compared.diff);
  EXPECT_TRUE(
      text.starts_with("DIFFERENCE  live heap is the same, 8,000 B; 2 call sites alike in everything\n"))
      << text;
  EXPECT_EQ(text.find("that differ"), std::string::npos) << text;
}

TEST(EveryDiffFormat, IsPlainWhateverTheNamesAre) {
  for (uint32_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    const Compared compared(hostile_run(seed), hostile_run(seed + 1));
    std::istringstream lines(text_of(compared.diff));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(columns(line), 100u) << line;
      EXPECT_EQ(escape_line(line), line);
    }
    const std::string json_text = written(all_diff_formats()[1], compared.diff);
    EXPECT_TRUE(std::all_of(json_text.begin(), json_text.end(),
                            [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\n'; }));
    EXPECT_EQ(json::parse(json_text)["call_sites"].size(),
              compared.diff.sites.size() - compared.diff.counts[static_cast<size_t>(Change::kNone)]);
  }
}

TEST(EveryDiffFormat, IsTheSameBytesTwice) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    const Compared one(hostile_run(seed), hostile_run(seed + 1));
    const Compared two(hostile_run(seed), hostile_run(seed + 1));
    for (const DiffFormat& format : all_diff_formats())
      EXPECT_EQ(written(format, one.diff), written(format, two.diff)) << format.name;
  }
}

TEST(DiffJson, HoldsEachSideAndTheDifference) {
  const Compared compared(small(16, false), small(16, true));
  const json found = json_of(compared.diff);
  EXPECT_EQ(found["before"]["verdict"], "pass");
  EXPECT_EQ(found["after"]["verdict"], "fail");
  EXPECT_EQ(found["totals"][0]["difference"]["live_bytes"], 4784);
  int64_t sum = 0;
  for (const json& site : found["call_sites"]) sum += site["difference"]["live_bytes"].get<int64_t>();
  EXPECT_EQ(sum, 4784);
  const json& first = found["call_sites"][0];
  EXPECT_EQ(first["function"], "comes");
  EXPECT_EQ(first["change"], "appeared");
  EXPECT_TRUE(first["matched_by"].is_null());
  EXPECT_EQ(first["stack"].size(), 3u);
  EXPECT_EQ(first["stack"][1]["function"], "comes");
}

TEST(DiffJson, TellsStacksAtTheSameAddressApart) {
  recording::Run other = small(16, false);
  for (auto& [address, symbol] : other.symbols) symbol.source_frames[0].function += "_2";
  const Compared compared(small(16, false), std::move(other));
  const json report = json_of(compared.diff);
  for (const json& site : report["call_sites"]) EXPECT_EQ(site["stack"][1]["function"], site["function"]);
}

TEST(DiffSchema, HoldsForDifferencesOfAllKinds) {
  if (std::system("/usr/bin/python3 -c 'import jsonschema' 2> /dev/null") != 0)
    GTEST_SKIP() << "python3-jsonschema is not installed; scripts/test installs it";
  const auto validated = [](const json& diffs) {
    return read_with(
        "/usr/bin/python3 -c \"import json, jsonschema\n"
        "schema = json.load(open('" LEAKHUNT_DIFF_SCHEMA
        "'))\n"
        "jsonschema.Draft7Validator.check_schema(schema)\n"
        "for diff in json.load(open('FILE')): jsonschema.validate(diff, schema)\"",
        "diffs.json", diffs.dump());
  };
  json diffs = json::array();
  for (uint32_t seed = 0; seed < 25; ++seed) {
    const Compared compared(hostile_run(seed), hostile_run(seed + 1));
    diffs.push_back(json_of(compared.diff));
  }
  const Compared empty((recording::Run()), recording::Run());
  diffs.push_back(json_of(empty.diff));
  const Read read = validated(diffs);
  EXPECT_EQ(read.status, 0) << read.out;
  diffs[0]["totals"][0]["difference"].erase("live_bytes");
  EXPECT_NE(validated(diffs).status, 0);
}

TEST(DiffPprof, HasGainsAndLossesThatAddUp) {
  SKIP_WITHOUT("protoc");
  const Compared compared(small(16, false), small(16, true));
  const Read read =
      read_with("gzip -dc FILE | protoc --decode=Profile --proto_path=" LEAKHUNT_TEST_DIR " profile.proto",
                "diff.pb.gz", written(all_diff_formats()[2], compared.diff));
  ASSERT_EQ(read.status, 0) << read.out;
  int64_t sum = 0;
  int64_t least = 0;
  std::istringstream lines(read.out);
  std::vector<int64_t> values;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  value: ")) values.push_back(std::stoll(line.substr(9)));
  }
  ASSERT_EQ(values.size(), 3u * 4) << read.out;
  for (size_t i = 3; i < values.size(); i += 4) {
    sum += values[i];
    least = std::min(least, values[i]);
  }
  EXPECT_EQ(sum, 4784);
  EXPECT_EQ(least, -3200);
  EXPECT_NE(read.out.find("\"goes\""), std::string::npos);
}

}  // namespace
}  // namespace leakhunt::reports
