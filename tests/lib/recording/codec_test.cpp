#include "lib/recording/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "lib/recording/fast_crc.h"
#include "lib/recording/host_codec.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

// A buffer to encode into and decode from.
struct Buffer {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(1 << 16);
  Encoder out{bytes.data(), bytes.data() + bytes.size()};

  Decoder written() {
    EXPECT_FALSE(out.overflowed);
    return {bytes.data(), out.cursor};
  }
};

// Small numbers, large numbers and everything in between: any count of bits is equally likely.
uint64_t any_number(std::mt19937_64& random) {
  const uint64_t bits = random() % 65;
  return bits == 0 ? 0 : random() >> (64 - bits);
}

std::string any_text(std::mt19937_64& random) {
  std::string text(random() % 40, '\0');
  for (char& letter : text) letter = static_cast<char>(random());
  return text;
}

uint32_t any_id(std::mt19937_64& random) {
  return static_cast<uint32_t>(any_number(random));
}

TEST(Crc32c, AgreesWithRfc3720) {
  std::vector<uint8_t> bytes(32, 0);
  EXPECT_EQ(crc32c(0, bytes.data(), bytes.size()), 0x8A9136AAu);
  bytes.assign(32, 0xFF);
  EXPECT_EQ(crc32c(0, bytes.data(), bytes.size()), 0x62A8AB43u);
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(crc32c(0, bytes.data(), bytes.size()), 0x46DD794Eu);
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xE3069283u);
  EXPECT_EQ(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283u);
}

TEST(Crc32c, IsTheSameWhenFast) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  std::vector<uint8_t> bytes(200);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; size + begin <= bytes.size(); ++size) {
      const uint32_t start = static_cast<uint32_t>(random());
      const uint32_t expected = crc32c(start, &bytes[begin], size);
      ASSERT_EQ(fast_crc32c(start, &bytes[begin], size), expected) << seed << size;
      ASSERT_EQ(sliced_crc32c(start, &bytes[begin], size), expected) << seed << size;
    }
  }
  EXPECT_EQ(fast_frame_crc(7, 100, bytes.data()), frame_crc(7, 100, bytes.data()));
}

TEST(Varint, HoldsEveryNumberInTheFewestBytes) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const uint64_t value : {uint64_t{1} << bit, (uint64_t{1} << bit) - 1, ~uint64_t{0} >> bit}) {
      Buffer buffer;
      put_varint(buffer.out, value);
      Decoder in = buffer.written();
      const size_t bits = value == 0 ? 1 : 64 - static_cast<size_t>(__builtin_clzll(value));
      EXPECT_EQ(static_cast<size_t>(in.end - in.cursor), (bits + 6) / 7);
      EXPECT_EQ(get_varint(in), value);
      EXPECT_FALSE(in.failed);
      EXPECT_EQ(in.cursor, in.end);
    }
  }
}

TEST(Varint, FailsWhenCutOffOrLongerThan64Bits) {
  const std::vector<std::vector<uint8_t>> impossible = {
      {}, {0x80}, {0xFF, 0xFF}, std::vector<uint8_t>(10, 0xFF), std::vector<uint8_t>(20, 0x80)};
  for (const auto& bytes : impossible) {
    Decoder in{bytes.data(), bytes.data() + bytes.size()};
    EXPECT_EQ(get_varint(in), 0u);
    EXPECT_TRUE(in.failed);
  }
}

TEST(Codec, PrimitivesComeBackAsTheyWere) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 2000; ++round) {
    const int64_t number = static_cast<int64_t>(random() % 2 == 0 ? any_number(random) : ~any_number(random));
    const double real = std::ldexp(static_cast<double>(number), static_cast<int>(random() % 200) - 100);
    const std::string text = any_text(random);
    Buffer buffer;
    put_signed(buffer.out, number);
    put_double(buffer.out, real);
    put_bytes(buffer.out, bytes_of(text));
    Decoder in = buffer.written();
    EXPECT_EQ(get_signed(in), number) << seed;
    EXPECT_EQ(get_double(in), real) << seed;
    EXPECT_EQ(view_of(get_bytes(in)), text) << seed;
    EXPECT_FALSE(in.failed);
    EXPECT_EQ(in.cursor, in.end);
  }
}

TEST(Codec, AnEncoderThatIsFullSaysSoAndWritesNothingBeyond) {
  for (size_t room = 0; room < 40; ++room) {
    std::vector<uint8_t> bytes(room + 8, 0xAA);
    Encoder out{bytes.data(), bytes.data() + room};
    put_varint(out, ~uint64_t{0});
    put_double(out, 1.0);
    put_bytes(out, bytes_of("twenty-two characters!"));
    EXPECT_EQ(out.overflowed, room < 10 + 8 + 1 + 22) << room;
    EXPECT_LE(out.cursor, out.end);
    for (size_t i = room; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], 0xAA);
  }
}

TEST(Codec, RecordsOfTheTargetComeBackAsTheyWere) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(seed);
    const std::string a = any_text(random), b = any_text(random), c = any_text(random);
    Buffer buffer;
    const ProcessStart start{any_number(random), any_number(random), any_number(random), any_number(random),
                             bytes_of(a),        bytes_of(b),        bytes_of(c),        any_number(random)};
    const uint64_t begin = any_number(random) / 2;
    const ModuleRecord module{ModuleId{any_id(random)},       any_number(random), begin,
                              begin + any_number(random) / 2, bytes_of(a),        bytes_of(b)};
    const TagRecord tag{TagId{any_id(random)}, bytes_of(c)};
    const StepAside aside{any_number(random), any_number(random), bytes_of(a), StepAsideKind::kMappingsOnly};
    const ModuleClosed closed{ModuleId{any_id(random)}, any_number(random)};
    const ProcessEnd end{static_cast<EndKind>(random() % 4), any_number(random), bytes_of(b)};
    const Attached attached{any_number(random), random() % 2 == 0, any_number(random), any_number(random),
                            any_number(random)};
    const IterationMarks marks{static_cast<MarkedBy>(random() % 3), random() % 2 == 0, bytes_of(b),
                               bytes_of(c)};
    const ThreadRecord thread{any_id(random) / 2, any_number(random), any_number(random),
                              random() % 2 == 0,  any_number(random), any_number(random),
                              any_number(random), any_number(random), bytes_of(c)};
    const CohortsHeader cohorts{any_number(random), random() % 2 == 0, 0};
    const CohortRow cohort{SiteId{any_id(random)}, any_number(random), any_number(random),
                           any_number(random)};
    encode(buffer.out, start);
    encode(buffer.out, module);
    encode(buffer.out, tag);
    encode(buffer.out, aside);
    encode(buffer.out, attached);
    encode(buffer.out, thread);
    encode(buffer.out, closed);
    encode(buffer.out, marks);
    encode(buffer.out, cohorts);
    encode_cohort_row(buffer.out, cohort);
    encode(buffer.out, end);  // the last: it has a field only if bytes are left

    Decoder in = buffer.written();
    const ProcessStart start_read = decode_process_start(in);
    EXPECT_EQ(start_read.pid, start.pid);
    EXPECT_EQ(start_read.page_size, start.page_size);
    EXPECT_EQ(start_read.start_unix_ns, start.start_unix_ns);
    EXPECT_EQ(start_read.max_frames, start.max_frames);
    EXPECT_EQ(view_of(start_read.unwinder), a);
    EXPECT_EQ(view_of(start_read.executable), b);
    EXPECT_EQ(view_of(start_read.command_line), c);
    EXPECT_EQ(start_read.parent_pid, start.parent_pid);
    const ModuleRecord module_read = decode_module(in);
    EXPECT_EQ(module_read.id, module.id);
    EXPECT_EQ(module_read.bias, module.bias);
    EXPECT_EQ(module_read.begin, module.begin);
    EXPECT_EQ(module_read.end, module.end);
    EXPECT_EQ(view_of(module_read.path), a);
    EXPECT_EQ(view_of(module_read.build_id), b);
    const TagRecord tag_read = decode_tag(in);
    EXPECT_EQ(tag_read.id, tag.id);
    EXPECT_EQ(view_of(tag_read.name), c);
    const StepAside aside_read = decode_step_aside(in);
    EXPECT_EQ(aside_read.iteration, aside.iteration);
    EXPECT_EQ(aside_read.error, aside.error);
    EXPECT_EQ(view_of(aside_read.reason), a);
    EXPECT_EQ(aside_read.kind, StepAsideKind::kMappingsOnly);
    const Attached attached_read = decode_attached(in);
    EXPECT_EQ(attached_read.time_ns, attached.time_ns);
    EXPECT_EQ(attached_read.heap_known, attached.heap_known);
    EXPECT_EQ(attached_read.heap_bytes, attached.heap_bytes);
    EXPECT_EQ(attached_read.rss_bytes, attached.rss_bytes);
    EXPECT_EQ(attached_read.foreign_frees, attached.foreign_frees);
    const ThreadRecord thread_read = decode_thread(in);
    EXPECT_EQ(thread_read.number, thread.number);
    EXPECT_EQ(thread_read.tid, thread.tid);
    EXPECT_EQ(thread_read.begin_ns, thread.begin_ns);
    EXPECT_EQ(thread_read.ended, thread.ended);
    EXPECT_EQ(thread_read.end_ns, thread.end_ns);
    EXPECT_EQ(thread_read.start_routine, thread.start_routine);
    EXPECT_EQ(thread_read.stack_reserved, thread.stack_reserved);
    EXPECT_EQ(thread_read.stack_touched, thread.stack_touched);
    EXPECT_EQ(view_of(thread_read.name), c);
    const ModuleClosed closed_read = decode_module_closed(in);
    EXPECT_EQ(closed_read.id, closed.id);
    EXPECT_EQ(closed_read.time_ns, closed.time_ns);
    const IterationMarks marks_read = decode_iteration_marks(in);
    EXPECT_EQ(marks_read.by, marks.by);
    EXPECT_EQ(marks_read.in_effect, marks.in_effect);
    EXPECT_EQ(view_of(marks_read.what), b);
    EXPECT_EQ(view_of(marks_read.obstacle), c);
    const CohortsHeader cohorts_read = decode_cohorts(in);
    EXPECT_EQ(cohorts_read.iteration, cohorts.iteration);
    EXPECT_EQ(cohorts_read.more, cohorts.more);
    const CohortRow cohort_read = decode_cohort_row(in);
    EXPECT_EQ(cohort_read.site, cohort.site);
    EXPECT_EQ(cohort_read.birth, cohort.birth);
    EXPECT_EQ(cohort_read.blocks, cohort.blocks);
    EXPECT_EQ(cohort_read.bytes, cohort.bytes);
    const ProcessEnd end_read = decode_process_end(in);
    EXPECT_EQ(end_read.kind, end.kind);
    EXPECT_EQ(end_read.time_ns, end.time_ns);
    EXPECT_EQ(view_of(end_read.next_program), b);
    EXPECT_FALSE(in.failed);
    EXPECT_EQ(in.cursor, in.end);
  }
}

TEST(Codec, AStepAsideThatIsNoEndKeepsItsKind) {
  Buffer buffer;
  encode(buffer.out, StepAside{7, 0, bytes_of("own malloc"), StepAsideKind::kMappingsOnly});
  Decoder in = buffer.written();
  EXPECT_EQ(decode_step_aside(in).kind, StepAsideKind::kMappingsOnly);
  EXPECT_EQ(in.cursor, in.end);
  EXPECT_FALSE(in.failed);
}

TEST(Codec, SitesComeBackWithTheirFrames) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(seed);
    std::vector<uint64_t> frames(random() % 64);
    for (uint64_t& frame : frames) frame = any_number(random);
    const SiteHeader header{SiteId{any_id(random)},
                            TagId{any_id(random)},
                            static_cast<SiteKind>(random() % 3),
                            random() % 2 == 0,
                            frames.size(),
                            round % 3 == 0 ? kNoThread : static_cast<uint32_t>(round) % 256};
    Buffer buffer;
    encode(buffer.out, header, frames.data());
    Decoder in = buffer.written();
    const SiteHeader read = decode_site_header(in);
    EXPECT_EQ(read.id, header.id);
    EXPECT_EQ(read.tag, header.tag);
    EXPECT_EQ(read.kind, header.kind);
    EXPECT_EQ(read.truncated, header.truncated);
    ASSERT_EQ(read.frame_count, frames.size());
    uint64_t previous = 0;
    for (const uint64_t frame : frames) ASSERT_EQ(previous = decode_frame(in, previous), frame);
    EXPECT_EQ(decode_site_thread(in), header.thread);
    EXPECT_FALSE(in.failed);
    EXPECT_EQ(in.cursor, in.end);
  }
}

TEST(Codec, SnapshotsComeBackWithRowsAndPeaks) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(seed);
    const Counters counters{any_number(random), any_number(random), any_number(random),
                            any_number(random), any_number(random), any_number(random)};
    const SiteId site{any_id(random) / 2};
    const SiteId next{static_cast<uint32_t>(site) + any_id(random) / 2};
    SnapshotRecord record{};
    record.sequence = any_number(random);
    record.kind = static_cast<SnapshotKind>(random() % 4);
    record.absolute = random() % 2 == 0;
    record.iteration = any_number(random);
    record.time_ns = any_number(random);
    record.rss_bytes = any_number(random);
    record.shared_bytes = any_number(random);
    record.minor_faults = any_number(random);
    record.tracker_bytes = any_number(random);
    record.heap_peak_bytes = any_number(random);
    record.peak_error_bytes = any_number(random);
    record.tag_peak_count = 1;
    record.row_count = any_number(random);
    const uint64_t peak = any_number(random);
    const TagId tag{any_id(random)};
    Buffer buffer;
    encode_row(buffer.out, SiteId{0}, site, counters);
    encode_row(buffer.out, site, next, counters);
    encode(buffer.out, record);
    encode_tag_peak(buffer.out, tag, peak);

    Decoder in = buffer.written();
    Counters read{};
    EXPECT_EQ(decode_row(in, SiteId{0}, &read), site);
    EXPECT_EQ(read.allocations, counters.allocations);
    EXPECT_EQ(read.allocated_bytes, counters.allocated_bytes);
    EXPECT_EQ(read.frees, counters.frees);
    EXPECT_EQ(read.freed_bytes, counters.freed_bytes);
    EXPECT_EQ(read.temporary_blocks, counters.temporary_blocks);
    EXPECT_EQ(read.temporary_bytes, counters.temporary_bytes);
    EXPECT_EQ(decode_row(in, site, &read), next);
    const SnapshotRecord snapshot = decode_snapshot(in);
    EXPECT_EQ(snapshot.sequence, record.sequence);
    EXPECT_EQ(snapshot.kind, record.kind);
    EXPECT_EQ(snapshot.absolute, record.absolute);
    EXPECT_EQ(snapshot.iteration, record.iteration);
    EXPECT_EQ(snapshot.time_ns, record.time_ns);
    EXPECT_EQ(snapshot.rss_bytes, record.rss_bytes);
    EXPECT_EQ(snapshot.shared_bytes, record.shared_bytes);
    EXPECT_EQ(snapshot.minor_faults, record.minor_faults);
    EXPECT_EQ(snapshot.tracker_bytes, record.tracker_bytes);
    EXPECT_EQ(snapshot.heap_peak_bytes, record.heap_peak_bytes);
    EXPECT_EQ(snapshot.peak_error_bytes, record.peak_error_bytes);
    EXPECT_EQ(snapshot.tag_peak_count, record.tag_peak_count);
    EXPECT_EQ(snapshot.row_count, record.row_count);
    TagId tag_read{};
    EXPECT_EQ(decode_tag_peak(in, &tag_read), peak);
    EXPECT_EQ(tag_read, tag);
    EXPECT_FALSE(in.failed);
    EXPECT_EQ(in.cursor, in.end);
  }
}

TEST(Codec, CutOffAnywhereEveryRecordFails) {
  Buffer buffer;
  const uint64_t frames[] = {0x401000, 0x402000};
  encode(buffer.out, SiteHeader{SiteId{300}, TagId{2}, SiteKind::kNested, true, 2}, frames);
  for (const uint8_t* end = buffer.bytes.data(); end != buffer.out.cursor; ++end) {
    Decoder in{buffer.bytes.data(), end};
    decode_site_header(in);
    decode_frame(in, decode_frame(in, 0));
    EXPECT_TRUE(in.failed);
  }
}

}  // namespace
}  // namespace leakhunt::recording
