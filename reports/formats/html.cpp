// report.html: the page that npm built, with this run's data in it. One file, which needs nothing else.
#include "reports/formats/built_page.h"
#include "reports/formats/formats.h"
#include "reports/formats/page_data.h"
#include "reports/formats/page_parts.h"

namespace leakhunt::reports {

void write_html(const Report& report, std::ostream& out) {
  write_page(page_data(report), out);
}

std::string_view why_no_html() {
  return why_no_page();
}

}  // namespace leakhunt::reports
