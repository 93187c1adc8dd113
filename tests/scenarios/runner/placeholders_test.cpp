#include "scenarios/runner/placeholders.h"

#include <gtest/gtest.h>

namespace leakhunt::runner {
namespace {

std::string filled(std::string_view text) {
  Placeholders placeholders;
  placeholders.define("a", "1");
  placeholders.define("two_2", "{a}");
  return placeholders.fill(text).value_or("unknown");
}

TEST(Placeholders, AreReplacedWhereverTheyStandAndOnlyOnce) {
  EXPECT_EQ(filled(""), "");
  EXPECT_EQ(filled("{a}"), "1");
  EXPECT_EQ(filled("--x={a},{a}."), "--x=1,1.");
  EXPECT_EQ(filled("{two_2}"), "{a}");
}

TEST(Placeholders, OtherBracesAreLeftAlone) {
  for (const char* text : {"{", "}", "{}", "{{", "{ a }", "{\"a\": {}}", "{a", "{2}", "{a-b}", "${}"}) {
    EXPECT_EQ(filled(text), text);
  }
}

TEST(Placeholders, DoubleBracesKeepTheWord) {
  EXPECT_EQ(filled("{{a}}"), "{a}");
  EXPECT_EQ(filled("${{HOME}}/{a}"), "${HOME}/1");
  EXPECT_EQ(filled("{{{a}}}"), "{{a}}");
  EXPECT_EQ(filled("{{a}"), "{1");
}

TEST(Placeholders, AnUnknownNameIsTheError) {
  Placeholders placeholders;
  placeholders.define("a", "1");
  const auto result = placeholders.fill("{a} {b} {c}");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), "b");
  EXPECT_EQ(placeholders.used(), (std::set<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace leakhunt::runner
