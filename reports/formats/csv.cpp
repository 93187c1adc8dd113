// report.csv: a row a call site, all kinds, for spreadsheets and data frames. RFC 4180.
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/profile.h"

namespace leakhunt::reports {

namespace {

// In quotes where needed. A spreadsheet takes a cell that begins with one of =+-@ for a formula, whoever
// named the function that stands there.
std::string cell(std::string text) {
  if (!text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos)
    text.insert(0, "'");
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string stack_text(FrameSpan frames) {
  std::string text;
  for (const StackFrame& frame : frames) text += (text.empty() ? "" : " < ") + function_label(frame);
  return text;
}

void write_row(const Report& report, const ProfileRow& row, std::ostream& out) {
  const auto index = static_cast<size_t>(row.site);
  const recording::CallSite& site = report.run->sites[index];
  const SiteGrowth& growth = report.growth.sites[index];
  const FrameSpan frames = stack_of(report, row.site);
  const bool has_source = !frames.empty() && !frames.front().file.empty();
  const recording::Counters& c = row.counters;
  out << fmt::format("{},{},{},{},{},", cell(tag_label(report, site.tag)), kind_label(site.kind),
                     cell(frames.empty() ? std::string() : function_label(frames.front())),
                     has_source ? cell(file_label(frames.front())) : "",
                     has_source ? std::to_string(frames.front().line) : "");
  out << fmt::format("{},{},{},{},{},{},{},{},", row.bytes, row.blocks, c.allocations, c.allocated_bytes,
                     c.frees, c.freed_bytes, c.temporary_blocks, c.temporary_bytes);
  out << fmt::format("{},{},{}\r\n", growth.growth.bytes_per_step, to_string(growth.growth.kind),
                     cell(stack_text(frames)));
}

}  // namespace

void write_csv(const Report& report, const Moment& moment, std::ostream& out) {
  out << "tag,kind,function,file,line,live_bytes,live_blocks,allocations,allocated_bytes,frees,freed_bytes,"
         "temporary_blocks,temporary_bytes,growth_bytes_per_"
      << step_label(report) << ",trend,stack\r\n";
  for (const ProfileRow& row : make_profile(report, moment, ProfiledKinds::kAll).rows)
    write_row(report, row, out);
}

}  // namespace leakhunt::reports
