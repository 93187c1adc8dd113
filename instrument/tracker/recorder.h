// Recorder: everything the target writes into the recording, one record after the other, under one lock.
//
// The lock is taken on rare paths only: a call site seen for the first time, a snapshot, the end.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/append_file.h"
#include "instrument/os/masked_lock.h"
#include "instrument/os/proc_self.h"
#include "instrument/tracker/cohorts.h"
#include "instrument/tracker/freed_places.h"
#include "instrument/tracker/ledger_maker.h"
#include "instrument/tracker/snapshot.h"
#include "instrument/tracker/tags.h"
#include "instrument/tracker/unloaded_code.h"
#include "lib/recording/codec.h"
#include "lib/recording/graph_codec.h"
#include "lib/recording/sampling_codec.h"

namespace leakhunt::tracker {

class Recorder {
 public:
  MaskedLock& lock() { return lock_; }

  // Opens the recording and writes the process's start. 0, or an errno.
  struct Start {
    const char* path;
    const char* unwinder;
    uint64_t max_frames;
    uint64_t parent_pid;
    size_t first_window;
  };
  int start(const Start& start);

  // All of these: under lock(). False when the file cannot grow or memory ran out; error() tells.
  bool write_site(const Tags& tags, const recording::SiteHeader& header, const uint64_t* frames);
  bool write_snapshot(const recording::SnapshotRecord& record, uint32_t site_count, const uint64_t* tag_peaks,
                      const Tags& tags);
  bool write_cohorts(uint64_t iteration, const CohortTable& table);
  // `record` is complete.
  bool write_ledger(const recording::LedgerRecord& record, const LedgerMaker& maker);
  const AppendFile& file() const { return file_; }
  // Of the sites that have live blocks.
  bool write_freed_places(const FreedPlaces& places, const CohortTable& live);
  void write_end(recording::EndKind kind, const char* next_program);
  // Says of which modules in the recording nothing is loaded any more.
  bool write_closed_modules();
  bool write_marks(recording::MarkedBy by, const char* what, bool in_effect, const char* obstacle);
  void close_and_trim() { file_.close_and_trim(); }
  bool has_smaller_window() { return file_.has_smaller_window(); }
  bool write_thread(const recording::ThreadRecord& record);
  bool write_sampling(const recording::SamplingRecord& record);
  void write_step_aside(uint64_t iteration, int error, const char* reason,
                        recording::StepAsideKind kind = recording::StepAsideKind::kGaveUp);

  // Of a heap graph: the modules in which roots lie, the header, and what the scan has encoded
  // (heap_graph/graph_output.h).
  bool write_modules_at(const uintptr_t* addresses, size_t count);
  bool write_graph(const recording::GraphHeader& header);
  bool write_graph_output(const uint8_t* output, size_t bytes);
  const SnapshotWriter& snapshots() const { return snapshots_; }

  void write_attached(const recording::Attached& attached);

  // Lets go of the file; ready to start another one.
  void close();

  bool writes_to(int file) const { return file_.is_same(file); }
  const UnloadedCode& unloaded_code() const { return unloaded_code_; }
  int error() const { return file_.error(); }
  uint64_t elapsed_ns() const;
  // Of an earlier monotonic_ns(); 0 for one before the start.
  uint64_t since_start(uint64_t ns) const { return ns > start_ns_ ? ns - start_ns_ : 0; }

 private:
  static constexpr size_t kMaxModules = 4096;
  struct KnownModule {
    uintptr_t begin;  // 0: a free place in the list
    uintptr_t end;
    uint64_t identity;
    recording::ModuleId id;
  };

  bool write_tags(const Tags& tags);
  bool write_modules_of(const uint64_t* frames, size_t count);
  bool write_module_once(const LoadedObject& object);
  bool write_module(const LoadedObject& object, uint64_t identity);
  bool write_closed(KnownModule& module);
  KnownModule* free_place();
  bool write_start(const Start& start);
  size_t module_path(const LoadedObject& object, char* path, size_t capacity) const;

  template <typename Record>
  bool write(recording::RecordType type, const Record& record, size_t capacity);

  MaskedLock lock_;
  AppendFile file_;
  SnapshotWriter snapshots_;
  uint64_t start_ns_ = 0;
  size_t tags_written_ = 0;
  size_t module_count_ = 0;  // places of the list that were ever used
  uint32_t modules_written_ = 0;
  KnownModule modules_[kMaxModules] = {};
  UnloadedCode unloaded_code_;
};

}  // namespace leakhunt::tracker
