// LineMarks: how many lines of the target's output matched so far, as another process counts them that reads
// the output (--iteration-regex). One load for the count; nothing here counts or matches.
//
// The other process reads when it comes to it, and meanwhile the target goes on. So that a line ends its
// iteration where it was printed, whoever comes to the tracker next waits until it is counted: before_write()
// says that something is on its way, catch_up() waits for it. That costs a few microseconds a write where
// nothing else runs; in all it may cost kFreeWait_ns and a quarter of the time since the start, and lines
// that come faster are counted as they are read.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

class LineMarks {
 public:
  // `words`, on a page that the other process writes: lines that matched, reads of our output begun, reads
  // done, bytes read. Null: there are no such marks.
  void start(const uint64_t* words);

  bool expected() const { return words_ != nullptr; }
  uint64_t count() const { return load_acquire(words_[0]); }

  // The process is about to write so many bytes to this stream. Any thread.
  void before_write(int stream, size_t bytes);

  // Is there output on its way that nobody waited for yet?
  bool is_behind() const { return load_relaxed(writes_) != load_relaxed(caught_up_); }
  // Waits for it, if there is time left for that. Any thread.
  void catch_up();

  // What was printed last is on its way to who counts: a moment's patience at the end, 50 ms at most, so that
  // the last iterations do not depend on who is faster. (What stdio flushes at exit comes after us, and ends
  // no iteration.)
  void wait_for_last() const;

 private:
  static constexpr uint64_t kFreeWait_ns = 200'000'000;
  static constexpr uint64_t kLongestWait_ns = 100'000'000;
  static constexpr uint64_t kShare = 4;

  // A pipe or a terminal that the other process reads.
  struct Stream {
    uint64_t device;
    uint64_t inode;
  };

  bool leads_to_reader(int stream) const;

  const uint64_t* words_ = nullptr;
  Stream streams_[2] = {};  // 1 and 2 as they were at the start
  uint64_t start_ns_ = 0;
  uint64_t waited_ns_ = 0;
  uint64_t writes_ = 0;
  uint64_t caught_up_ = 0;  // with so many of the writes
  uint64_t due_ = 0;        // bytes read, when all is that was written
};

}  // namespace leakhunt::tracker
