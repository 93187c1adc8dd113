// LineMarks: how many lines of the target's output matched so far, as another process counts them that reads
// the output (--iteration-regex). One load for the count; nothing here counts or matches.
//
// The other process reads when it comes to it, and meanwhile the target goes on. So that a line ends its
// iteration where it was printed, whoever comes to the tracker next waits until it is counted: before_write()
// says that something is on its way, catch_up() waits for it. That costs some ten microseconds a write; in
// all it may cost kFreeWait_ns and a quarter of the time since the start. Of lines that come faster some are
// cut together, at the next event that finds all of them counted.
//
// Where nobody waited (output of children, for one), lines are read a moment after they were printed. So what
// happened before some line was counted may have happened behind it, but not behind the lines that the next
// read of the output found.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

class LineMarks {
 public:
  // `words`, on a page that the other process writes: lines that matched, reads of our output begun, reads
  // done, bytes read, and (from word 8 on, a ring) the lines that matched when each read was done. Null:
  // there are no such marks.
  void start(const uint64_t* words);

  bool expected() const { return words_ != nullptr; }
  uint64_t count() const { return load_acquire(words_[0]); }

  // The process is about to write so many bytes to this stream. Any thread.
  void before_write(int stream, size_t bytes);

  // Is there output on its way that nobody waited for yet?
  bool is_behind() const { return load_relaxed(writes_) != load_relaxed(waited_for_); }
  // Waits for it, if there is time left for that. Any thread.
  void catch_up();

  // Has everything that this process wrote been counted? True as well when it has not been for long: better
  // late marks than none.
  bool has_caught_up();

  // Something is going to happen that iterations are told apart by.
  void note_event() {
    const uint64_t reads = load_acquire(words_[1]);
    if (reads != load_relaxed(reads_at_event_)) store_relaxed(reads_at_event_, reads);
  }
  // The most lines that had been printed when that was noted last; UINT64_MAX if nobody can tell yet.
  uint64_t most_at_last_event() const;

  // What was printed last is on its way to who counts: a moment's patience at the end, 50 ms at most, so that
  // the last iterations do not depend on who is faster. (What stdio flushes at exit comes after us, and ends
  // no iteration.)
  void wait_for_last() const;

 private:
  static constexpr uint64_t kFreeWait_ns = 200'000'000;
  static constexpr uint64_t kLongestWait_ns = 100'000'000;
  static constexpr uint64_t kShareOfWaits = 4;
  static constexpr uint64_t kTooLongBehind_ns = 100'000'000;

  // A pipe or a terminal that the other process reads.
  struct Stream {
    uint64_t device;
    uint64_t inode;
  };

  bool leads_to_reader(int stream) const;
  bool is_read_up_to(uint64_t bytes) const { return load_acquire(words_[3]) >= bytes; }
  uint64_t wait_until_read(uint64_t bytes);

  const uint64_t* words_ = nullptr;
  Stream streams_[2] = {};  // 1 and 2 as they were at the start
  uint64_t start_ns_ = 0;
  uint64_t waited_ns_ = 0;
  uint64_t writes_ = 0;
  uint64_t waited_for_ = 0;       // of the writes
  uint64_t due_ = 0;              // bytes read, when all is that was written
  uint64_t behind_since_ns_ = 0;  // 0: it is not
  uint64_t reads_at_event_ = 0;   // begun
};

}  // namespace leakhunt::tracker
