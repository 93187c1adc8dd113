// The bars of the growth verdict, on series whose truth is known: no innocent accused, no leak missed, the
// class right for 98 %. `leakhunt confusion` prints the same table, with more series and other seeds.
#include "reports/synthetic/confusion.h"

#include <sstream>

#include <gtest/gtest.h>

#include "reports/synthetic/early.h"

namespace leakhunt::reports::synthetic {
namespace {

std::string text_of(const Confusion& confusion) {
  std::ostringstream out;
  write_confusion(confusion, "family", out);
  return out.str();
}

TEST(Confusion, TheTextbookMeetsEveryBar) {
  const Confusion confusion = judge_family(textbook(), 50, 1);
  EXPECT_GE(confusion.series, 1500u);
  EXPECT_GE(2 * (confusion.series - confusion.leaks), confusion.series) << "half are innocent";
  EXPECT_TRUE(confusion.bars_are_met()) << text_of(confusion);
}

TEST(Confusion, TheHeldOutFieldMeetsEveryBar) {
  const Confusion confusion = judge_family(field(), 50, 1);
  EXPECT_GE(confusion.series, 1200u);
  EXPECT_TRUE(confusion.bars_are_met()) << text_of(confusion);
}

TEST(Confusion, IntervalsHoldTheTrueSlope) {
  const Confusion confusion = judge_family(field(), 20, 77);
  EXPECT_GE(confusion.slopes_in_interval * 100, confusion.slopes * 97) << text_of(confusion);
}

TEST(Confusion, OneSeedIsOneSeries) {
  const Recipe& recipe = textbook().at(9);
  EXPECT_EQ(make_series(recipe, 5).bytes, make_series(recipe, 5).bytes);
  EXPECT_NE(make_series(recipe, 5).bytes, make_series(recipe, 6).bytes);
}

// A judge that is wrong must not pass: the leak is called innocent, the innocent a leak.
TEST(Confusion, SeesAccusationsAndMisses) {
  const auto leak_called_flat = [](Model& model) { model.play([&](size_t) { model.add(16); }); };
  const auto flat_called_leak = [](Model& model) {
    model.play([](size_t) {});
    model.leaks(16, 1);
  };
  const Confusion accused = judge_family({{"innocent, it says", 10'000, 10'000, leak_called_flat}}, 3, 1);
  EXPECT_EQ(accused.accused, 3u);
  EXPECT_FALSE(accused.bars_are_met());
  EXPECT_NE(text_of(accused).find("ACCUSED"), std::string::npos);
  const Confusion missed = judge_family({{"leak, it says", 10'000, 10'000, flat_called_leak}}, 3, 1);
  EXPECT_EQ(missed.missed, 3u);
  EXPECT_FALSE(missed.bars_are_met());
  const Confusion open = judge_family({{"leak, it says", 100, 100,
                                        [](Model& m) {
                                          m.play([](size_t) {});
                                          m.leaks(1, 1);
                                        }}},
                                      3, 1);
  EXPECT_EQ(open.missed, 0u);
}

std::string text_of(const EarlyVerdicts& verdicts) {
  std::ostringstream out;
  write_early(verdicts, "family", out);
  return out.str();
}

TEST(Early, VerdictsBeforeTheEndAreThoseOfTheWhole) {
  for (const auto* family : {&textbook(), &field()}) {
    const EarlyVerdicts verdicts = judge_early(*family, 12, 1, 0.99);
    EXPECT_GE(verdicts.certain() * 3, verdicts.series) << text_of(verdicts);
    EXPECT_TRUE(verdicts.bars_are_met()) << text_of(verdicts);
  }
}

// Growth that stops right behind the look, and growth that only begins there.
TEST(Early, SeesVerdictsThatChange) {
  const auto stops = [](Model& model) {
    model.play([&](size_t i) { model.add(16, i < model.length * 96 / 100 ? 1 : 0); });
  };
  const EarlyVerdicts accused = judge_early({{"stops late", 5000, 5000, stops}}, 3, 1, 0.99);
  EXPECT_EQ(accused.accused, 3u);
  EXPECT_FALSE(accused.bars_are_met());
  const auto begins = [](Model& model) {
    const size_t begin = model.warm_up + (model.length - model.warm_up) * 92 / 100;
    model.play([&](size_t i) { model.add(16, i < begin ? 0 : 1); });
    model.leaks(16, 1);
  };
  const EarlyVerdicts overlooked = judge_early({{"begins late", 9000, 9000, begins}}, 3, 1, 0.99);
  EXPECT_EQ(overlooked.not_growing, 3u);
  EXPECT_EQ(overlooked.agreeing, 0u);
  EXPECT_FALSE(overlooked.bars_are_met());
}

}  // namespace
}  // namespace leakhunt::reports::synthetic
