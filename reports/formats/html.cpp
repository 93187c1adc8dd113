// report.html: the page that npm built, with this run's data in it. One file, which needs nothing else.
#include <ostream>

#include "reports/formats/built_page.h"
#include "reports/formats/formats.h"
#include "reports/formats/page_data.h"

namespace leakhunt::reports {

void write_html(const Report& report, std::ostream& out) {
  const BuiltPage page = built_page();
  out << page.before << page_data(report) << page.after;
}

std::string_view why_no_html() {
  return why_no_page();
}

}  // namespace leakhunt::reports
