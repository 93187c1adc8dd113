// LineMarks: how many lines of the target's output matched so far, as another process counts them that reads
// the output (--iteration-regex). One load for the count; nothing here counts or matches.
//
// Lines are read a moment after they were printed. So what happened before some line was counted may have
// happened behind it, but not behind the lines that the next read of the output found.
#pragma once

#include <stdint.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

class LineMarks {
 public:
  // `words`, on a page that the other process writes: lines that matched, reads of our output begun, reads
  // done, and (from word 8 on, a ring) the lines that matched when each read was done. Null: there are no
  // such marks.
  void start(const uint64_t* words) {
    *this = LineMarks{};
    words_ = words;
    reads_at_event_ = words != nullptr ? load_acquire(words[1]) : 0;
  }

  bool expected() const { return words_ != nullptr; }
  // Has everything that was printed been counted? Now and then it waits for that. True as well when it has
  // not been for long: better late marks than none. False where it does not look, which takes system calls.
  bool has_caught_up();

  uint64_t count() const { return load_acquire(words_[0]); }

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
  bool is_all_counted() const;
  bool wait_a_moment(uint64_t begun_ns);

  const uint64_t* words_ = nullptr;
  uint64_t reads_at_event_ = 0;  // begun
  uint64_t lines_seen_ = 0;      // when it looked last
  uint64_t next_look_ns_ = 0;
  uint64_t distance_ns_ = 0;      // between two looks
  uint64_t first_behind_ns_ = 0;  // 0: it never was
  uint64_t behind_since_ns_ = 0;  // 0: it is not
  uint64_t waited_ns_ = 0;
  uint64_t next_wait_ns_ = 0;  // of the program's own time since it was first behind
};

}  // namespace leakhunt::tracker
