// Call sites are recognised after a rebuild: by names, and by the order of lines where names are the same.
#include "reports/analysis/site_matching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "reports/analysis/stable_names.h"
#include "reports/report.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using recording::SiteKind;

StackFrame frame(const std::string& function, uint32_t line, const std::string& file = "/src/a.cpp") {
  StackFrame result;
  result.function = function;
  result.file = file;
  result.line = line;
  result.module = "/build/one/libapp.so";
  return result;
}

StackFrame unnamed(const std::string& module, uint64_t offset) {
  StackFrame result;
  result.module = module;
  result.offset = offset;
  return result;
}

// The sites of one program. Stacks are innermost first.
struct Program {
  std::deque<std::vector<StackFrame>> stacks;
  std::deque<FrameList> lists;
  std::vector<SiteIdentity> sites;

  void add(std::vector<StackFrame> stack, const std::string& tag = "heap", SiteKind kind = SiteKind::kBlock) {
    stacks.push_back(std::move(stack));
    sites.push_back({tag, kind, lists.emplace_back(stacks.back()).span(), {}});
  }
};

// The partner's index of each site of `before`; -1: it is alone.
std::vector<int> partners(const Program& before, const Program& after) {
  std::vector<int> result;
  for (const SiteMatch& match : match_sites(before.sites, after.sites)) {
    if (match.before) result.push_back(match.after ? static_cast<int>(*match.after) : -1);
  }
  return result;
}

MatchedBy matched_by(const Program& before, const Program& after) {
  const auto matches = match_sites(before.sites, after.sites);
  EXPECT_EQ(matches.size(), 1u) << "not matched";
  return matches.front().by;
}

Program one(std::vector<StackFrame> stack, const std::string& tag = "heap") {
  Program program;
  program.add(std::move(stack), tag);
  return program;
}

// Sites of `function` at these lines, all called by main.
Program at_lines(const std::vector<uint32_t>& lines, const std::string& function = "f") {
  Program program;
  for (const uint32_t line : lines) program.add({frame(function, line), frame("main", 7)});
  return program;
}

TEST(SiteMatching, KnowsWhatDidNotChange) {
  EXPECT_EQ(matched_by(one({frame("f", 3), frame("main", 9)}), one({frame("f", 3), frame("main", 9)})),
            MatchedBy::kSame);
}

TEST(SiteMatching, FollowsAMovedLine) {
  EXPECT_EQ(matched_by(one({frame("f", 3), frame("main", 9)}), one({frame("f", 30), frame("main", 90)})),
            MatchedBy::kMoved);
}

TEST(SiteMatching, PassesOverFoldersOfSourcesAndModules) {
  const Program before = one({frame("f", 3, "/home/a/src/x.cpp"), unnamed("/lib/libz.so.1", 16)});
  const Program after = one({frame("f", 3, "/ci/build/src/x.cpp"), unnamed("/opt/z/libz.so.1", 16)});
  EXPECT_EQ(matched_by(before, after), MatchedBy::kSame);
}

TEST(SiteMatching, KeepsTagsAndKindsApart) {
  EXPECT_EQ(partners(one({frame("f", 3)}, "batch"), one({frame("f", 3)}, "sample")), std::vector{-1});
  Program mapping;
  mapping.add({frame("f", 3)}, "heap", SiteKind::kMapping);
  EXPECT_EQ(partners(one({frame("f", 3)}), mapping), std::vector{-1});
}

TEST(SiteMatching, TakesSeveralCandidatesInTheOrderOfTheirLines) {
  EXPECT_EQ(partners(at_lines({10, 20, 30}), at_lines({113, 101, 107})), (std::vector{1, 2, 0}));
  EXPECT_EQ(partners(at_lines({10, 20}), at_lines({20, 30})), (std::vector{0, 1})) << "both moved by 10";
}

TEST(SiteMatching, LeavesAloneWhatWasAddedBetweenMovedLines) {
  EXPECT_EQ(partners(at_lines({10, 20}), at_lines({13, 18, 23})), (std::vector{0, 2}));
  EXPECT_EQ(partners(at_lines({10, 20, 30}), at_lines({5, 10, 20, 30})), (std::vector{1, 2, 3}));
  EXPECT_EQ(partners(at_lines({13, 18, 23}), at_lines({10, 20})), (std::vector{0, -1, 1})) << "was removed";
}

TEST(SiteMatching, PassesOverNumbersOfLambdasClonesAndTemplateArguments) {
  const Program before = one({frame("run(int)::{lambda(int)#1}::operator()(int) const", 3)});
  EXPECT_EQ(matched_by(before, one({frame("run(int)::{lambda(int)#2}::operator()(int) const", 8)})),
            MatchedBy::kMoved);
  EXPECT_EQ(matched_by(one({frame("f(int)", 3)}), one({frame("f(int) [clone .isra.0]", 3)})),
            MatchedBy::kSame);
  EXPECT_EQ(matched_by(one({frame("fill<int>(int)", 3)}), one({frame("fill<long>(long)", 3)})),
            MatchedBy::kAlike);
}

TEST(SiteMatching, TellsTemplatesApartWhereBothSidesHaveThem) {
  Program before;
  before.add({frame("fill<int>()", 3)});
  before.add({frame("fill<long>()", 3)});
  Program after;
  after.add({frame("fill<long>()", 3)});
  after.add({frame("fill<int>()", 3)});
  EXPECT_EQ(partners(before, after), (std::vector{1, 0}));
}

TEST(SiteMatching, FollowsAFileThatWasRenamed) {
  EXPECT_EQ(matched_by(one({frame("f", 3, "old.cpp")}), one({frame("f", 5, "new.cpp")})), MatchedBy::kAlike);
}

TEST(SiteMatching, FollowsCodeWithoutSymbolsInTheOrderOfItsOffsets) {
  Program before;
  Program after;
  for (const uint64_t offset : {0x100u, 0x200u, 0x300u}) before.add({unnamed("/a/libx.so", offset)});
  for (const uint64_t offset : {0x310u, 0x110u, 0x210u}) after.add({unnamed("/b/libx.so", offset)});
  EXPECT_EQ(partners(before, after), (std::vector{1, 2, 0}));
  Program other = one({unnamed("/a/liby.so", 0x100)});
  EXPECT_EQ(partners(one({unnamed("/a/libx.so", 0x100)}), other), std::vector{-1});
}

TEST(SiteMatching, FollowsAStackThatGainedALayer) {
  const Program before = one({frame("f", 1), frame("g", 2), frame("main", 3)});
  EXPECT_EQ(matched_by(before, one({frame("f", 1), frame("g", 2), frame("run_all", 5), frame("main", 3)})),
            MatchedBy::kAlike);
  EXPECT_EQ(matched_by(before, one({frame("f", 1), frame("g_renamed", 2), frame("main", 3)})),
            MatchedBy::kAlike);
}

TEST(SiteMatching, DoesNotMatchWhatHasLittleInCommon) {
  const Program before = one({frame("f", 1), frame("g", 2), frame("h", 2), frame("main", 3)});
  const Program after = one({frame("f", 1), frame("a", 2), frame("b", 2), frame("c", 3)});
  EXPECT_EQ(partners(before, after), std::vector{-1});
  EXPECT_EQ(partners(one({frame("f", 1), frame("main", 3)}), one({frame("other", 1), frame("main", 3)})),
            std::vector{-1})
      << "another function answers";
}

TEST(SiteMatching, MatchesEmptyStacksByTagAndKind) {
  EXPECT_EQ(matched_by(one({}, "pool"), one({}, "pool")), MatchedBy::kSame);
}

// --- properties ----------------------------------------------------------------------------------

struct Sampled {
  std::mt19937 dice;
  uint32_t below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(dice); }
};

// Functions call each other from a few lines each; no two stacks are the same.
Program random_program(Sampled& sampled, size_t sites) {
  std::map<std::vector<std::pair<uint32_t, uint32_t>>, bool> seen;
  Program program;
  while (program.sites.size() < sites) {
    std::vector<std::pair<uint32_t, uint32_t>> shape;
    const uint32_t depth = 1 + sampled.below(6);
    for (uint32_t i = 0; i < depth; ++i) shape.emplace_back(sampled.below(8), 10 * (1 + sampled.below(4)));
    if (!seen.try_emplace(shape).second) continue;
    std::vector<StackFrame> stack;
    for (const auto& [function, line] : shape) stack.push_back(frame("f" + std::to_string(function), line));
    program.add(std::move(stack), "tag" + std::to_string(sampled.below(2)));
  }
  return program;
}

// The same program, its sites in another order; result[i] is where site i went.
std::vector<int> shuffled(Sampled& sampled, const Program& program, Program& result, auto change) {
  std::vector<size_t> order(program.sites.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), sampled.dice);
  std::vector<int> went(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    std::vector<StackFrame> stack = program.stacks[order[i]];
    for (StackFrame& each : stack) change(each);
    result.add(std::move(stack), program.sites[order[i]].tag);
    went[order[i]] = static_cast<int>(i);
  }
  return went;
}

TEST(SiteMatchingProperty, LinesThatMoveInOrderAndSitesInAnyOrderAreAllMatched) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Sampled sampled{std::mt19937(seed)};
    const Program before = random_program(sampled, 40);
    std::map<std::string, std::vector<uint32_t>> moves;  // of each function: where its four lines are now
    for (uint32_t f = 0; f < 8; ++f) {
      uint32_t line = 0;
      for (int i = 0; i < 4; ++i) moves["f" + std::to_string(f)].push_back(line += 1 + sampled.below(50));
    }
    Program after;
    const auto went = shuffled(sampled, before, after, [&](StackFrame& each) {
      each.line = moves[each.function][each.line / 10 - 1];
      each.file = "/elsewhere/a.cpp";
      each.module = "/build/two/libapp.so";
    });
    EXPECT_EQ(partners(before, after), went) << "seed " << seed;
  }
}

TEST(SiteMatchingProperty, WithoutOneSiteTheOthersStayWhereTheyWere) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Sampled sampled{std::mt19937(seed)};
    const Program before = random_program(sampled, 30);
    const size_t gone = sampled.below(30);
    Program after;
    std::vector<int> expected;
    for (size_t i = 0; i < 30; ++i) {
      expected.push_back(i == gone ? -1 : static_cast<int>(after.sites.size()));
      if (i != gone) after.add(before.stacks[i], before.sites[i].tag);
    }
    EXPECT_EQ(partners(before, after), expected) << "seed " << seed;
  }
}

TEST(SiteMatchingProperty, EverySiteOccursOnceAndTheOtherWayRoundTheSame) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Sampled sampled{std::mt19937(seed)};
    const Program before = random_program(sampled, 1 + sampled.below(40));
    const Program after = random_program(sampled, 1 + sampled.below(40));
    std::vector<int> seen_before(before.sites.size());
    std::vector<int> seen_after(after.sites.size());
    size_t pairs = 0;
    for (const SiteMatch& match : match_sites(before.sites, after.sites)) {
      ASSERT_TRUE(match.before || match.after);
      if (match.before) ++seen_before[*match.before];
      if (match.after) ++seen_after[*match.after];
      pairs += match.before && match.after ? 1 : 0;
    }
    EXPECT_EQ(seen_before, std::vector<int>(before.sites.size(), 1)) << "seed " << seed;
    EXPECT_EQ(seen_after, std::vector<int>(after.sites.size(), 1)) << "seed " << seed;
    size_t pairs_back = 0;
    for (const SiteMatch& match : match_sites(after.sites, before.sites))
      pairs_back += match.before && match.after ? 1 : 0;
    EXPECT_EQ(pairs, pairs_back) << "seed " << seed;
  }
}

TEST(SiteMatching, OfThousandsOfCandidatesInOneFunctionIsQuick) {
  std::vector<uint32_t> lines(4000);
  for (uint32_t i = 0; i < 4000; ++i) lines[i] = i + 1;
  const Program before = at_lines(lines);
  lines.resize(3000);
  EXPECT_EQ(partners(before, at_lines(lines))[2999], 2999);
}

// --- identities ----------------------------------------------------------------------------------

TEST(SiteIdentities, MergeWhatDiffersInThreadOrAddressAlone) {
  recording::Run run = make_run({{"tag", "grow", [](size_t) { return int64_t{160}; }},
                                 {"tag", "grow", [](size_t) { return int64_t{320}; }},
                                 {"tag", "other", [](size_t) { return int64_t{320}; }}},
                                {.iterations = 5, .warm_up = 0});
  run.sites[0].thread = 1;
  const Report report = analyse(run);
  const auto identities = identities_of(run, report.growth);
  ASSERT_EQ(identities.size(), 2u);
  EXPECT_EQ(identities[0].sites, (std::vector{recording::SiteId{0}, recording::SiteId{1}}));
  ASSERT_EQ(identities[0].frames.size(), 2u) << "without malloc";
  EXPECT_EQ(identities[0].frames[0].function, "grow");
  EXPECT_EQ(identities[0].tag, "tag");
}

TEST(StableNames, AreWithoutWhatACompilerNumbers) {
  EXPECT_EQ(stable_name("f(int)::{lambda()#12}::operator()() const"),
            "f(int)::{lambda()}::operator()() const");
  EXPECT_EQ(stable_name("f(int)::$_3::operator()() const"), "f(int)::$_::operator()() const");
  EXPECT_EQ(stable_name("apply<f()::'lambda1'()>"), "apply<f()::'lambda'()>");
  EXPECT_EQ(stable_name("g.isra.0.constprop.1"), "g");
  EXPECT_EQ(stable_name("g(int) [clone .part.2] [clone .cold]"), "g(int)");
  EXPECT_EQ(stable_name("name[abi:cxx11]()"), "name()");
  EXPECT_EQ(stable_name("core::ptr::drop::h0123456789abcdef"), "core::ptr::drop");
  for (const std::string same :
       {"ns::f(int)", "a::hash::habc", "operator$_", "x.coldest", "", "#1", "v2::f#x"})
    EXPECT_EQ(stable_name(same), same);
}

TEST(StableNames, OfTheLooseKindAreWithoutArguments) {
  EXPECT_EQ(loose_name("void ns::fill<int, 3>(int)"), "ns::fill<…>");
  EXPECT_EQ(loose_name("ns::f(int)"), "ns::f");
}

}  // namespace
}  // namespace leakhunt::reports
