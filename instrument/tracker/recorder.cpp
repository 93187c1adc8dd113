#include "instrument/tracker/recorder.h"

#include <limits.h>
#include <sys/auxv.h>

#include "instrument/heap_graph/graph_output.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/small_file.h"
#include "instrument/os/system_call.h"
#include "lib/recording/freed_codec.h"

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

int Recorder::start(const Start& start) {
  start_ns_ = monotonic_ns();
  const int error = file_.open(start.path, start.first_window);
  if (error != 0) return error;
  return write_start(start) ? 0 : file_.error();
}

bool Recorder::write_start(const Start& start) {
  char executable[PATH_MAX];
  char command_line[kMaxCommandLine];
  recording::ProcessStart record{};
  record.pid = static_cast<uint64_t>(system_call(SYS_getpid));
  record.page_size = kPage;
  record.start_unix_ns = realtime_ns();
  record.max_frames = start.max_frames;
  record.unwinder = bytes_of(start.unwinder);
  record.executable = bytes_of(executable, read_link("/proc/self/exe", executable, sizeof executable));
  record.command_line =
      bytes_of(command_line, read_small_file("/proc/self/cmdline", command_line, sizeof command_line));
  record.parent_pid = start.parent_pid;
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

bool Recorder::write_modules_of(const uint64_t* frames, size_t count) {
  LoadedObject object{};
  for (size_t i = 0; i < count; ++i) {
    // A return address may be the first of what follows its module; the call before it is inside.
    const uintptr_t call = frames[i] - 1;
    if (call >= object.begin && call < object.end) continue;  // as the frame before
    object = LoadedObject{};
    if (find_loaded_object(call, &object) && !write_module_once(object)) return false;
  }
  return true;
}

// Who is in the list under the same place may have been unloaded unseen, by libc itself: what is loaded now
// counts.
bool Recorder::write_module_once(const LoadedObject& object) {
  const uint64_t identity = identity_of(object);
  for (size_t i = 0; i < module_count_; ++i) {
    if (modules_[i].identity == identity) return true;
  }
  for (size_t i = 0; i < module_count_; ++i) {
    KnownModule& other = modules_[i];
    const bool in_its_place = other.begin < object.end && object.begin < other.end;
    if (in_its_place && !write_closed(other)) return false;
  }
  return write_module(object, identity);
}

Recorder::KnownModule* Recorder::free_place() {
  for (size_t i = 0; i < module_count_; ++i) {
    if (modules_[i].begin == 0) return &modules_[i];
  }
  return module_count_ < kMaxModules ? &modules_[module_count_++] : nullptr;
}

bool Recorder::write_module(const LoadedObject& object, uint64_t identity) {
  KnownModule* place = free_place();
  if (place == nullptr) return true;
  char path[PATH_MAX];
  const size_t path_bytes = module_path(object, path, sizeof path);
  const recording::ModuleId id{modules_written_};
  const recording::ModuleRecord record{id,
                                       object.bias,
                                       object.begin,
                                       object.end,
                                       bytes_of(path, path_bytes),
                                       {object.build_id, object.build_id_bytes}};
  if (!write(RecordType::kModule, record, PATH_MAX + object.build_id_bytes + 128)) return false;
  *place = {object.begin, object.end, identity, id};
  ++modules_written_;
  return true;
}

bool Recorder::write_closed(KnownModule& module) {
  if (!write(RecordType::kModuleClosed, recording::ModuleClosed{module.id, elapsed_ns()}, 64)) return false;
  unloaded_code_.add(module.begin, module.end, module.identity);
  module = {};
  return true;
}

bool Recorder::write_closed_modules() {
  for (size_t i = 0; i < module_count_; ++i) {
    KnownModule& module = modules_[i];
    if (module.begin == 0) continue;
    LoadedObject object{};
    const bool still_there =
        find_loaded_object(module.begin, &object) && identity_of(object) == module.identity;
    if (!still_there && !write_closed(module)) return false;
  }
  return true;
}

// The loader names the executable "" and may know a library by a relative name. The kernel's code is in no
// file.
size_t Recorder::module_path(const LoadedObject& object, char* path, size_t capacity) const {
  const char* name = object.begin == getauxval(AT_SYSINFO_EHDR) ? "[vdso]" : object.name;
  const bool in_no_file = name[0] == '[';
  if (name[0] == '\0') return read_link("/proc/self/exe", path, capacity);
  size_t used = 0;
  if (name[0] != '/' && !in_no_file) {
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

bool Recorder::write_freed_places(const FreedPlaces& places, const CohortTable& live) {
  bool first = true;
  for (size_t i = 0; i < FreedPlaces::kSlots; ++i) {
    const FreedPlace* place = places.slot(i);
    if (place == nullptr || !live.has(place->site)) continue;
    if (!write_modules_of(place->frames, place->frame_count)) return false;
    const size_t capacity = (4 + place->frame_count) * recording::kMaxVarint;
    uint8_t* payload = file_.reserve(capacity);
    if (payload == nullptr) return false;
    Encoder out{payload, payload + capacity};
    encode(out, recording::FreedPlaceHeader{place->site, first, place->samples, place->frame_count},
           place->frames);
    file_.commit(RecordType::kFreedPlace, static_cast<size_t>(out.cursor - payload));
    first = false;
  }
  return true;
}

bool Recorder::write_thread(const recording::ThreadRecord& record) {
  if (record.start_routine != 0 && !write_modules_of(&record.start_routine, 1)) return false;
  return write(RecordType::kThread, record, 9 * recording::kMaxVarint + record.name.size);
}

void Recorder::write_step_aside(uint64_t iteration, int error, const char* reason,
                                recording::StepAsideKind kind) {
  const recording::StepAside record{iteration, static_cast<uint64_t>(error), bytes_of(reason), kind};
  write(RecordType::kStepAside, record, record.reason.size + 64);
}

bool Recorder::write_marks(recording::MarkedBy by, const char* what, bool in_effect, const char* obstacle) {
  const recording::IterationMarks record{by, in_effect, bytes_of(what), bytes_of(obstacle)};
  return write(RecordType::kIterationMarks, record, record.what.size + record.obstacle.size + 64);
}

void Recorder::write_end(recording::EndKind kind, const char* next_program) {
  const size_t size = length(next_program);
  const recording::ProcessEnd record{kind, elapsed_ns(),
                                     bytes_of(next_program, size < PATH_MAX ? size : PATH_MAX)};
  write(RecordType::kProcessEnd, record, record.next_program.size + 64);
}

bool Recorder::write_modules_at(const uintptr_t* addresses, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    LoadedObject object{};
    if (find_loaded_object(addresses[i], &object) && !write_module_once(object)) return false;
  }
  return true;
}

bool Recorder::write_graph(const recording::GraphHeader& header) {
  return write(RecordType::kGraph, header, header.obstacle.size + 10 * recording::kMaxVarint);
}

bool Recorder::write_graph_output(const uint8_t* output, size_t bytes) {
  const uint8_t* const end = output + bytes;
  while (output < end) {
    const OutputRecord* record = reinterpret_cast<const OutputRecord*>(output);
    uint8_t* payload = file_.reserve(record->bytes);
    if (payload == nullptr) return false;
    const uint8_t* from = output + sizeof *record;
    for (size_t i = 0; i < record->bytes; ++i) payload[i] = from[i];
    file_.commit(static_cast<RecordType>(record->type), record->bytes);
    output = from + (record->bytes + 7) / 8 * 8;
  }
  return true;
}

void Recorder::write_attached(const recording::Attached& attached) {
  write(RecordType::kAttached, attached, 64);
}

void Recorder::close() {
  file_.close();
  file_ = AppendFile();
  snapshots_.clear();
  tags_written_ = 0;
  for (size_t i = 0; i < module_count_; ++i) modules_[i] = {};
  module_count_ = 0;
  modules_written_ = 0;
  unloaded_code_ = {};
}

}  // namespace leakhunt::tracker
