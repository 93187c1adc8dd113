#include "instrument/tracker/heap_pages.h"

#include "instrument/os/heap_sort.h"

namespace leakhunt::tracker {

bool HeapPages::add(uintptr_t begin, uintptr_t end, recording::HeapRegionKind kind) {
  return regions_.add({begin, end, kind, 0});
}

bool HeapPages::make_room() {
  if (pages_ != nullptr) unmap_pages(pages_, bytes_);
  heap_sort(regions_.begin(), regions_.size(),
            [](const HeapRegion& a, const HeapRegion& b) { return a.begin < b.begin; });
  page_count_ = 0;
  for (HeapRegion& region : regions_) {
    region.first_page = page_count_;
    page_count_ += (region.end - region.begin) / kPage;
  }
  bytes_ = (page_count_ * sizeof(uint16_t) + kPage) / kPage * kPage;
  pages_ = static_cast<uint16_t*>(map_pages(bytes_));
  last_found_ = 0;
  if (pages_ == nullptr) page_count_ = 0;
  return pages_ != nullptr;
}

// Blocks come in the order of their addresses, more or less: mostly it is the region of the one before.
const HeapRegion* HeapPages::find(uintptr_t address) {
  if (pages_ == nullptr) return nullptr;
  if (last_found_ < regions_.size() && address >= regions_[last_found_].begin &&
      address < regions_[last_found_].end) {
    return &regions_[last_found_];
  }
  size_t low = 0;
  size_t high = regions_.size();
  while (low < high) {
    const size_t half = low + (high - low) / 2;
    if (regions_[half].end <= address) {
      low = half + 1;
    } else {
      high = half;
    }
  }
  if (low == regions_.size() || address < regions_[low].begin) return nullptr;
  last_found_ = low;
  return &regions_[low];
}

uint64_t HeapPages::add_live(const HeapRegion& region, uintptr_t begin, uint64_t bytes) {
  const uintptr_t end = bytes < region.end - begin ? begin + bytes : region.end;
  uint64_t resident = 0;
  size_t index = region.first_page + (begin - region.begin) / kPage;
  for (uintptr_t at = begin; at < end; ++index) {
    const uintptr_t page_end = (at / kPage + 1) * kPage;
    const uintptr_t part = (page_end < end ? page_end : end) - at;
    uint16_t& page = pages_[index];
    const uint64_t live = (page & kLive) + part;
    page = static_cast<uint16_t>((page & kResident) | (live < kPage ? live : kPage));
    if ((page & kResident) != 0) resident += part;
    at += part;
  }
  return resident;
}

uint64_t HeapPages::free_page_bytes() const {
  uint64_t pages = 0;
  for (size_t i = 0; i < page_count_; ++i) pages += pages_[i] == kResident ? 1 : 0;
  return pages * kPage;
}

void HeapPages::release() {
  if (pages_ != nullptr) unmap_pages(pages_, bytes_);
  regions_.release();
  *this = HeapPages();
}

}  // namespace leakhunt::tracker
