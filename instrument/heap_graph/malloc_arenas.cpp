#include "instrument/heap_graph/malloc_arenas.h"

namespace leakhunt::tracker {

namespace {

constexpr size_t kWord = sizeof(uintptr_t);
constexpr size_t kListWords = 254;
constexpr uintptr_t kNextBehindLists = kListWords * kWord + 16;  // with binmap in between
constexpr uintptr_t kEndBehindNext = 5 * kWord;  // next, next_free, attached_threads, two sums of memory
constexpr uintptr_t kMostBeforeLists = 256;      // lock, flags, fast lists, top: not the same in all versions

uintptr_t word_at(uintptr_t address) {
  return *reinterpret_cast<const uintptr_t*>(address);
}

bool is_empty_list(uintptr_t at) {
  return word_at(at) == at - 2 * kWord && word_at(at + kWord) == at - 2 * kWord;
}

bool can_be_read(uintptr_t address, const AddressSpace& map) {
  const Area* area = map.at(address);
  return address % kWord == 0 && area != nullptr && area->readable && area->writable && area->is_private &&
         area->end - address >= kWord;
}

}  // namespace

// Each arena's `next` is as far behind its beginning as in the first, and the last one's leads back.
bool MallocArenas::take_circle(uintptr_t arena, uintptr_t bins, const AddressSpace& map) {
  const uintptr_t to_next = bins - arena + kNextBehindLists;
  size_t count = 0;
  uintptr_t at = arena;
  do {
    if (count == kMost || !can_be_read(at + to_next, map)) return false;
    arenas_[count++] = {at, at + to_next + kEndBehindNext};
    at = word_at(at + to_next);
  } while (at != arena);
  count_ = count;
  return true;
}

// `at` is an empty list. Which of the 127 it is, nothing says but the circle.
bool MallocArenas::look_around(uintptr_t at, uintptr_t from, uintptr_t to, const AddressSpace& map) {
  for (uintptr_t bins = at; bins >= from + kWord && at - bins < kListWords * kWord; bins -= 2 * kWord) {
    for (uintptr_t arena = bins - kWord; arena >= from && bins - arena <= kMostBeforeLists; arena -= kWord) {
      if (bins + kNextBehindLists + kWord <= to && take_circle(arena, bins, map)) return true;
    }
  }
  return false;
}

void MallocArenas::find(const AddressRange& libc, const AddressSpace& map) {
  for (const Area& area : map) {
    const bool is_data = area.readable && area.writable && area.is_private;
    if (!is_data || area.begin >= libc.end || area.end <= libc.begin) continue;
    for (uintptr_t at = area.begin; at + 2 * kWord <= area.end; at += kWord) {
      if (is_empty_list(at) && look_around(at, area.begin, area.end, map)) return;
    }
  }
}

}  // namespace leakhunt::tracker
