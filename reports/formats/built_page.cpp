#include "reports/formats/built_page.h"

// The file as it is; LEAKHUNT_PAGE is its path. cmake/html_page.cmake makes it.
asm(R"(
  .section .rodata
  .global leakhunt_page_begin
  .global leakhunt_page_end
leakhunt_page_begin:
  .incbin ")" LEAKHUNT_PAGE R"("
leakhunt_page_end:
  .byte 0
  .previous
)");
extern "C" {
extern const char leakhunt_page_begin[];
extern const char leakhunt_page_end[];
}

namespace leakhunt::reports {

namespace {

constexpr std::string_view kPlace = "@LEAKHUNT_DATA@";

// What stands in the file instead of a page, and then why.
constexpr std::string_view kMissing = "missing: ";

std::string_view file() {
  return {leakhunt_page_begin, static_cast<size_t>(leakhunt_page_end - leakhunt_page_begin)};
}

}  // namespace

BuiltPage built_page() {
  const std::string_view page = file();
  const size_t place = page.find(kPlace);
  if (place == std::string_view::npos) return {};
  return {page.substr(0, place), page.substr(place + kPlace.size())};
}

std::string_view why_no_page() {
  std::string_view page = file();
  if (!page.starts_with(kMissing)) return {};
  page.remove_prefix(kMissing.size());
  while (page.ends_with('\n')) page.remove_suffix(1);
  return page;
}

}  // namespace leakhunt::reports
