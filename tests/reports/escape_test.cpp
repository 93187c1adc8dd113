#include "reports/formats/escape.h"

#include <random>

#include <gtest/gtest.h>

#include "reports/formats/units.h"

namespace leakhunt::reports {
namespace {

TEST(EscapeLine, MakesControlCharactersVisible) {
  EXPECT_EQ(escape_line("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(escape_line("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(escape_line(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(escape_line("\x7f"), "\\x7f");
  EXPECT_EQ(escape_line("\xc2\x9b"), "\\u{009b}");
  EXPECT_EQ(escape_line("a\u202eb"), "a\\u{202e}b");
}

TEST(EscapeLine, LeavesTextAlone) {
  EXPECT_EQ(escape_line("std::vector<int>::push_back"), "std::vector<int>::push_back");
  EXPECT_EQ(escape_line("größe 中文 😀"), "größe 中文 😀");
}

TEST(EscapeLine, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(escape_line("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(escape_line("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(escape_line("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(escape_line("\xe4\xb8"), "\\xe4\\xb8");
}

TEST(EscapeLine, OfRandomBytesIsPrintableAndStaysAsItIs) {
  std::mt19937 random(4711);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string once = escape_line(bytes);
    EXPECT_EQ(escape_line(once), once) << "seed 4711, round " << round;
    EXPECT_EQ(once.find_first_of("\n\x1b"), std::string::npos);
  }
}

TEST(Shorten, KeepsTheWidth) {
  EXPECT_EQ(shorten_middle("abcdefghij", 7), "abc…hij");
  EXPECT_EQ(shorten_middle("abc", 7), "abc");
  EXPECT_EQ(shorten_front("lib/trainer/arena.cpp:44", 12), "…rena.cpp:44");
  for (size_t width = 0; width < 12; ++width)
    EXPECT_EQ(columns(shorten_middle("äöüäöüäöüäöü", width)), width);
  for (size_t width = 0; width < 12; ++width) EXPECT_EQ(columns(shorten_front("äöüäöüäöüäöü", width)), width);
}

TEST(Units, ReadLikeAPersonWritesThem) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(9999), "9,999 B");
  EXPECT_EQ(human_bytes(12345), "12.3 kB");
  EXPECT_EQ(human_bytes(5'000'000'000), "5.00 GB");
  EXPECT_EQ(human_bytes(-12345), "-12.3 kB");
  EXPECT_EQ(human_bytes(999'999), "1.00 MB");
  EXPECT_EQ(human_slope(0), "0");
  EXPECT_EQ(human_slope(16), "+16 B");
  EXPECT_EQ(human_slope(1.6), "+1.6 B");
  EXPECT_EQ(human_slope(20'168'704), "+20.2 MB");
  EXPECT_EQ(human_slope(-3), "-3 B");
  EXPECT_EQ(human_count(-1234567), "-1,234,567");
  EXPECT_EQ(human_count(123), "123");
  EXPECT_EQ(human_number(0.1), "0.1");
  EXPECT_EQ(human_number(2), "2");
  EXPECT_EQ(human_number(2500), "2,500");
  EXPECT_EQ(human_rate(101.6), "102");
  EXPECT_EQ(human_rate(13.7), "13.7");
  EXPECT_EQ(human_duration(245), "4 min 05 s");
}

}  // namespace
}  // namespace leakhunt::reports
