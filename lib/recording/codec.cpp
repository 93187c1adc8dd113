#include "lib/recording/codec.h"

namespace leakhunt::recording {

namespace {

// Plain loops instead of memcpy: the tracker must not depend on what a sanitizer makes of it.
void copy(uint8_t* to, const uint8_t* from, size_t size) {
  for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

struct Crc32cTable {
  uint32_t of[256];
  constexpr Crc32cTable() : of{} {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t value = byte;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1u) != 0 ? 0x82F63B78u : 0u);
      of[byte] = value;
    }
  }
};
constexpr Crc32cTable kCrc32c;

void put_flag(Encoder& out, bool flag) {
  put_varint(out, flag ? 1 : 0);
}

bool get_flag(Decoder& in) {
  const uint64_t value = get_varint(in);
  if (value > 1) in.failed = true;
  return value == 1;
}

template <typename Enum>
void put_enum(Encoder& out, Enum value) {
  put_varint(out, static_cast<uint64_t>(value));
}

template <typename Enum>
Enum get_enum(Decoder& in, Enum last) {
  const uint64_t value = get_varint(in);
  if (value > static_cast<uint64_t>(last)) {
    in.failed = true;
    return last;
  }
  return static_cast<Enum>(value);
}

template <typename Id>
Id get_id(Decoder& in) {
  const uint64_t value = get_varint(in);
  if (value > UINT32_MAX) in.failed = true;
  return static_cast<Id>(value);
}

}  // namespace

// --- primitives ------------------------------------------------------------------------------------------

void put_varint(Encoder& out, uint64_t value) {
  do {
    if (out.cursor == out.end) {
      out.overflowed = true;
      return;
    }
    const uint8_t low = static_cast<uint8_t>(value & 0x7F);
    value >>= 7;
    *out.cursor++ = static_cast<uint8_t>(value != 0 ? low | 0x80 : low);
  } while (value != 0);
}

// Most are one byte long. The cursor is kept in a register: through `in` every byte would store it.
uint64_t get_varint(Decoder& in) {
  const uint8_t* cursor = in.cursor;
  const uint8_t* const end = in.end;
  if (cursor != end && *cursor < 0x80) {
    in.cursor = cursor + 1;
    return *cursor;
  }
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && cursor != end; shift += 7) {
    const uint8_t byte = *cursor++;
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      in.cursor = cursor;
      return value;
    }
  }
  in.cursor = cursor;
  in.failed = true;
  return 0;
}

void put_signed(Encoder& out, int64_t value) {
  const uint64_t bits = static_cast<uint64_t>(value);
  put_varint(out, (bits << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

int64_t get_signed(Decoder& in) {
  const uint64_t bits = get_varint(in);
  return static_cast<int64_t>((bits >> 1) ^ ((bits & 1) != 0 ? UINT64_MAX : 0));
}

void put_double(Encoder& out, double value) {
  if (out.end - out.cursor < static_cast<ptrdiff_t>(sizeof value)) {
    out.overflowed = true;
    return;
  }
  copy(out.cursor, reinterpret_cast<const uint8_t*>(&value), sizeof value);
  out.cursor += sizeof value;
}

double get_double(Decoder& in) {
  double value = 0;
  if (in.end - in.cursor < static_cast<ptrdiff_t>(sizeof value)) {
    in.failed = true;
    return value;
  }
  copy(reinterpret_cast<uint8_t*>(&value), in.cursor, sizeof value);
  in.cursor += sizeof value;
  return value;
}

void put_bytes(Encoder& out, Bytes bytes) {
  put_varint(out, bytes.size);
  if (static_cast<size_t>(out.end - out.cursor) < bytes.size) {
    out.overflowed = true;
    return;
  }
  copy(out.cursor, bytes.data, bytes.size);
  out.cursor += bytes.size;
}

Bytes get_bytes(Decoder& in) {
  const uint64_t size = get_varint(in);
  if (size > static_cast<uint64_t>(in.end - in.cursor)) {
    in.failed = true;
    return {in.cursor, 0};
  }
  const Bytes bytes{in.cursor, static_cast<size_t>(size)};
  in.cursor += size;
  return bytes;
}

uint32_t crc32c(uint32_t crc, const void* data, size_t size) {
  const uint8_t* bytes = static_cast<const uint8_t*>(data);
  crc = ~crc;
  for (size_t i = 0; i < size; ++i) crc = kCrc32c.of[(crc ^ bytes[i]) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

uint32_t frame_crc(uint32_t type, uint32_t length, const void* payload) {
  uint32_t crc = crc32c(0, &type, sizeof type);
  crc = crc32c(crc, &length, sizeof length);
  return crc32c(crc, payload, length);
}

// --- records ---------------------------------------------------------------------------------------------

void encode(Encoder& out, const ProcessStart& record) {
  put_varint(out, record.pid);
  put_varint(out, record.page_size);
  put_varint(out, record.start_unix_ns);
  put_varint(out, record.max_frames);
  put_bytes(out, record.unwinder);
  put_bytes(out, record.executable);
  put_bytes(out, record.command_line);
  put_varint(out, record.parent_pid);
}

ProcessStart decode_process_start(Decoder& in) {
  ProcessStart record{};
  record.pid = get_varint(in);
  record.page_size = get_varint(in);
  record.start_unix_ns = get_varint(in);
  record.max_frames = get_varint(in);
  record.unwinder = get_bytes(in);
  record.executable = get_bytes(in);
  record.command_line = get_bytes(in);
  if (!in.failed && in.cursor != in.end) record.parent_pid = get_varint(in);
  return record;
}

void encode(Encoder& out, const ModuleRecord& record) {
  put_enum(out, record.id);
  put_varint(out, record.bias);
  put_varint(out, record.begin);
  put_varint(out, record.end - record.begin);
  put_bytes(out, record.path);
  put_bytes(out, record.build_id);
}

ModuleRecord decode_module(Decoder& in) {
  ModuleRecord record{};
  record.id = get_id<ModuleId>(in);
  record.bias = get_varint(in);
  record.begin = get_varint(in);
  record.end = record.begin + get_varint(in);
  record.path = get_bytes(in);
  record.build_id = get_bytes(in);
  return record;
}

void encode(Encoder& out, const ModuleClosed& record) {
  put_enum(out, record.id);
  put_varint(out, record.time_ns);
}

ModuleClosed decode_module_closed(Decoder& in) {
  ModuleClosed record{};
  record.id = get_id<ModuleId>(in);
  record.time_ns = get_varint(in);
  return record;
}

void encode(Encoder& out, const TagRecord& record) {
  put_enum(out, record.id);
  put_bytes(out, record.name);
}

TagRecord decode_tag(Decoder& in) {
  TagRecord record{};
  record.id = get_id<TagId>(in);
  record.name = get_bytes(in);
  return record;
}

void encode(Encoder& out, const SiteHeader& header, const uint64_t* frames) {
  put_enum(out, header.id);
  put_enum(out, header.tag);
  put_enum(out, header.kind);
  put_flag(out, header.truncated);
  put_varint(out, header.frame_count);
  uint64_t previous = 0;
  for (uint64_t i = 0; i < header.frame_count; ++i) {
    put_signed(out, static_cast<int64_t>(frames[i] - previous));
    previous = frames[i];
  }
  if (header.thread != kNoThread) put_varint(out, header.thread);
}

SiteHeader decode_site_header(Decoder& in) {
  SiteHeader header{};
  header.id = get_id<SiteId>(in);
  header.tag = get_id<TagId>(in);
  header.kind = get_enum(in, SiteKind::kNested);
  header.truncated = get_flag(in);
  header.frame_count = get_varint(in);
  if (header.frame_count > static_cast<uint64_t>(in.end - in.cursor)) in.failed = true;
  return header;
}

uint64_t decode_frame(Decoder& in, uint64_t previous) {
  return previous + static_cast<uint64_t>(get_signed(in));
}

uint32_t decode_site_thread(Decoder& in) {
  if (in.cursor == in.end) return kNoThread;
  const uint64_t thread = get_varint(in);
  if (thread > kOtherThreads) in.failed = true;
  return static_cast<uint32_t>(thread);
}

void encode_row(Encoder& out, SiteId previous, SiteId site, const Counters& counters) {
  put_varint(out, static_cast<uint32_t>(site) - static_cast<uint32_t>(previous));
  put_varint(out, counters.allocations);
  put_varint(out, counters.allocated_bytes);
  put_varint(out, counters.frees);
  put_varint(out, counters.freed_bytes);
  put_varint(out, counters.temporary_blocks);
  put_varint(out, counters.temporary_bytes);
}

SiteId decode_row(Decoder& in, SiteId previous, Counters* counters) {
  const uint64_t site = static_cast<uint64_t>(previous) + get_varint(in);
  if (site > UINT32_MAX) in.failed = true;
  counters->allocations = get_varint(in);
  counters->allocated_bytes = get_varint(in);
  counters->frees = get_varint(in);
  counters->freed_bytes = get_varint(in);
  counters->temporary_blocks = get_varint(in);
  counters->temporary_bytes = get_varint(in);
  return static_cast<SiteId>(site);
}

void encode(Encoder& out, const SnapshotRecord& record) {
  put_varint(out, record.sequence);
  put_enum(out, record.kind);
  put_flag(out, record.absolute);
  put_varint(out, record.iteration);
  put_varint(out, record.time_ns);
  put_varint(out, record.rss_bytes);
  put_varint(out, record.shared_bytes);
  put_varint(out, record.minor_faults);
  put_varint(out, record.tracker_bytes);
  put_varint(out, record.heap_peak_bytes);
  put_varint(out, record.peak_error_bytes);
  put_varint(out, record.tag_peak_count);
  put_varint(out, record.row_count);
}

SnapshotRecord decode_snapshot(Decoder& in) {
  SnapshotRecord record{};
  record.sequence = get_varint(in);
  record.kind = get_enum(in, SnapshotKind::kFinal);
  record.absolute = get_flag(in);
  record.iteration = get_varint(in);
  record.time_ns = get_varint(in);
  record.rss_bytes = get_varint(in);
  record.shared_bytes = get_varint(in);
  record.minor_faults = get_varint(in);
  record.tracker_bytes = get_varint(in);
  record.heap_peak_bytes = get_varint(in);
  record.peak_error_bytes = get_varint(in);
  record.tag_peak_count = get_varint(in);
  record.row_count = get_varint(in);
  if (record.tag_peak_count > static_cast<uint64_t>(in.end - in.cursor)) in.failed = true;
  return record;
}

void encode_tag_peak(Encoder& out, TagId tag, uint64_t peak_bytes) {
  put_enum(out, tag);
  put_varint(out, peak_bytes);
}

uint64_t decode_tag_peak(Decoder& in, TagId* tag) {
  *tag = get_id<TagId>(in);
  return get_varint(in);
}

void encode(Encoder& out, const CohortsHeader& header) {
  put_varint(out, header.iteration);
  put_flag(out, header.more);
  put_varint(out, header.row_count);
}

CohortsHeader decode_cohorts(Decoder& in) {
  CohortsHeader header{};
  header.iteration = get_varint(in);
  header.more = get_flag(in);
  header.row_count = get_varint(in);
  if (header.row_count > static_cast<uint64_t>(in.end - in.cursor)) in.failed = true;
  return header;
}

void encode_cohort_row(Encoder& out, const CohortRow& row) {
  put_enum(out, row.site);
  put_varint(out, row.birth);
  put_varint(out, row.blocks);
  put_varint(out, row.bytes);
}

CohortRow decode_cohort_row(Decoder& in) {
  CohortRow row{};
  row.site = get_id<SiteId>(in);
  row.birth = get_varint(in);
  row.blocks = get_varint(in);
  row.bytes = get_varint(in);
  return row;
}

void encode(Encoder& out, const ThreadRecord& record) {
  put_varint(out, record.number);
  put_varint(out, record.tid);
  put_varint(out, record.begin_ns);
  put_flag(out, record.ended);
  put_varint(out, record.end_ns);
  put_varint(out, record.start_routine);
  put_varint(out, record.stack_reserved);
  put_varint(out, record.stack_touched);
  put_bytes(out, record.name);
}

ThreadRecord decode_thread(Decoder& in) {
  ThreadRecord record{};
  record.number = get_varint(in);
  record.tid = get_varint(in);
  record.begin_ns = get_varint(in);
  record.ended = get_flag(in);
  record.end_ns = get_varint(in);
  record.start_routine = get_varint(in);
  record.stack_reserved = get_varint(in);
  record.stack_touched = get_varint(in);
  record.name = get_bytes(in);
  if (record.number >= kNoThread) in.failed = true;
  return record;
}

void encode(Encoder& out, const StepAside& record) {
  put_varint(out, record.iteration);
  put_varint(out, record.error);
  put_bytes(out, record.reason);
  if (record.kind != StepAsideKind::kGaveUp) put_enum(out, record.kind);
}

StepAside decode_step_aside(Decoder& in) {
  StepAside record{};
  record.iteration = get_varint(in);
  record.error = get_varint(in);
  record.reason = get_bytes(in);
  if (in.cursor != in.end) record.kind = get_enum(in, StepAsideKind::kMappingsOnly);
  return record;
}

void encode(Encoder& out, const IterationMarks& record) {
  put_enum(out, record.by);
  put_flag(out, record.in_effect);
  put_bytes(out, record.what);
  put_bytes(out, record.obstacle);
}

IterationMarks decode_iteration_marks(Decoder& in) {
  IterationMarks record{};
  record.by = get_enum(in, MarkedBy::kLines);
  record.in_effect = get_flag(in);
  record.what = get_bytes(in);
  record.obstacle = get_bytes(in);
  return record;
}

void encode(Encoder& out, const Attached& record) {
  put_varint(out, record.time_ns);
  put_varint(out, record.heap_known ? 1 : 0);
  put_varint(out, record.heap_bytes);
  put_varint(out, record.rss_bytes);
  put_varint(out, record.foreign_frees);
}

Attached decode_attached(Decoder& in) {
  Attached record{};
  record.time_ns = get_varint(in);
  record.heap_known = get_flag(in);
  record.heap_bytes = get_varint(in);
  record.rss_bytes = get_varint(in);
  record.foreign_frees = get_varint(in);
  return record;
}

void encode(Encoder& out, const ProcessEnd& record) {
  put_enum(out, record.kind);
  put_varint(out, record.time_ns);
  if (record.next_program.size != 0) put_bytes(out, record.next_program);
}

ProcessEnd decode_process_end(Decoder& in) {
  ProcessEnd record{};
  record.kind = get_enum(in, EndKind::kDetached);
  record.time_ns = get_varint(in);
  Decoder more = in;  // a field that was added; other bytes may stand there
  const Bytes next_program = get_bytes(more);
  if (in.failed || more.failed) return record;
  record.next_program = next_program;
  in = more;
  return record;
}

}  // namespace leakhunt::recording
