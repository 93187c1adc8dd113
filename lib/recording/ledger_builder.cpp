#include "lib/recording/ledger_builder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/recording/host_codec.h"

namespace leakhunt::recording {

// Rows go on to the payload's end.
bool LedgerBuilder::add_lines(Decoder& in) {
  while (in.cursor != in.end) {
    const LedgerLineRecord line = decode_ledger_line(in);
    if (in.failed) return false;
    open_.entries.push_back({line.kind, line.id, line.count, line.reserved_bytes, line.resident_bytes,
                             line.dirty_bytes, std::string(view_of(line.name))});
  }
  return true;
}

bool LedgerBuilder::add_sites(Decoder& in) {
  while (in.cursor != in.end) {
    const LedgerSiteRecord row = decode_ledger_site(in);
    if (in.failed) return false;
    sites_needed_ = std::max(sites_needed_, static_cast<uint64_t>(row.site) + 1);
    open_.sites.push_back({row.site, row.count, row.reserved_bytes, row.resident_bytes});
  }
  return true;
}

bool LedgerBuilder::end(Decoder& in, std::optional<MemoryLedger>* ledger) {
  const LedgerRecord record = decode_ledger(in);
  MemoryLedger whole = std::exchange(open_, {});
  sites_needed_ = 0;
  if (in.failed || record.error > 0xFFF) return false;
  if (record.line_count != whole.entries.size() || record.site_count != whole.sites.size()) return true;
  whole.iteration = record.iteration;
  whole.time_ns = record.time_ns;
  whole.cost_ns = record.cost_ns;
  whole.error = static_cast<int>(record.error);
  whole.heap_examined = record.heap_examined;
  whole.libc_heap = record.libc_heap;
  whole.older_heap = record.older_heap;
  whole.rss_bytes = record.rss_bytes;
  whole.counter_rss_bytes = record.counter_rss_bytes;
  whole.areas = record.areas;
  whole.rounding_bytes = record.rounding_bytes;
  whole.free_page_bytes = record.free_page_bytes;
  *ledger = std::move(whole);
  return true;
}

}  // namespace leakhunt::recording
