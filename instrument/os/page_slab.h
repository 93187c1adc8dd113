// PageSlab: pieces of the tracker's memory, never given back one by one. It takes 64 KiB from the kernel at
// first and more each time, up to a huge page: so that a small program pays little, and in a large one
// finding a piece does not cost more than reading it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

// On pages that read as zeros in a forked child (map_pages), where it has to be forgotten. Thread-safety:
// none.
class PageSlab {
 public:
  // `bytes` of zeros, a multiple of 8 and at most kFirst; null when there is no memory.
  void* take(size_t bytes) {
    if (left_ < bytes && !map_more()) return nullptr;
    void* piece = at_;
    at_ += bytes;
    left_ -= bytes;
    return piece;
  }

 private:
  static constexpr size_t kFirst = 64 << 10;
  static constexpr size_t kHuge = 2 << 20;

  bool map_more() {
    const size_t bytes = next_ == 0 ? kFirst : next_;
    at_ = static_cast<uint8_t*>(map_pages(bytes));
    left_ = at_ != nullptr ? bytes : 0;
    if (at_ == nullptr) return false;
    if (bytes == kHuge) use_huge_pages(at_, bytes);
    next_ = bytes < kHuge ? bytes * 2 : kHuge;
    return true;
  }

  uint8_t* at_ = nullptr;
  size_t left_ = 0;
  size_t next_ = 0;
};

}  // namespace leakhunt::tracker
