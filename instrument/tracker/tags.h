// Tags: names interned to ids. The table is small and only ever grows; ids are stable for the life of the process.
//
// Thread-safety: intern() takes a lock (a tag is made a few times in a program's life); name() and count() never.
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

  const char* name(TagId tag) const { return names_[static_cast<uint32_t>(tag)]; }
  size_t count() const { return load_acquire(count_); }

 private:
  SpinLock lock_;
  uint32_t count_ = 2;
  char names_[kMaxTags][kMaxTagName + 1] = {"heap", "mapping"};  // recording::kHeapTag, kMappingTag
};

}  // namespace leakhunt::tracker
