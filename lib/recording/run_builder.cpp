#include "lib/recording/run_builder.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace leakhunt::recording {

namespace {

constexpr uint64_t kSmallestRecord = frame_size(1);
// Far above what a tracker writes; a limit on everything.
constexpr uint64_t kMaxTags = 4096;
constexpr uint64_t kMaxTagPeaks = uint64_t{1} << 27;  // tags times snapshots

struct Kind {
  RecordType type;
  const char* name;
  bool by_host;
};
constexpr Kind kKinds[] = {
    {RecordType::kScenario, "scenario", true},
    {RecordType::kBudget, "budget", true},
    {RecordType::kProcessStart, "process start", false},
    {RecordType::kModule, "module", false},
    {RecordType::kTag, "tag", false},
    {RecordType::kSite, "call site", false},
    {RecordType::kSnapshotRows, "snapshot rows", false},
    {RecordType::kSnapshot, "snapshot", false},
    {RecordType::kCohorts, "cohorts", false},
    {RecordType::kStepAside, "step aside", false},
    {RecordType::kProcessEnd, "process end", false},
    {RecordType::kIterationMarks, "iteration marks", false},
    {RecordType::kHostSamples, "host samples", true},
    {RecordType::kSymbols, "symbols", true},
    {RecordType::kOutcome, "outcome", true},
    {RecordType::kTornTail, "torn tail", true},
    {RecordType::kModuleClosed, "module closed", false},
    {RecordType::kLeftRunning, "left running", true},
    {RecordType::kFreedPlace, "freed place", false},
    {RecordType::kThread, "thread", false},
    {RecordType::kAttached, "attached", false},
    {RecordType::kGraph, "graph", false},
    {RecordType::kGraphSites, "graph sites", false},
    {RecordType::kGraphNodes, "graph nodes", false},
    {RecordType::kGraphEdges, "graph edges", false},
    {RecordType::kGraphEnd, "graph end", false},
    {RecordType::kDataNames, "data names", true},
    {RecordType::kLimits, "limits", true},
    {RecordType::kTwinSpeed, "twin speed", true},
    {RecordType::kCertainty, "certainty", true},
    {RecordType::kLedgerLines, "ledger lines", false},
    {RecordType::kLedgerSites, "ledger sites", false},
    {RecordType::kLedger, "ledger", false},
    {RecordType::kPacked, "packed", false},
    {RecordType::kSampling, "sampling", false},
};

Kind kind_of(RecordType type) {
  const auto found = std::ranges::find(kKinds, type, &Kind::type);
  return found != std::end(kKinds) ? *found : Kind{type, "unknown", false};
}

std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = text.find('\0');
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

// A record that replaces what was there, unless it is damaged.
template <typename Record, typename Target>
bool replace_by(Decoder& in, Target& target) {
  Record record;
  if (!decode(in, &record)) return false;
  target = std::move(record);
  return true;
}

}  // namespace

void RunBuilder::take(const Frame& frame) {
  offset_ = frame.offset;
  const Kind kind = kind_of(frame.type);
  if (frame.type != RecordType::kCohorts && !kind.by_host) {
    cohorts_open_ = false;  // the parts of a table follow one another: this one was never finished
    cohorts_damaged_ = false;
  }
  Decoder in{frame.payload.data(), frame.payload.data() + frame.payload.size()};
  if (take_payload(frame.type, in)) return;
  damage(frame.offset, frame.size, 1, fmt::format("a {} record with impossible content", kind.name));
  if (!kind.by_host) lose_track();
}

// A kind of record that is not known here is passed over: new kinds do not raise the version.
bool RunBuilder::take_payload(RecordType type, Decoder& in) {
  switch (type) {
    case RecordType::kScenario:
      return replace_by<Scenario>(in, run_.scenario);
    case RecordType::kBudget:
      return replace_by<Budget>(in, run_.budget);
    case RecordType::kLimits:
      return take_limits(in);
    case RecordType::kTwinSpeed:
      return replace_by<TwinSpeed>(in, run_.twin_speed);
    case RecordType::kCertainty:
      return replace_by<Certainty>(in, run_.certainty);
    case RecordType::kProcessStart:
      return take_process_start(in);
    case RecordType::kModule:
      return take_module(in);
    case RecordType::kTag:
      return take_tag(in);
    case RecordType::kSite:
      return take_site(in);
    case RecordType::kSnapshotRows:
      return take_rows(in);
    case RecordType::kSnapshot:
      return take_snapshot(in);
    case RecordType::kCohorts:
      return take_cohorts(in);
    case RecordType::kLedgerLines:
      return ledger_.add_lines(in);
    case RecordType::kLedgerSites:
      return take_ledger_sites(in);
    case RecordType::kLedger:
      return take_ledger(in);
    case RecordType::kFreedPlace:
      return take_freed_place(in);
    case RecordType::kThread:
      return take_thread(in);
    case RecordType::kGraph:
      return take_graph(in);
    case RecordType::kGraphSites:
      return take_graph_sites(in);
    case RecordType::kGraphNodes:
      return take_graph_nodes(in);
    case RecordType::kGraphEdges:
      return take_graph_edges(in);
    case RecordType::kGraphEnd:
      return take_graph_end(in);
    case RecordType::kDataNames:
      return replace_by<DataNames>(in, run_.data_names);
    case RecordType::kStepAside:
      return take_step_aside(in);
    case RecordType::kSampling:
      return take_sampling(in);
    case RecordType::kIterationMarks:
      return take_iteration_marks(in);
    case RecordType::kAttached:
      return take_attached(in);
    case RecordType::kProcessEnd:
      return take_process_end(in);
    case RecordType::kHostSamples:
      return take_host_samples(in);
    case RecordType::kSymbols:
      return decode(in, &run_.symbols);
    case RecordType::kOutcome:
      return replace_by<Outcome>(in, run_.outcome);
    case RecordType::kTornTail:
      return take_torn_tail(in);
    case RecordType::kModuleClosed:
      return take_module_closed(in);
    case RecordType::kLeftRunning:
      return replace_by<LeftRunning>(in, run_.left_running);
    case RecordType::kPacked:
      return false;  // the reader opens it; there is none inside of another
  }
  return true;
}

// --- damage ----------------------------------------------------------------------------------------------

void RunBuilder::note(const std::string& sentence) {
  if (settled_damage_.note.empty()) settled_damage_.note = sentence;
}

void RunBuilder::damage(uint64_t offset, uint64_t bytes, uint64_t records, std::string_view what) {
  settled_damage_.damaged_bytes += bytes;
  settled_damage_.damaged_records += records;
  lost_records_possible_ += bytes / kSmallestRecord;
  note(fmt::format("{} at byte {} ({} bytes skipped)", what, offset, bytes));
}

void RunBuilder::skipped(const Skipped& skipped) {
  if (skipped.bytes == 0) return;
  damage(skipped.offset, skipped.bytes, skipped.records, "a wrong checksum");
  lose_track();
}

void RunBuilder::lose_track() {
  lost_track_ = true;
  rows_missing_ = true;
  series_.drop_rows();
  ledger_.drop();
  cohorts_open_ = false;
  cohorts_damaged_ = true;
  open_graph_.reset();
}

void RunBuilder::settle(const Tail& tail) {
  series_.settle_all(run_.sites, static_cast<uint32_t>(run_.snapshots.size()));
  run_.damage = settled_damage_;
  run_.damage.torn_bytes += tail.torn_bytes;
  if (tail.damaged_bytes == 0) return;
  run_.damage.damaged_bytes += tail.damaged_bytes;
  run_.damage.damaged_records += tail.damaged_records;
  if (run_.damage.note.empty()) {
    run_.damage.note =
        fmt::format("a wrong checksum at byte {} ({} bytes skipped)", tail.offset, tail.damaged_bytes);
  }
}

// Ids are dense, so one that is too high means that records are missing. Skipped bytes must account for them.
bool RunBuilder::missing_ids_allowed(uint64_t missing) {
  if (missing > lost_records_possible_) return false;
  lost_records_possible_ -= missing;
  return true;
}

bool RunBuilder::reach_tags(uint64_t count) {
  if (count <= run_.tags.size()) return true;
  if (count > kMaxTags || !missing_ids_allowed(count - run_.tags.size())) return false;
  run_.tags.resize(count, Tag{"(lost)"});
  return true;
}

bool RunBuilder::reach_sites(uint64_t count) {
  if (count <= run_.sites.size()) return true;
  if (!reach_tags(1) || !missing_ids_allowed(count - run_.sites.size())) return false;
  CallSite lost;
  lost.lost = true;
  run_.sites.resize(count, lost);
  return true;
}

// --- the process -----------------------------------------------------------------------------------------

void RunBuilder::begin_image() {
  ++run_.images;
  run_.process = {};
  run_.modules.clear();
  run_.tags.clear();
  run_.sites.clear();
  run_.snapshots.clear();
  run_.tag_peaks.clear();
  run_.cohorts.clear();
  run_.ledgers.clear();
  run_.freed_places.clear();
  run_.graphs.clear();
  run_.data_names = {};
  open_graph_.reset();
  run_.threads.clear();
  run_.step_asides.clear();
  run_.sampling.clear();
  run_.marks = {};
  run_.attached.reset();
  run_.end.reset();
  run_.next_program.clear();
  module_epoch_ = 0;
  series_.clear();
  ledger_.drop();
  tag_peaks_.clear();
  next_sequence_ = 0;
  lost_track_ = false;
  rows_missing_ = false;
}

bool RunBuilder::take_process_start(Decoder& in) {
  const ProcessStart record = decode_process_start(in);
  if (in.failed) return false;
  // At exec it may have been orphaned; whose child it is was said at first.
  const uint64_t parent_pid = run_.images == 0 ? record.parent_pid : run_.process.parent_pid;
  begin_image();
  run_.process.parent_pid = parent_pid;
  run_.process.pid = record.pid;
  run_.process.page_size = record.page_size;
  run_.process.start_unix_ns = record.start_unix_ns;
  run_.process.max_frames = record.max_frames;
  run_.process.unwinder = view_of(record.unwinder);
  run_.process.executable = view_of(record.executable);
  run_.process.command_line = split_at_nul(view_of(record.command_line));
  return true;
}

bool RunBuilder::take_module(Decoder& in) {
  const ModuleRecord record = decode_module(in);
  const uint64_t id = static_cast<uint64_t>(record.id);
  const uint64_t known = run_.modules.size();
  if (in.failed || record.end < record.begin || id < known) return false;
  if (id > known && !missing_ids_allowed(id - known)) return false;
  if (module_epoch_ != 0) ++module_epoch_;  // sites before it know nothing of it
  run_.modules.resize(id + 1);
  const uint8_t* build_id = record.build_id.data;
  run_.modules.back() = {record.bias,
                         record.begin,
                         record.end,
                         std::string(view_of(record.path)),
                         std::vector<uint8_t>(build_id, build_id + record.build_id.size),
                         module_epoch_};
  return true;
}

bool RunBuilder::take_module_closed(Decoder& in) {
  const ModuleClosed record = decode_module_closed(in);
  const uint64_t id = static_cast<uint64_t>(record.id);
  if (in.failed) return false;
  if (id >= run_.modules.size()) return id - run_.modules.size() < lost_records_possible_;  // its record
  if (run_.modules[id].closed_in_epoch == UINT32_MAX) run_.modules[id].closed_in_epoch = ++module_epoch_;
  return true;
}

bool RunBuilder::take_tag(Decoder& in) {
  const TagRecord record = decode_tag(in);
  const uint64_t id = static_cast<uint64_t>(record.id);
  if (in.failed || id >= kMaxTags) return false;
  // The first tag once more, right behind damage: the start of a new image was in there.
  if (id == 0 && !run_.tags.empty() && lost_track_) begin_image();
  if (id < run_.tags.size() || !reach_tags(id)) return false;
  run_.tags.push_back({std::string(view_of(record.name))});
  return true;
}

bool RunBuilder::take_site(Decoder& in) {
  const SiteHeader header = decode_site_header(in);
  const uint64_t id = static_cast<uint64_t>(header.id);
  if (in.failed || id < run_.sites.size()) return false;
  CallSite site;
  site.tag = header.tag;
  site.kind = header.kind;
  site.truncated = header.truncated;
  site.module_epoch = module_epoch_;
  site.frames.reserve(header.frame_count);
  uint64_t frame = 0;
  for (uint64_t i = 0; i < header.frame_count; ++i) site.frames.push_back(frame = decode_frame(in, frame));
  const uint32_t thread = decode_site_thread(in);
  if (thread != kNoThread) site.thread = thread;
  if (in.failed || !reach_tags(static_cast<uint64_t>(header.tag) + 1) || !reach_sites(id)) return false;
  run_.sites.push_back(std::move(site));
  return true;
}

bool RunBuilder::take_thread(Decoder& in) {
  const ThreadRecord record = decode_thread(in);
  if (in.failed) return false;
  Thread& thread = run_.threads[static_cast<uint32_t>(record.number)];
  thread = {record.tid,           std::string(view_of(record.name)),
            record.begin_ns,      std::nullopt,
            record.start_routine, record.stack_reserved,
            record.stack_touched};
  if (record.ended) thread.end_ns = record.end_ns;
  return true;
}

bool RunBuilder::take_process_end(Decoder& in) {
  const ProcessEnd record = decode_process_end(in);
  if (in.failed) return false;
  run_.end = record.kind;
  run_.next_program = view_of(record.next_program);
  return true;
}

// --- snapshots -------------------------------------------------------------------------------------------

bool RunBuilder::take_rows(Decoder& in) {
  if (!series_.add_rows(in)) return false;
  return series_.rows().empty() || reach_sites(static_cast<uint64_t>(series_.rows().back().site) + 1);
}

bool RunBuilder::take_snapshot(Decoder& in) {
  const SnapshotRecord record = decode_snapshot(in);
  if (in.failed || record.sequence < next_sequence_ || !take_tag_peaks(in, record.tag_peak_count))
    return false;
  if (run_.snapshots.size() * run_.tags.size() > kMaxTagPeaks || run_.snapshots.size() >= UINT32_MAX)
    return false;

  if (record.sequence > next_sequence_) {
    settled_damage_.lost_snapshots += record.sequence - next_sequence_;
    note(fmt::format("snapshots {} to {} are missing in front of byte {}", next_sequence_,
                     record.sequence - 1, offset_));
    lost_track_ = true;
    rows_missing_ = true;  // and some that wait may be those of a missing snapshot
  }
  next_sequence_ = record.sequence + 1;
  const bool rows_missing = std::exchange(rows_missing_, false);
  const size_t rows = series_.rows().size();
  const bool complete = record.row_count != 0 ? rows == record.row_count : !rows_missing;
  if (!complete && !lost_track_) {
    ++settled_damage_.damaged_records;
    note(fmt::format("the snapshot at byte {} has {} rows instead of {}", offset_, rows, record.row_count));
    lost_track_ = true;
  }
  if (lost_track_ && !(record.absolute && complete)) {
    ++settled_damage_.lost_snapshots;
    series_.drop_rows();
    return true;
  }
  lost_track_ = false;
  append_snapshot(record);
  return true;
}

void RunBuilder::append_snapshot(const SnapshotRecord& record) {
  const uint32_t index = static_cast<uint32_t>(run_.snapshots.size());
  if (!record.absolute) {
    series_.apply_changes(run_.sites, index);
  } else if (const size_t disagreeing = series_.apply_key_frame(run_.sites, index); disagreeing > 0) {
    ++settled_damage_.damaged_records;
    note(fmt::format("the key frame at byte {} counts less than the snapshots before it at {} call sites",
                     offset_, disagreeing));
  }
  run_.snapshots.push_back({record.kind, record.iteration, record.time_ns, record.rss_bytes,
                            record.shared_bytes, record.minor_faults, record.tracker_bytes,
                            record.heap_peak_bytes, record.peak_error_bytes});
  run_.tag_peaks.resize(run_.tags.size());
  for (size_t tag = 0; tag < run_.tag_peaks.size(); ++tag) {
    run_.tag_peaks[tag].resize(index);  // zeros, for a tag that is new
    run_.tag_peaks[tag].push_back(tag < tag_peaks_.size() ? tag_peaks_[tag] : 0);
  }
}

bool RunBuilder::take_tag_peaks(Decoder& in, uint64_t count) {
  if (count == 0) return true;
  new_tag_peaks_ = tag_peaks_;
  for (uint64_t left = count; left > 0; --left) {
    TagId tag{};
    const uint64_t peak = decode_tag_peak(in, &tag);
    const size_t index = static_cast<size_t>(tag);
    if (in.failed || index >= kMaxTags || !reach_tags(index + 1)) return false;
    if (new_tag_peaks_.size() <= index) new_tag_peaks_.resize(index + 1);
    new_tag_peaks_[index] = peak;
  }
  tag_peaks_.swap(new_tag_peaks_);
  return true;
}

bool RunBuilder::take_ledger_sites(Decoder& in) {
  return ledger_.add_sites(in) && reach_sites(ledger_.sites_needed());
}

bool RunBuilder::take_ledger(Decoder& in) {
  std::optional<MemoryLedger> ledger;
  if (!ledger_.end(in, &ledger)) return false;
  if (!ledger || run_.snapshots.empty()) return true;
  ledger->snapshot = run_.snapshots.size() - 1;
  run_.ledgers.push_back(std::move(*ledger));
  return true;
}

// --- the host --------------------------------------------------------------------------------------------

bool RunBuilder::take_host_samples(Decoder& in) {
  HostSamplesPart part;
  if (!decode(in, &part) || (part.first != 0 && part.first != run_.host_samples.size())) return false;
  if (part.first == 0) run_.host_samples.clear();
  run_.host_samples.insert(run_.host_samples.end(), part.samples.begin(), part.samples.end());
  return true;
}

bool RunBuilder::take_limits(Decoder& in) {
  Budget budget = run_.budget;
  if (!decode_limits(in, &budget)) return false;
  run_.budget = std::move(budget);
  return true;
}

bool RunBuilder::take_torn_tail(Decoder& in) {
  TornTail record;
  if (!decode(in, &record)) return false;
  settled_damage_.torn_bytes += record.bytes;
  return true;
}

}  // namespace leakhunt::recording
