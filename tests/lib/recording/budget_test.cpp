#include "lib/recording/budget.h"

#include <gtest/gtest.h>

namespace leakhunt::recording {
namespace {

TEST(ParseBytes, KnowsDecimalAndBinaryUnits) {
  const struct {
    const char* text;
    uint64_t bytes;
  } cases[] = {{"0", 0},
               {"1048576", 1048576},
               {"12B", 12},
               {"12 b", 12},
               {"5GB", 5'000'000'000},
               {"40 MB", 40'000'000},
               {"40 mb", 40'000'000},
               {"512KiB", 512 << 10},
               {"64kB", 64'000},
               {"3 MiB", 3 << 20},
               {"1.5GB", 1'500'000'000},
               {"0.5KiB", 512},
               {" 2TiB ", uint64_t{2} << 40},
               {"1TB", 1'000'000'000'000},
               {"2GiB", uint64_t{2} << 30}};
  for (const auto& [text, bytes] : cases) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(ParseBytes, RefusesEverythingElseAndNamesTheUnits) {
  for (const char* text : {"", " ", "GB", "5 apples", "-1GB", "-0", "1e3", "nan", "inf", "5GB5", "5 G B",
                           "0x10", "1,5GB", "99999999999999999999", "9999999999TiB"}) {
    const auto parsed = parse_bytes(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().find("GiB"), std::string::npos);
    EXPECT_NE(parsed.error().find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace leakhunt::recording
