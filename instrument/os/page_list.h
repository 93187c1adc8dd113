// PageList: an array that grows, on pages of its own.
#pragma once

#include <stddef.h>

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

// Of plain structs. Not given back by itself: whoever has one says release(). Thread-safety: none.
template <typename T>
class PageList {
 public:
  // False when there is no memory for it, now or ever since; nothing was added then.
  bool add(const T& item) {
    if (count_ == capacity_ && !grow()) return false;
    items_[count_++] = item;
    return true;
  }

  // Address space for so many items, if there is any.
  void reserve(size_t items) {
    if (items_ == nullptr) map((items * sizeof(T) + kPage - 1) / kPage * kPage);
  }

  T* begin() const { return items_; }
  T* end() const { return items_ + count_; }
  T& operator[](size_t index) const { return items_[index]; }
  size_t size() const { return count_; }
  bool failed() const { return failed_; }

  // Drops all behind the first `count`.
  void shrink(size_t count) { count_ = count; }

  void release() {
    if (items_ != nullptr) unmap_pages(items_, bytes_);
    *this = PageList();
  }

 private:
  bool grow() {
    const bool grown = map(bytes_ == 0 ? (sizeof(T) + kPage - 1) / kPage * kPage : 2 * bytes_);
    failed_ = failed_ || !grown;
    return grown;
  }

  bool map(size_t bytes) {
    T* larger = static_cast<T*>(map_pages(bytes));
    if (larger == nullptr) return false;
    for (size_t i = 0; i < count_; ++i) larger[i] = items_[i];
    if (items_ != nullptr) unmap_pages(items_, bytes_);
    items_ = larger;
    bytes_ = bytes;
    capacity_ = bytes / sizeof(T);
    return true;
  }

  T* items_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
  size_t bytes_ = 0;
  bool failed_ = false;
};

}  // namespace leakhunt::tracker
