// The text of a baseline: what is written is read back, and no damage goes unnoticed.
#include "reports/gate/baseline.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "reports/gate/ratchet.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

recording::Run run_of(int64_t blocks, int64_t temporary = 2) {
  SyntheticOptions options;
  options.iterations = 100;
  options.warm_up = 20;
  recording::Run run =
      make_run({{"heap \"\n", "f<int>(char)", [blocks](size_t) { return blocks * 100; }, {}, 100},
                {"parameter",
                 "Tensor::Tensor",
                 [](size_t) { return int64_t{800}; },
                 {},
                 100,
                 recording::SiteKind::kBlock,
                 static_cast<uint64_t>(temporary)}},
               options);
  run.scenario->command = {"/home/x/bin/train", "--out=/home/x/out/run", "--small"};
  run.budget.build = "x86_64 -O2";
  return run;
}

Baseline baseline_of(const std::vector<recording::Run>& runs) {
  std::vector<Report> reports;
  for (const recording::Run& run : runs) reports.push_back(analyse(run));
  std::vector<const Report*> pointers;
  for (const Report& report : reports) pointers.push_back(&report);
  auto baseline = make_baseline(pointers);
  EXPECT_TRUE(baseline.has_value()) << (baseline ? "" : baseline.error());
  return baseline.value_or(Baseline{});
}

TEST(Baseline, HoldsFiguresOfTheProcessItsTagsAndItsPlaces) {
  const Baseline baseline = baseline_of({run_of(7)});
  EXPECT_EQ(baseline.process[Figure::kBlocks], (Band{15, 15}));
  EXPECT_EQ(baseline.process[Figure::kEnd], (Band{1500, 1500}));
  EXPECT_EQ(baseline.process[Figure::kAllocations], (Band{160, 160})) << "2 in each of 80 judged iterations";
  EXPECT_EQ(baseline.tags.at("parameter")[Figure::kPeak], (Band{800, 800}));
  EXPECT_EQ(baseline.places.at({"heap \"\n", "f<\xE2\x80\xA6>"})[Figure::kBlocks], (Band{7, 7}));
  EXPECT_EQ(baseline.configuration.command, (std::vector<std::string>{"train", "--out=*/run", "--small"}));
}

TEST(Baseline, SeveralRecordingsMakeABand) {
  const Baseline baseline = baseline_of({run_of(7), run_of(9), run_of(8)});
  EXPECT_EQ(baseline.recordings, 3u);
  EXPECT_EQ(baseline.process[Figure::kBlocks], (Band{15, 17}));
  EXPECT_TRUE(baseline.tags.at("parameter")[Figure::kBlocks].is_exact());
}

TEST(Baseline, ItsTextIsReadBackAndHoldsNoPathNoAddressAndNoTime) {
  const Baseline baseline = baseline_of({run_of(7), run_of(9)});
  const std::string text = to_text(baseline);
  const auto read = parse_baseline(text);
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(to_text(*read), text);
  EXPECT_EQ(read->places, baseline.places);
  EXPECT_EQ(text.find("/home"), std::string::npos) << text;
  EXPECT_EQ(text.find("0x"), std::string::npos);
}

// A gate that was loosened by hand, by a merge or by a tool must not pass in silence.
TEST(Baseline, WhatWasTamperedWithIsRefusedWithItsLineAndAMend) {
  const std::string text = to_text(baseline_of({run_of(7)}));
  const auto refusal = [](std::string changed) {
    const auto read = parse_baseline(changed);
    return read ? std::string("read") : read.error();
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return refusal(changed);
  };
  const std::string checksum = text.substr(text.find("checksum"));
  const size_t last = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  const std::string edited = std::to_string(last) + ": the checksum is of another text: ";
  EXPECT_EQ(with("blocks=15", "blocks=16").substr(0, edited.size()), edited);
  EXPECT_EQ(with(checksum, "checksum 00000000\n").substr(0, edited.size()), edited);
  const size_t tag = text.find("tag \"parameter\"");
  const std::string line = text.substr(tag, text.find('\n', tag) + 1 - tag);
  const std::string removed = std::to_string(last - 1) + ": the checksum is of another text: ";
  EXPECT_EQ(with(line, "").substr(0, removed.size()), removed);
  EXPECT_TRUE(
      with(checksum, "").starts_with(std::to_string(last) + ": the file ends before its line \"checksum\""));
  EXPECT_EQ(with(line, "<<<<<<< HEAD\n" + line + "=======\n" + line + ">>>>>>> b\n").substr(0, 36),
            "16: a merge conflict was left in the");
  std::string converted;
  for (const char c : text) converted += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(refusal(converted).substr(0, 31), "1: the line ends in CR LF: keep");
  for (const std::string& error : {with("blocks=15", "blocks=16"), with(checksum, ""), refusal(converted)})
    EXPECT_NE(
        error.find("; take the file back from version control, or write it anew: leakhunt baseline accept"),
        std::string::npos)
        << error;
}

TEST(Baseline, MistakesAreALineWithItsNumberAndItsMend) {
  const std::string text = to_text(baseline_of({run_of(7)}));
  const auto error_of = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    const auto read = parse_baseline(changed);
    return read ? std::string("no error") : read.error();
  };
  EXPECT_EQ(error_of("leakhunt baseline 1", "leakhunt baseline 2").substr(0, 30),
            "1: no baseline begins so: the ");
  EXPECT_EQ(error_of("warm-up 20", "warm-up x").substr(0, 19), "7: \"x\" is no number");
  EXPECT_EQ(error_of("iterations 100\n", "").substr(0, 46),
            "6: \"warm-up\" stands where \"iterations\" should;");
  EXPECT_EQ(error_of("tag \"parameter\"", "tga \"parameter\"").substr(0, 40),
            "16: \"tga\" begins no line of a baseline; ");
  EXPECT_EQ(error_of("tag \"parameter\"", "tag \"a\"").substr(0, 30), "16: the tags are not in order;");
  EXPECT_EQ(error_of("blocks=15", "blocks=15..3").substr(0, 39), "14: a band that ends before it begins; ");
  EXPECT_EQ(error_of("blocks=15", "blocks=nan").substr(0, 10), "14: a figu");
  EXPECT_EQ(parse_baseline("").error().substr(0, 45), "1: the file ends before its line \"command\"; t");
  EXPECT_NE(parse_baseline("").error().find("; take the file back from version control"), std::string::npos);
}

// Whatever one byte becomes, the file is refused with a line that exists.
TEST(Baseline, NoChangedByteGoesUnnoticed) {
  const std::string text = to_text(baseline_of({run_of(7)}));
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  for (size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'\0', '\n', ' ', '"', '0', '9', 'x', '\xff'}) {
      if (text[at] == byte) continue;
      std::string changed = text;
      changed[at] = byte;
      const auto read = parse_baseline(changed);
      ASSERT_FALSE(read.has_value()) << "byte " << at;
      const size_t line = std::stoul(read.error());
      EXPECT_TRUE(line >= 1 && line <= lines + 2) << read.error();
      EXPECT_EQ(std::count_if(read.error().begin(), read.error().end(),
                              [](char c) { return c == '\n' || c == '\0'; }),
                0);
    }
  }
}

TEST(Baseline, EveryCutIsNoticed) {
  const std::string text = to_text(baseline_of({run_of(7)}));
  for (size_t size = 0; size + 1 < text.size(); ++size) {
    const auto read = parse_baseline(text.substr(0, size));
    EXPECT_FALSE(read.has_value()) << size;
  }
}

TEST(Baseline, ARunThatFailedIsNotAccepted) {
  recording::Run run = run_of(7);
  run.outcome->exit_status = 3;
  const Report report = analyse(run);
  EXPECT_EQ(make_baseline({&report}).error(), "the recording is of a program that failed; make another one");
  recording::Run other = run_of(7);
  other.process.unwinder = "none";
  const recording::Run first = run_of(7);
  const Report a = analyse(first);
  const Report b = analyse(other);
  EXPECT_NE(make_baseline({&a, &b}).error().find(
                "recording 2 is of another configuration: the way of finding stacks"),
            std::string::npos);
}

TEST(Ratchet, TellsTighterFromLooser) {
  const auto changes = changes_of(baseline_of({run_of(7, 2)}), baseline_of({run_of(8, 1)}));
  ASSERT_FALSE(changes.empty());
  bool looser = false;
  bool tighter = false;
  for (const BaselineChange& change : changes) {
    if (change.text == "the process: blocks 15 -> 16") looser = change.loosens;
    if (change.text == "tag parameter: allocations 160 -> 80") tighter = !change.loosens;
  }
  EXPECT_TRUE(looser);
  EXPECT_TRUE(tighter);
  EXPECT_TRUE(changes_of(baseline_of({run_of(7)}), baseline_of({run_of(7)})).empty());
}

TEST(Baseline, RelativeLimitsAreLookedUp) {
  std::vector<recording::Limit> limits(3);
  limits[0].percent = 10;
  limits[0].scope.tag = "parameter";
  limits[1].percent = 10;
  limits[1].cost = recording::Cost::kAllocations;
  limits[2].percent = 10;
  limits[2].scope.tag = "unknown";
  look_up_limits(baseline_of({run_of(7)}), limits);
  EXPECT_EQ(limits[0].baseline, 800);
  EXPECT_EQ(limits[1].baseline, 2);
  EXPECT_FALSE(limits[2].baseline.has_value());
}

}  // namespace
}  // namespace leakhunt::reports
