// What holds for every format, whatever a program calls its functions.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/formats/formats.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/reader_program.h"
#include "tests/reports/written.h"

namespace leakhunt::reports {
namespace {

constexpr uint32_t kSeeds = 25;

// Every text format of every run; compressed ones are opened first.
template <typename Check>
void for_each_text(Check check) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    for (const Format& format : all_formats()) {
      if (format.binary) continue;
      SCOPED_TRACE(std::string(format.name) + " of seed " + std::to_string(seed));
      check(format, report, written(format, report));
    }
  }
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\r') || byte == 0x7F;
}

// Decodes as RFC 3629 says; the position of the first byte that is none, or npos.
size_t first_bad_utf8(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const size_t length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    if ((byte >= 0x80 && byte < 0xC2) || byte > 0xF4 || at + length > text.size()) return at;
    for (size_t i = 1; i < length; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return at;
    }
    at += length;
  }
  return std::string::npos;
}

TEST(EveryFormat, IsTheSameBytesTwice) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const recording::Run again = hostile_run(seed);
    const Report report = analyse(run);
    const Report report_again = analyse(again);
    for (const Format& format : all_formats())
      EXPECT_EQ(written(format, report), written(format, report_again)) << format.name << " of seed " << seed;
  }
}

TEST(EveryFormat, IsUtf8WithoutControlCharacters) {
  for_each_text([](const Format& format, const Report&, const std::string& text) {
    EXPECT_EQ(first_bad_utf8(text), std::string::npos);
    const auto control = std::find_if(text.begin(), text.end(), is_control);
    EXPECT_EQ(control, text.end()) << "at byte " << control - text.begin();
    EXPECT_EQ(text.find("\u0085"), std::string::npos) << "a C1 control";
    const bool markup = format.extension == "xml" || format.extension == "svg" || format.extension == "md" ||
                        format.extension == "html";
    EXPECT_FALSE(markup && text.find("<script>alert") != std::string::npos);
  });
}

TEST(EveryFormat, ThatIsJsonIsParsed) {
  for_each_text([](const Format& format, const Report&, const std::string& text) {
    if (format.extension != "json" && format.extension != "sarif") return;
    EXPECT_FALSE(nlohmann::json::parse(text, nullptr, false).is_discarded());
  });
}

TEST(EveryFormat, ThatIsXmlIsParsedByXmllint) {
  SKIP_WITHOUT("xmllint");
  for_each_text([](const Format& format, const Report&, const std::string& text) {
    if (format.extension != "xml" && format.extension != "svg") return;
    const Read read = read_with("xmllint --noout FILE", "report.xml", text);
    EXPECT_EQ(read.status, 0) << read.out;
  });
}

TEST(EveryFormat, OfAnEmptyRunIsWrittenToo) {
  const recording::Run run;
  const Report report = analyse(run);
  for (const Format& format : all_formats()) {
    SCOPED_TRACE(format.name);
    const std::string text = written(format, report);
    if (format.extension == "json" && !format.binary) {
      EXPECT_FALSE(nlohmann::json::parse(text, nullptr, false).is_discarded());
    }
  }
}

TEST(EveryFormat, OfADamagedRunIsWrittenToo) {
  recording::Run run = hostile_run(3);
  run.sites[0].series = {{5, 1, {0, 0, 3, 1'000'000, 9, 90'000'000}}};  // freed what was never seen
  run.sites[0].tag = static_cast<recording::TagId>(99);
  run.sites[0].lost = true;
  const Report report = analyse(run);
  for (const Format& format : all_formats()) EXPECT_NO_THROW(written(format, report)) << format.name;
}

TEST(EveryFormat, HasANameAndAFileOfItsOwn) {
  for (const Format& format : all_formats()) {
    EXPECT_EQ(find_format(format.name), &format);
    EXPECT_NE(format.of_run == nullptr, format.of_moment == nullptr) << format.name;
    for (const Format& other : all_formats()) {
      EXPECT_EQ(other.file_name == format.file_name, &other == &format);
    }
  }
}

}  // namespace
}  // namespace leakhunt::reports
