#include "instrument/tracker/mappings.h"

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

// Index of the first range that ends behind `address`.
size_t first_behind(const MappedRange* ranges, size_t count, uintptr_t address) {
  size_t low = 0;
  while (count > 0) {
    const size_t half = count / 2;
    if (ranges[low + half].end <= address) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

}  // namespace

bool Mappings::make_room() {
  if (count_ < capacity_) return true;
  const size_t bytes = capacity_ == 0 ? kPage : capacity_ * sizeof(MappedRange) * 2;
  MappedRange* larger = static_cast<MappedRange*>(map_pages(bytes));
  if (larger == nullptr) return false;
  for (size_t i = 0; i < count_; ++i) larger[i] = ranges_[i];
  if (ranges_ != nullptr) unmap_pages(ranges_, capacity_ * sizeof(MappedRange));
  ranges_ = larger;
  capacity_ = bytes / sizeof(MappedRange);
  return true;
}

bool Mappings::insert(const MappedRange& range) {
  if (!make_room()) return false;
  const size_t at = first_behind(ranges_, count_, range.begin);
  for (size_t i = count_; i > at; --i) ranges_[i] = ranges_[i - 1];
  ranges_[at] = range;
  ++count_;
  return true;
}

void Mappings::erase(size_t from, size_t to) {
  for (size_t i = to; i < count_; ++i) ranges_[from + i - to] = ranges_[i];
  count_ -= to - from;
}

void Mappings::remove(uintptr_t begin, uintptr_t end, Removed removed, void* context) {
  size_t at = first_behind(ranges_, count_, begin);
  size_t kept = at;  // ranges that survive in part are moved down to here
  for (; at < count_ && ranges_[at].begin < end; ++at) {
    const MappedRange range = ranges_[at];
    const uintptr_t from = range.begin > begin ? range.begin : begin;
    const uintptr_t to = range.end < end ? range.end : end;
    const bool head = from > range.begin;
    const bool tail = to < range.end;
    if (head && tail) return cut_hole(at, from, to, removed, context);
    removed(context, range, to - from, !head && !tail, false);
    if (head) ranges_[kept++] = {range.begin, from, range.site, range.birth};
    if (tail) ranges_[kept++] = {to, range.end, range.site, range.birth};
  }
  erase(kept, at);
}

void Mappings::forget(uintptr_t begin, uintptr_t end) {
  remove(
      begin, end, [](void*, const MappedRange&, uint64_t, bool, bool) {}, nullptr);
}

// A hole leaves two pieces; without memory for the second, that one is given up as well.
void Mappings::cut_hole(size_t at, uintptr_t from, uintptr_t to, Removed removed, void* context) {
  const MappedRange range = ranges_[at];
  const bool room = make_room();
  ranges_[at].end = from;
  if (room) insert({to, range.end, range.site, range.birth});
  removed(context, range, (room ? to : range.end) - from, false, room);
}

void Mappings::for_each(LiveBlocks::Visit visit, void* context) const {
  for (size_t i = 0; i < count_; ++i) {
    visit(context, ranges_[i].begin, {ranges_[i].site, ranges_[i].birth, ranges_[i].end - ranges_[i].begin});
  }
}

}  // namespace leakhunt::tracker
