// RecordingBuilder: recordings for tests, without a target. It encodes through the target's own codec and
// writes rows as the tracker does (second differences, key frames), so a test says what happened and reads
// what was recorded.
//
//   RecordingBuilder recording;
//   recording.process_start();
//   const SiteId site = recording.site(recording.tag("tape.node"), {0x401000, 0x402000});
//   for (uint64_t i = 0; i < 100; ++i) {
//     recording.allocate(site, 64);
//     recording.iteration(i);             // one leaked block an iteration
//   }
//   recording.end();
//   const auto run = recording.run();     // or bytes(), or write("a.lhr")
//
// The tags "heap" and "mapping" are written by process_start(). Records appear in the order of the calls.
// Values that a call does not name are plausible and the same in every run of the test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/recording/host_codec.h"
#include "lib/recording/run.h"
#include "lib/recording/sampling_codec.h"

namespace leakhunt::recording {

class RecordingBuilder {
 public:
  // A file header and nothing else.
  RecordingBuilder();

  // --- records of the host; scenario and budget come first in a real file, the others last
  RecordingBuilder& scenario(const Scenario& scenario);
  RecordingBuilder& budget(const Budget& budget);
  RecordingBuilder& symbols(const Symbols& symbols);
  RecordingBuilder& host_samples(const std::vector<HostSample>& samples);
  RecordingBuilder& outcome(const Outcome& outcome);

  // --- records of the target
  // A process image; called again it is an exec: ids and counters start anew. An empty `unwinder` or
  // `executable` becomes "frame pointers" and "/usr/bin/target".
  RecordingBuilder& process_start(Process process = {});
  ModuleId module(const Module& module);
  RecordingBuilder& module_closed(ModuleId id);
  // The id of a tag, which is written when it is new.
  TagId tag(std::string_view name);
  // A new call site; frames are return addresses, innermost first.
  SiteId site(TagId tag, const std::vector<uint64_t>& frames, SiteKind kind = SiteKind::kBlock,
              bool truncated = false, uint32_t thread = kNoThread);

  // What happens between snapshots. `temporary`: of the freed blocks, those born in the same iteration.
  RecordingBuilder& allocate(SiteId site, uint64_t bytes, uint64_t blocks = 1);
  RecordingBuilder& free(SiteId site, uint64_t bytes, uint64_t blocks = 1);
  RecordingBuilder& free_temporary(SiteId site, uint64_t bytes, uint64_t blocks = 1);
  // Counters since the start, all at once.
  RecordingBuilder& set(SiteId site, const Counters& since_start);

  // A cut through all counters. kind, iteration, time_ns, rss_bytes and so on are taken as they are, but for
  // heap_peak_bytes: 0 there means what allocate() and free() reached since the snapshot before. Tag peaks
  // are always those. Key frames: the first snapshot, kFinal, and every `key_frame_distance`-th.
  RecordingBuilder& snapshot(const Snapshot& snapshot);
  // The end of an iteration, 1 ms after the snapshot before, at `rss_bytes`.
  RecordingBuilder& iteration(uint64_t number, uint64_t rss_bytes = 10'000'000);
  // Snapshots from here on: absolute every `distance` (0: only where they must be).
  RecordingBuilder& key_frame_distance(uint64_t distance);

  // Live blocks by birth, sorted by (site, birth); in several records if there are more than
  // `rows_per_record`.
  RecordingBuilder& cohorts(uint64_t iteration, const std::vector<Cohort>& rows,
                            size_t rows_per_record = 1024);
  // `first`: the table of them begins anew.
  RecordingBuilder& freed_place(SiteId site, uint64_t samples, const std::vector<uint64_t>& frames,
                                bool first);
  RecordingBuilder& thread(uint32_t number, const Thread& thread);
  // Its lines and sites go in front of it, `rows_per_record` at a time.
  RecordingBuilder& ledger(const MemoryLedger& ledger, size_t rows_per_record = SIZE_MAX);
  RecordingBuilder& attached(const AttachedNote& note);
  RecordingBuilder& sampling(const SamplingRecord& record);
  RecordingBuilder& step_aside(uint64_t iteration, int error, std::string_view reason);
  RecordingBuilder& iteration_marks(const Marks& marks);
  // A final snapshot (if there was any before) and the end of the process.
  RecordingBuilder& end(EndKind kind = EndKind::kExit);

  // --- what a real file also holds
  // `bytes` zeros, as a target leaves them that was killed. Whatever is added afterwards stands behind them.
  RecordingBuilder& zeros(size_t bytes);
  // Any record, also an impossible one. The checksum is right.
  RecordingBuilder& frame(RecordType type, const std::vector<uint8_t>& payload);
  // Bytes as they are, e.g. half a frame.
  RecordingBuilder& raw(const std::vector<uint8_t>& bytes);

  // The recording so far.
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  // The same as a file. Aborts the test's process if it cannot be written.
  void write(const std::string& path) const;
  // The same as the reader understands it, through a temporary file.
  Run run() const;

 private:
  struct SiteState {
    TagId tag;
    SiteKind kind;
    Counters total;
    Counters written;     // total at the snapshot before
    Counters difference;  // at the snapshot before
  };

  void account(SiteId site, int64_t bytes);
  uint64_t write_rows(bool absolute);  // how many
  std::vector<uint8_t> changed_tag_peaks(bool all, uint64_t* count);

  std::vector<uint8_t> bytes_;
  std::vector<std::string> tags_;
  uint64_t modules_ = 0;
  std::vector<SiteState> sites_;
  uint64_t sequence_ = 0;
  uint64_t key_frame_distance_ = 0;
  Snapshot last_;
  int64_t heap_live_ = 0;
  int64_t heap_peak_ = 0;
  std::vector<int64_t> tag_live_;
  std::vector<int64_t> tag_peak_;
  std::vector<int64_t> tag_peak_written_;
};

// A file name of the test's own in the directory for temporary files; the same for the same `name`.
std::string temporary_path(std::string_view name);

// Replaces the file at `path`.
void write_file(const std::string& path, const std::vector<uint8_t>& bytes);

// Reads bytes as a recording, through a temporary file. Aborts if the reader refuses them altogether.
Run read_bytes(const std::vector<uint8_t>& bytes);

}  // namespace leakhunt::recording
