#include "instrument/tracker/recorder.h"

#include <limits.h>

#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

using recording::Bytes;
using recording::Encoder;
using recording::RecordType;

namespace {

constexpr size_t kMaxCommandLine = 8192;
constexpr size_t kCohortRowsPerRecord = 1024;

size_t length(const char* text) {
  size_t size = 0;
  while (text[size] != '\0') ++size;
  return size;
}

Bytes bytes_of(const char* text, size_t size) {
  return {reinterpret_cast<const uint8_t*>(text), size};
}

Bytes bytes_of(const char* text) {
  return bytes_of(text, length(text));
}

}  // namespace

template <typename Record>
bool Recorder::write(RecordType type, const Record& record, size_t capacity) {
  uint8_t* payload = file_.reserve(capacity);
  if (payload == nullptr) return false;
  Encoder out{payload, payload + capacity};
  encode(out, record);
  file_.commit(type, static_cast<size_t>(out.cursor - payload));
  return true;
}

int Recorder::start(const char* path, const char* unwinder, uint64_t max_frames) {
  start_ns_ = monotonic_ns();
  const int error = file_.open(path);
  if (error != 0) return error;
  return write_start(unwinder, max_frames) ? 0 : file_.error();
}

bool Recorder::write_start(const char* unwinder, uint64_t max_frames) {
  char executable[PATH_MAX];
  char command_line[kMaxCommandLine];
  recording::ProcessStart record{};
  record.pid = static_cast<uint64_t>(system_call(SYS_getpid));
  record.page_size = kPage;
  record.start_unix_ns = realtime_ns();
  record.max_frames = max_frames;
  record.unwinder = bytes_of(unwinder);
  record.executable = bytes_of(executable, read_link("/proc/self/exe", executable, sizeof executable));
  record.command_line =
      bytes_of(command_line, read_small_file("/proc/self/cmdline", command_line, sizeof command_line));
  return write(RecordType::kProcessStart, record, PATH_MAX + kMaxCommandLine + 256);
}

uint64_t Recorder::elapsed_ns() const {
  return monotonic_ns() - start_ns_;
}

bool Recorder::write_tags(const Tags& tags) {
  for (; tags_written_ < tags.count(); ++tags_written_) {
    const TagId tag = static_cast<TagId>(tags_written_);
    const recording::TagRecord record{tag, bytes_of(tags.name(tag))};
    if (!write(RecordType::kTag, record, kMaxTagName + 32)) return false;
  }
  return true;
}

bool Recorder::write_site(const Tags& tags, const recording::SiteHeader& header, const uint64_t* frames) {
  if (!write_tags(tags) || !write_modules_of(frames, header.frame_count)) return false;
  const size_t capacity = (8 + header.frame_count) * recording::kMaxVarint;
  uint8_t* payload = file_.reserve(capacity);
  if (payload == nullptr) return false;
  Encoder out{payload, payload + capacity};
  encode(out, header, frames);
  file_.commit(RecordType::kSite, static_cast<size_t>(out.cursor - payload));
  return true;
}

bool Recorder::known_module(uintptr_t address) const {
  for (size_t i = module_count_; i-- > 0;) {
    if (address >= modules_[i].begin && address < modules_[i].end) return true;
  }
  return false;
}

bool Recorder::write_modules_of(const uint64_t* frames, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (known_module(frames[i]) || module_count_ == kMaxModules) continue;
    LoadedObject object{};
    if (!find_loaded_object(frames[i], &object)) continue;
    char path[PATH_MAX];
    const size_t path_bytes = module_path(object.name, path, sizeof path);
    const recording::ModuleRecord record{static_cast<recording::ModuleId>(module_count_),
                                         object.bias,
                                         object.begin,
                                         object.end,
                                         bytes_of(path, path_bytes),
                                         {object.build_id, object.build_id_bytes}};
    if (!write(RecordType::kModule, record, PATH_MAX + object.build_id_bytes + 128)) return false;
    modules_[module_count_++] = {object.begin, object.end, object.bias};
  }
  return true;
}

// The loader names the executable "" and may know a library by a relative name.
size_t Recorder::module_path(const char* name, char* path, size_t capacity) const {
  if (name[0] == '\0') return read_link("/proc/self/exe", path, capacity);
  size_t used = 0;
  if (name[0] != '/') {
    const long bytes = system_call(SYS_getcwd, path, capacity);  // counts the final NUL
    if (!is_error(bytes) && bytes > 1) {
      used = static_cast<size_t>(bytes) - 1;
      if (used < capacity && path[used - 1] != '/') path[used++] = '/';
    }
  }
  for (size_t i = 0; name[i] != '\0' && used < capacity; ++i) path[used++] = name[i];
  return used;
}

bool Recorder::write_snapshot(const recording::SnapshotRecord& record, uint32_t site_count,
                              const uint64_t* tag_peaks, const Tags& tags) {
  return write_tags(tags) && snapshots_.write(file_, record, site_count, tag_peaks, tags.count());
}

bool Recorder::write_cohorts(uint64_t iteration, const CohortTable& table) {
  size_t written = 0;
  do {
    const size_t left = table.size() - written;
    const size_t rows = left < kCohortRowsPerRecord ? left : kCohortRowsPerRecord;
    const size_t capacity = 4 * recording::kMaxVarint + rows * recording::kMaxCohortRow;
    uint8_t* payload = file_.reserve(capacity);
    if (payload == nullptr) return false;
    Encoder out{payload, payload + capacity};
    encode(out, recording::CohortsHeader{iteration, written + rows < table.size(), rows});
    for (size_t i = 0; i < rows; ++i) recording::encode_cohort_row(out, table.rows()[written + i]);
    file_.commit(RecordType::kCohorts, static_cast<size_t>(out.cursor - payload));
    written += rows;
  } while (written < table.size());
  return true;
}

void Recorder::write_step_aside(uint64_t iteration, int error, const char* reason) {
  const recording::StepAside record{iteration, static_cast<uint64_t>(error), bytes_of(reason)};
  write(RecordType::kStepAside, record, record.reason.size + 64);
}

void Recorder::write_attached(const recording::Attached& attached) {
  write(RecordType::kAttached, attached, 64);
}

void Recorder::close() {
  file_.close();
  file_ = AppendFile();
  snapshots_.clear();
  tags_written_ = 0;
  module_count_ = 0;
}

void Recorder::write_end(recording::EndKind kind) {
  write(RecordType::kProcessEnd, recording::ProcessEnd{kind, elapsed_ns()}, 64);
}

}  // namespace leakhunt::tracker
