// Recorder: everything the target writes into the recording, one record after the other, under one lock.
//
// The lock is taken on rare paths only: a call site seen for the first time, a snapshot, the end.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/append_file.h"
#include "instrument/os/atomics.h"
#include "instrument/tracker/cohorts.h"
#include "instrument/tracker/snapshot.h"
#include "instrument/tracker/tags.h"
#include "lib/recording/codec.h"

namespace leakhunt::tracker {

class Recorder {
 public:
  SpinLock& lock() { return lock_; }

  // Opens the recording and writes the process's start. 0, or an errno.
  int start(const char* path, const char* unwinder, uint64_t max_frames);

  // All of these: under lock(). False when the file cannot grow or memory ran out; error() tells.
  bool write_site(const Tags& tags, const recording::SiteHeader& header, const uint64_t* frames);
  bool write_snapshot(const recording::SnapshotRecord& record, uint32_t site_count, const uint64_t* tag_peaks,
                      const Tags& tags);
  bool write_cohorts(uint64_t iteration, const CohortTable& table);
  void write_step_aside(uint64_t iteration, int error, const char* reason);
  void write_attached(const recording::Attached& attached);
  void write_end(recording::EndKind kind);

  // Lets go of the file; ready to start another one.
  void close();

  bool writes_to(int file) const { return file_.is_same(file); }
  int error() const { return file_.error(); }
  uint64_t elapsed_ns() const;

 private:
  static constexpr size_t kMaxModules = 4096;
  struct KnownModule {
    uintptr_t begin;
    uintptr_t end;
    uintptr_t bias;
  };

  bool write_tags(const Tags& tags);
  bool write_modules_of(const uint64_t* frames, size_t count);
  bool known_module(uintptr_t address) const;
  bool write_start(const char* unwinder, uint64_t max_frames);
  size_t module_path(const char* name, char* path, size_t capacity) const;

  template <typename Record>
  bool write(recording::RecordType type, const Record& record, size_t capacity);

  SpinLock lock_;
  AppendFile file_;
  SnapshotWriter snapshots_;
  uint64_t start_ns_ = 0;
  size_t tags_written_ = 0;
  size_t module_count_ = 0;
  KnownModule modules_[kMaxModules] = {};
};

}  // namespace leakhunt::tracker
