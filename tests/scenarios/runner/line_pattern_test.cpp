#include "scenarios/runner/line_pattern.h"

#include <gtest/gtest.h>

namespace leakhunt::runner {
namespace {

LineCounter counter_of(const std::string& expression) {
  auto pattern = LinePattern::compile(expression);
  EXPECT_TRUE(pattern.has_value()) << pattern.error();
  return LineCounter(std::move(*pattern));
}

TEST(LinePattern, SaysWhereAnExpressionIsWrong) {
  const auto wrong = LinePattern::compile("epoch (\\d+");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error(),
            "the regular expression \"epoch (\\d+\" is wrong at character 11: missing closing parenthesis");
}

TEST(LineCounter, CountsLinesHoweverTheyArrive) {
  const std::string output = "epoch 1\nloss 0.5\nepoch 2\r\n\nnone\nepoch 3";
  for (size_t piece = 1; piece <= output.size(); ++piece) {
    LineCounter lines = counter_of("^epoch \\d$");
    uint64_t count = 0;
    for (size_t at = 0; at < output.size(); at += piece) count += lines.feed(output.substr(at, piece));
    EXPECT_EQ(count, 2u) << "pieces of " << piece;
    EXPECT_EQ(lines.finish(), 1u);  // the last line has no end
    EXPECT_EQ(lines.finish(), 0u);
  }
}

TEST(LineCounter, TakesAReturnForTheEndOfALineButNotTwice) {
  EXPECT_EQ(counter_of("%").feed("\r10 %\r20 %\r30 %\n"), 3u);
  EXPECT_EQ(counter_of("^$").feed("\n\r\n\r"), 3u);
}

TEST(LineCounter, TakesBytesAsTheyAre) {
  EXPECT_EQ(counter_of("^a.b$").feed(std::string("a\0b\na\xff"
                                                 "b\n",
                                                 8)),
            2u);
}

TEST(LineCounter, LooksAtTheBeginningOfAVeryLongLineOnly) {
  LineCounter lines = counter_of("^x+y?$");
  EXPECT_EQ(lines.feed(std::string(5'000'000, 'x')), 0u);
  EXPECT_EQ(lines.feed("z\n"), 1u);
  EXPECT_EQ(lines.feed("xz\n"), 0u);
}

}  // namespace
}  // namespace leakhunt::runner
