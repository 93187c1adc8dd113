// The ledger's records, declared in codec.h; freestanding as codec.cpp is.
#include "lib/recording/codec.h"

namespace leakhunt::recording {

namespace {

bool get_flag(Decoder& in) {
  const uint64_t value = get_varint(in);
  if (value > 1) in.failed = true;
  return value == 1;
}

}  // namespace

void encode(Encoder& out, const LedgerLineRecord& line) {
  put_varint(out, static_cast<uint64_t>(line.kind));
  put_varint(out, line.id);
  put_varint(out, line.count);
  put_varint(out, line.reserved_bytes);
  put_varint(out, line.resident_bytes);
  put_varint(out, line.dirty_bytes);
  put_bytes(out, line.name);
}

LedgerLineRecord decode_ledger_line(Decoder& in) {
  LedgerLineRecord line{};
  const uint64_t kind = get_varint(in);
  if (kind > static_cast<uint64_t>(LedgerKind::kUnknown)) in.failed = true;
  line.kind = in.failed ? LedgerKind::kUnknown : static_cast<LedgerKind>(kind);
  line.id = get_varint(in);
  line.count = get_varint(in);
  line.reserved_bytes = get_varint(in);
  line.resident_bytes = get_varint(in);
  line.dirty_bytes = get_varint(in);
  line.name = get_bytes(in);
  if (line.id > UINT32_MAX) in.failed = true;
  return line;
}

void encode(Encoder& out, const LedgerSiteRecord& row) {
  put_varint(out, static_cast<uint64_t>(row.site));
  put_varint(out, row.count);
  put_varint(out, row.reserved_bytes);
  put_varint(out, row.resident_bytes);
}

LedgerSiteRecord decode_ledger_site(Decoder& in) {
  LedgerSiteRecord row{};
  const uint64_t site = get_varint(in);
  if (site > UINT32_MAX) in.failed = true;
  row.site = static_cast<SiteId>(site);
  row.count = get_varint(in);
  row.reserved_bytes = get_varint(in);
  row.resident_bytes = get_varint(in);
  return row;
}

void encode(Encoder& out, const LedgerRecord& record) {
  put_varint(out, record.iteration);
  put_varint(out, record.time_ns);
  put_varint(out, record.cost_ns);
  put_varint(out, record.error);
  put_varint(out, record.heap_examined ? 1 : 0);
  put_varint(out, record.libc_heap ? 1 : 0);
  put_varint(out, record.older_heap ? 1 : 0);
  put_varint(out, record.rss_bytes);
  put_varint(out, record.counter_rss_bytes);
  put_varint(out, record.areas);
  put_varint(out, record.rounding_bytes);
  put_varint(out, record.free_page_bytes);
  put_varint(out, record.line_count);
  put_varint(out, record.site_count);
}

LedgerRecord decode_ledger(Decoder& in) {
  LedgerRecord record{};
  record.iteration = get_varint(in);
  record.time_ns = get_varint(in);
  record.cost_ns = get_varint(in);
  record.error = get_varint(in);
  record.heap_examined = get_flag(in);
  record.libc_heap = get_flag(in);
  record.older_heap = get_flag(in);
  record.rss_bytes = get_varint(in);
  record.counter_rss_bytes = get_varint(in);
  record.areas = get_varint(in);
  record.rounding_bytes = get_varint(in);
  record.free_page_bytes = get_varint(in);
  record.line_count = get_varint(in);
  record.site_count = get_varint(in);
  return record;
}

}  // namespace leakhunt::recording
