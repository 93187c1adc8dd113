// LineMarks: how many lines of the target's output matched so far, as another process counts them that reads
// the output (--iteration-regex). One load for the count; nothing here counts or matches.
#pragma once

#include <stdint.h>

#include "instrument/os/atomics.h"

namespace leakhunt::tracker {

class LineMarks {
 public:
  // `words`, on a page that the other process writes: lines that matched, reads of our output begun, reads
  // done. Null: there are no such marks.
  void start(const uint64_t* words) { words_ = words; }

  bool expected() const { return words_ != nullptr; }
  uint64_t count() const { return load_acquire(words_[0]); }

  // What was printed last is on its way to who counts: a moment's patience at the end, 50 ms at most, so that
  // the last iterations do not depend on who is faster. (What stdio flushes at exit comes after us, and ends
  // no iteration.)
  void wait_for_last() const;

 private:
  const uint64_t* words_ = nullptr;
};

}  // namespace leakhunt::tracker
