// built_page: the page that npm built from reports/formats/html, which is part of this program.
#pragma once

#include <string_view>

namespace leakhunt::reports {

// The data stands between the two.
struct BuiltPage {
  std::string_view before;
  std::string_view after;
};

BuiltPage built_page();

// Why this program has no page, as a sentence with the mend; empty when it has one.
std::string_view why_no_page();

}  // namespace leakhunt::reports
