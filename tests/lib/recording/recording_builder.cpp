#include "tests/lib/recording/recording_builder.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "lib/recording/appender.h"
#include "lib/recording/codec.h"
#include "lib/recording/freed_codec.h"
#include "lib/recording/reader.h"

namespace leakhunt::recording {

namespace {

constexpr size_t kRowsPayload = 48 << 10;
constexpr uint64_t kNanosecondsPerIteration = 1'000'000;

template <typename Fields>
std::vector<uint8_t> payload_of(size_t capacity, Fields fields) {
  std::vector<uint8_t> payload(capacity);
  Encoder out{payload.data(), payload.data() + payload.size()};
  fields(out);
  if (out.overflowed) std::abort();
  payload.resize(static_cast<size_t>(out.cursor - payload.data()));
  return payload;
}

Counters minus(const Counters& a, const Counters& b) {
  return {a.allocations - b.allocations,
          a.allocated_bytes - b.allocated_bytes,
          a.frees - b.frees,
          a.freed_bytes - b.freed_bytes,
          a.temporary_blocks - b.temporary_blocks,
          a.temporary_bytes - b.temporary_bytes};
}

bool same(const Counters& a, const Counters& b) {
  return a.allocations == b.allocations && a.allocated_bytes == b.allocated_bytes && a.frees == b.frees &&
         a.freed_bytes == b.freed_bytes && a.temporary_blocks == b.temporary_blocks &&
         a.temporary_bytes == b.temporary_bytes;
}

int64_t live_bytes(const Counters& counters) {
  return static_cast<int64_t>(counters.allocated_bytes - counters.freed_bytes);
}

}  // namespace

RecordingBuilder::RecordingBuilder() {
  append_file_header(bytes_);
}

RecordingBuilder& RecordingBuilder::frame(RecordType type, const std::vector<uint8_t>& payload) {
  append_frame(bytes_, type, payload);
  return *this;
}

RecordingBuilder& RecordingBuilder::raw(const std::vector<uint8_t>& bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

RecordingBuilder& RecordingBuilder::zeros(size_t bytes) {
  bytes_.resize(bytes_.size() + bytes);
  return *this;
}

// --- the host --------------------------------------------------------------------------------------------

RecordingBuilder& RecordingBuilder::scenario(const Scenario& scenario) {
  return frame(RecordType::kScenario, encode(scenario));
}

RecordingBuilder& RecordingBuilder::budget(const Budget& budget) {
  return frame(RecordType::kBudget, encode(budget));
}

RecordingBuilder& RecordingBuilder::symbols(const Symbols& symbols) {
  append_symbols(bytes_, symbols);
  return *this;
}

RecordingBuilder& RecordingBuilder::host_samples(const std::vector<HostSample>& samples) {
  append_host_samples(bytes_, samples);
  return *this;
}

RecordingBuilder& RecordingBuilder::outcome(const Outcome& outcome) {
  return frame(RecordType::kOutcome, encode(outcome));
}

// --- the target ------------------------------------------------------------------------------------------

RecordingBuilder& RecordingBuilder::process_start(Process process) {
  tags_.clear();
  tag_live_.clear();
  tag_peak_.clear();
  tag_peak_written_.clear();
  modules_ = 0;
  sites_.clear();
  sequence_ = 0;
  last_ = {};
  heap_live_ = heap_peak_ = 0;

  if (process.unwinder.empty()) process.unwinder = "frame pointers";
  if (process.executable.empty()) process.executable = "/usr/bin/target";
  std::string command_line;
  for (const std::string& argument : process.command_line) command_line += argument + '\0';
  const ProcessStart record{process.pid,
                            process.page_size,
                            process.start_unix_ns,
                            process.max_frames,
                            bytes_of(process.unwinder),
                            bytes_of(process.executable),
                            bytes_of(command_line),
                            process.parent_pid};
  const size_t capacity = 128 + process.unwinder.size() + process.executable.size() + command_line.size();
  frame(RecordType::kProcessStart, payload_of(capacity, [&](Encoder& out) { encode(out, record); }));
  tag("heap");
  tag("mapping");
  return *this;
}

ModuleId RecordingBuilder::module(const Module& module) {
  const ModuleId id{static_cast<uint32_t>(modules_++)};
  const ModuleRecord record{
      id,         module.bias,           module.begin,
      module.end, bytes_of(module.path), {module.build_id.data(), module.build_id.size()}};
  const size_t capacity = 128 + module.path.size() + module.build_id.size();
  frame(RecordType::kModule, payload_of(capacity, [&](Encoder& out) { encode(out, record); }));
  return id;
}

RecordingBuilder& RecordingBuilder::module_closed(ModuleId id) {
  const ModuleClosed record{id, last_.time_ns};
  return frame(RecordType::kModuleClosed, payload_of(64, [&](Encoder& out) { encode(out, record); }));
}

TagId RecordingBuilder::tag(std::string_view name) {
  const auto known = std::find(tags_.begin(), tags_.end(), name);
  const TagId id{static_cast<uint32_t>(known - tags_.begin())};
  if (known != tags_.end()) return id;
  tags_.emplace_back(name);
  tag_live_.push_back(0);
  tag_peak_.push_back(0);
  tag_peak_written_.push_back(0);
  const TagRecord record{id, bytes_of(name)};
  frame(RecordType::kTag, payload_of(64 + name.size(), [&](Encoder& out) { encode(out, record); }));
  return id;
}

SiteId RecordingBuilder::site(TagId tag, const std::vector<uint64_t>& frames, SiteKind kind, bool truncated,
                              uint32_t thread) {
  const SiteId id{static_cast<uint32_t>(sites_.size())};
  sites_.push_back({tag, kind, {}, {}, {}});
  const SiteHeader header{id, tag, kind, truncated, frames.size(), thread};
  const size_t capacity = (8 + frames.size()) * kMaxVarint;
  frame(RecordType::kSite, payload_of(capacity, [&](Encoder& out) { encode(out, header, frames.data()); }));
  return id;
}

// --- counters --------------------------------------------------------------------------------------------

void RecordingBuilder::account(SiteId site, int64_t bytes) {
  const SiteState& state = sites_.at(static_cast<size_t>(site));
  const size_t tag = static_cast<size_t>(state.tag);
  tag_live_.at(tag) += bytes;
  tag_peak_[tag] = std::max(tag_peak_[tag], tag_live_[tag]);
  if (state.kind == SiteKind::kBlock) heap_live_ += bytes;
  heap_peak_ = std::max(heap_peak_, heap_live_);
}

RecordingBuilder& RecordingBuilder::allocate(SiteId site, uint64_t bytes, uint64_t blocks) {
  Counters& total = sites_.at(static_cast<size_t>(site)).total;
  total.allocations += blocks;
  total.allocated_bytes += bytes;
  account(site, static_cast<int64_t>(bytes));
  return *this;
}

RecordingBuilder& RecordingBuilder::free(SiteId site, uint64_t bytes, uint64_t blocks) {
  Counters& total = sites_.at(static_cast<size_t>(site)).total;
  total.frees += blocks;
  total.freed_bytes += bytes;
  account(site, -static_cast<int64_t>(bytes));
  return *this;
}

RecordingBuilder& RecordingBuilder::free_temporary(SiteId site, uint64_t bytes, uint64_t blocks) {
  Counters& total = sites_.at(static_cast<size_t>(site)).total;
  total.temporary_blocks += blocks;
  total.temporary_bytes += bytes;
  return free(site, bytes, blocks);
}

RecordingBuilder& RecordingBuilder::set(SiteId site, const Counters& since_start) {
  Counters& total = sites_.at(static_cast<size_t>(site)).total;
  const int64_t change = live_bytes(since_start) - live_bytes(total);
  total = since_start;
  account(site, change);
  return *this;
}

// --- snapshots -------------------------------------------------------------------------------------------

RecordingBuilder& RecordingBuilder::key_frame_distance(uint64_t distance) {
  key_frame_distance_ = distance;
  return *this;
}

uint64_t RecordingBuilder::write_rows(bool absolute) {
  uint64_t rows = 0;
  std::vector<uint8_t> payload(kRowsPayload);
  Encoder out{payload.data(), payload.data() + payload.size()};
  SiteId previous{0};
  const auto finish = [&] {
    const std::vector<uint8_t> used(payload.data(), out.cursor);
    if (!used.empty()) frame(RecordType::kSnapshotRows, used);
    out = {payload.data(), payload.data() + payload.size()};
    previous = SiteId{0};
  };
  for (size_t i = 0; i < sites_.size(); ++i) {
    SiteState& state = sites_[i];
    const Counters difference = minus(state.total, state.written);
    const bool repeats = same(difference, state.difference);
    state.written = state.total;
    state.difference = absolute ? Counters{} : difference;
    if (absolute ? same(state.total, Counters{}) : repeats) continue;
    if (static_cast<size_t>(out.end - out.cursor) < kMaxRow) finish();
    const SiteId site{static_cast<uint32_t>(i)};
    encode_row(out, previous, site, absolute ? state.total : difference);
    previous = site;
    ++rows;
  }
  finish();
  return rows;
}

// `all`: also those that did not change, for a reader that lost its way (key frames).
std::vector<uint8_t> RecordingBuilder::changed_tag_peaks(bool all, uint64_t* count) {
  *count = 0;
  return payload_of(tags_.size() * 2 * kMaxVarint, [&](Encoder& out) {
    for (size_t tag = 0; tag < tags_.size(); ++tag) {
      const bool changed = tag_peak_[tag] != tag_peak_written_[tag];
      tag_peak_written_[tag] = tag_peak_[tag];
      if (!changed && !(all && tag_peak_[tag] != 0)) continue;
      encode_tag_peak(out, TagId{static_cast<uint32_t>(tag)}, static_cast<uint64_t>(tag_peak_[tag]));
      ++*count;
    }
  });
}

RecordingBuilder& RecordingBuilder::snapshot(const Snapshot& snapshot) {
  const bool due = key_frame_distance_ != 0 && sequence_ % key_frame_distance_ == 0;
  const bool absolute = sequence_ == 0 || snapshot.kind == SnapshotKind::kFinal || due;
  SnapshotRecord record{};
  record.row_count = write_rows(absolute);
  record.sequence = sequence_++;
  record.kind = snapshot.kind;
  record.absolute = absolute;
  record.iteration = snapshot.iteration;
  record.time_ns = snapshot.time_ns;
  record.rss_bytes = snapshot.rss_bytes;
  record.shared_bytes = snapshot.shared_bytes;
  record.minor_faults = snapshot.minor_faults;
  record.tracker_bytes = snapshot.tracker_bytes;
  record.heap_peak_bytes =
      snapshot.heap_peak_bytes != 0 ? snapshot.heap_peak_bytes : static_cast<uint64_t>(heap_peak_);
  record.peak_error_bytes = snapshot.peak_error_bytes;
  const std::vector<uint8_t> peaks = changed_tag_peaks(absolute, &record.tag_peak_count);
  std::vector<uint8_t> payload = payload_of(256, [&](Encoder& out) { encode(out, record); });
  payload.insert(payload.end(), peaks.begin(), peaks.end());
  frame(RecordType::kSnapshot, payload);

  heap_peak_ = heap_live_;
  tag_peak_ = tag_live_;
  last_ = snapshot;
  return *this;
}

RecordingBuilder& RecordingBuilder::iteration(uint64_t number, uint64_t rss_bytes) {
  Snapshot next;
  next.kind = SnapshotKind::kIteration;
  next.iteration = number;
  next.time_ns = last_.time_ns + kNanosecondsPerIteration;
  next.rss_bytes = rss_bytes;
  next.shared_bytes = rss_bytes / 4;
  next.minor_faults = last_.minor_faults;
  next.tracker_bytes = 1 << 20;
  return snapshot(next);
}

RecordingBuilder& RecordingBuilder::end(EndKind kind) {
  if (sequence_ > 0) {
    Snapshot final_cut = last_;
    final_cut.iteration += last_.kind == SnapshotKind::kIteration ? 1 : 0;  // completed, not a number
    final_cut.kind = SnapshotKind::kFinal;
    final_cut.time_ns += kNanosecondsPerIteration;
    snapshot(final_cut);
  }
  const ProcessEnd record{kind, last_.time_ns};
  return frame(RecordType::kProcessEnd, payload_of(64, [&](Encoder& out) { encode(out, record); }));
}

RecordingBuilder& RecordingBuilder::cohorts(uint64_t iteration, const std::vector<Cohort>& rows,
                                            size_t rows_per_record) {
  size_t written = 0;
  do {
    const size_t count = std::min(rows_per_record, rows.size() - written);
    const CohortsHeader header{iteration, written + count < rows.size(), count};
    frame(RecordType::kCohorts, payload_of((count + 1) * kMaxCohortRow, [&](Encoder& out) {
            encode(out, header);
            for (size_t i = written; i < written + count; ++i) {
              encode_cohort_row(out, {rows[i].site, rows[i].birth, rows[i].blocks, rows[i].bytes});
            }
          }));
    written += count;
  } while (written < rows.size());
  return *this;
}

RecordingBuilder& RecordingBuilder::freed_place(SiteId site, uint64_t samples,
                                                const std::vector<uint64_t>& frames, bool first) {
  return frame(RecordType::kFreedPlace, payload_of(64 + 10 * frames.size(), [&](Encoder& out) {
                 encode(out, FreedPlaceHeader{site, first, samples, frames.size()}, frames.data());
               }));
}

RecordingBuilder& RecordingBuilder::thread(uint32_t number, const Thread& thread) {
  const ThreadRecord record{number,
                            thread.tid,
                            thread.begin_ns,
                            thread.end_ns.has_value(),
                            thread.end_ns.value_or(0),
                            thread.start_routine,
                            thread.stack_reserved,
                            thread.stack_touched,
                            bytes_of(thread.name)};
  return frame(RecordType::kThread,
               payload_of(96 + thread.name.size(), [&](Encoder& out) { encode(out, record); }));
}

RecordingBuilder& RecordingBuilder::ledger(const MemoryLedger& ledger, size_t rows_per_record) {
  for (size_t at = 0; at < ledger.entries.size();) {
    const size_t end = at + std::min(rows_per_record, ledger.entries.size() - at);
    size_t capacity = 0;
    for (size_t i = at; i < end; ++i) capacity += kMaxLedgerLine + ledger.entries[i].name.size();
    frame(RecordType::kLedgerLines, payload_of(capacity, [&](Encoder& out) {
            for (; at < end; ++at) {
              const LedgerEntry& e = ledger.entries[at];
              encode(out, LedgerLineRecord{e.kind, e.id, e.count, e.reserved_bytes, e.resident_bytes,
                                           e.dirty_bytes, bytes_of(e.name)});
            }
          }));
  }
  for (size_t at = 0; at < ledger.sites.size();) {
    const size_t end = at + std::min(rows_per_record, ledger.sites.size() - at);
    frame(RecordType::kLedgerSites, payload_of((end - at) * kMaxLedgerSite, [&](Encoder& out) {
            for (; at < end; ++at) {
              const LedgerSite& s = ledger.sites[at];
              encode(out, LedgerSiteRecord{s.site, s.count, s.reserved_bytes, s.resident_bytes});
            }
          }));
  }
  LedgerRecord record{};
  record.iteration = ledger.iteration;
  record.time_ns = ledger.time_ns;
  record.cost_ns = ledger.cost_ns;
  record.error = static_cast<uint64_t>(ledger.error);
  record.heap_examined = ledger.heap_examined;
  record.libc_heap = ledger.libc_heap;
  record.older_heap = ledger.older_heap;
  record.rss_bytes = ledger.rss_bytes;
  record.counter_rss_bytes = ledger.counter_rss_bytes;
  record.areas = ledger.areas;
  record.rounding_bytes = ledger.rounding_bytes;
  record.free_page_bytes = ledger.free_page_bytes;
  record.line_count = ledger.entries.size();
  record.site_count = ledger.sites.size();
  return frame(RecordType::kLedger, payload_of(14 * kMaxVarint, [&](Encoder& out) { encode(out, record); }));
}

RecordingBuilder& RecordingBuilder::step_aside(uint64_t iteration, int error, std::string_view reason) {
  const StepAside record{iteration, static_cast<uint64_t>(error), bytes_of(reason)};
  return frame(RecordType::kStepAside,
               payload_of(64 + reason.size(), [&](Encoder& out) { encode(out, record); }));
}

RecordingBuilder& RecordingBuilder::sampling(const SamplingRecord& record) {
  return frame(RecordType::kSampling, payload_of(8 * kMaxVarint, [&](Encoder& out) { encode(out, record); }));
}

RecordingBuilder& RecordingBuilder::iteration_marks(const Marks& marks) {
  const IterationMarks record{marks.by, marks.in_effect, bytes_of(marks.what), bytes_of(marks.obstacle)};
  return frame(RecordType::kIterationMarks, payload_of(64 + marks.what.size() + marks.obstacle.size(),
                                                       [&](Encoder& out) { encode(out, record); }));
}

RecordingBuilder& RecordingBuilder::attached(const AttachedNote& note) {
  const Attached record{note.time_ns, note.heap_bytes.has_value(), note.heap_bytes.value_or(0),
                        note.rss_bytes, note.foreign_frees};
  return frame(RecordType::kAttached, payload_of(64, [&](Encoder& out) { encode(out, record); }));
}

// --- files -----------------------------------------------------------------------------------------------

std::string temporary_path(std::string_view name) {
  const auto directory = std::filesystem::temp_directory_path();
  return directory / ("leakhunt-test-" + std::to_string(getpid()) + "-" + std::string(name));
}

void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written =
      file != nullptr && (bytes.empty() || std::fwrite(bytes.data(), bytes.size(), 1, file) == 1);
  if (!written || std::fclose(file) != 0) {
    std::perror(path.c_str());
    std::abort();
  }
}

void RecordingBuilder::write(const std::string& path) const {
  write_file(path, bytes_);
}

Run read_bytes(const std::vector<uint8_t>& bytes) {
  const std::string path = temporary_path("read_bytes.lhr");
  write_file(path, bytes);
  auto run = read_recording(path);
  std::filesystem::remove(path);
  if (!run) {
    std::fprintf(stderr, "%s\n", run.error().message.c_str());
    std::abort();
  }
  return *std::move(run);
}

Run RecordingBuilder::run() const {
  return read_bytes(bytes_);
}

}  // namespace leakhunt::recording
