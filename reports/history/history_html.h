// history_html: a history as a page for a browser.
#pragma once

#include <iosfwd>
#include <span>

#include "reports/history/history.h"

namespace leakhunt::reports {

// A page that needs nothing else: of each name what came of it, plots over its runs, and a list of them, each
// with its checks and findings. Runs of one name stand together, oldest first. Nothing where why_no_page()
// (reports/formats/built_page.h) says why.
void write_history_html(std::span<const HistoricRun> runs, std::ostream& out);

}  // namespace leakhunt::reports
