// Tags: names interned to ids. The table is small and only ever grows; ids are stable for the life of the
// process.
//
// Thread-safety: intern() takes a lock (a tag is made a few times in a program's life); name() and count()
// never.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "instrument/os/atomics.h"
#include "lib/recording/format.h"

namespace leakhunt::tracker {

using recording::TagId;

inline constexpr size_t kMaxTags = 256;
inline constexpr size_t kMaxTagName = 63;

class Tags {
 public:
  // Id of `name`, cut at kMaxTagName bytes. kHeapTag when the table is full.
  TagId intern(const char* name);

  const char* name(TagId tag) const {
    const uint32_t index = static_cast<uint32_t>(tag);
    return index < kBuiltIn ? kBuiltInNames[index] : names_[index - kBuiltIn];
  }
  size_t count() const { return kBuiltIn + load_acquire(added_); }

  // In a forked child: the program holds ids, so the names stay; nobody is left who could be adding one.
  void unlock_in_child() { lock_ = SpinLock(); }

 private:
  static constexpr uint32_t kBuiltIn = 2;  // recording::kHeapTag, kMappingTag
  static constexpr const char* kBuiltInNames[kBuiltIn] = {"heap", "mapping"};

  SpinLock lock_;
  uint32_t added_ = 0;
  char names_[kMaxTags - kBuiltIn][kMaxTagName + 1] = {};
};

}  // namespace leakhunt::tracker
