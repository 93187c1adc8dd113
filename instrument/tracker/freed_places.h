// FreedPlaces: where the blocks of a call site are freed, by a sample of the frees, so that a report can show
// where the siblings of a leaked block go. Exact are the numbers of frees (counter_rows.h); this is only the
// where.
//
// Thread-safety: note() may be called by any thread, waits for nobody, and rather loses a sample; the others
// under the recorder's lock.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::Counters;
using recording::SiteId;

// Is this free, which is counted in the thread's row of the site, one to look at? One in 64, of sites of
// which this thread does not free as much as it takes: what is always freed leaks nothing.
inline bool is_worth_a_look(const Counters& row) {
  constexpr uint64_t kBetweenLooks = 64;
  constexpr uint64_t kFirst = 4;
  constexpr uint64_t kBalanced = 3;  // blocks more or less
  return (row.frees % kBetweenLooks) == kFirst && row.allocations - row.frees + kBalanced > 2 * kBalanced;
}

struct FreedPlace {
  static constexpr size_t kMaxFrames = 24;

  uint64_t key;  // of the stack
  SiteId site;
  uint32_t samples;  // 0: an empty slot
  uint64_t frame_count;
  uint64_t frames[kMaxFrames];
};

class FreedPlaces {
 public:
  static constexpr size_t kSlots = 4096;

  // A block of `site` is freed by the stack with that key. A place beyond the table's room is lost.
  void note(SiteId site, uint64_t key, const uint64_t* frames, size_t frame_count);

  // A slot by number, null when it is empty.
  const FreedPlace* slot(size_t number) const {
    return places_ == nullptr || load_acquire(places_[number].samples) == 0 ? nullptr : &places_[number];
  }

  void clear();

  // Gives the memory back. Nobody may be looking.
  void release();

 private:
  FreedPlace* find(SiteId site, uint64_t key);

  SpinLock lock_;
  uint32_t used_ = 0;
  FreedPlace* places_ = nullptr;  // open addressing; made when the first is noted
};

}  // namespace leakhunt::tracker
