#include "instrument/tracker/odd_blocks.h"

#include <string.h>

#include "instrument/os/pages.h"

namespace leakhunt::tracker {

bool OddBlocks::insert(uintptr_t address, LiveBlock block) {
  const SpinGuard guard(lock_);
  if ((count_ + 1) * sizeof(Entry) > bytes_ && !grow()) return false;
  entries_[count_] = {address, block};
  store_relaxed(count_, count_ + 1);
  return true;
}

bool OddBlocks::take(uintptr_t address, LiveBlock* block) {
  if (load_relaxed(count_) == 0) return false;
  const SpinGuard guard(lock_);
  for (size_t i = 0; i < count_; ++i) {
    if (entries_[i].address != address) continue;
    *block = entries_[i].block;
    entries_[i] = entries_[count_ - 1];
    store_relaxed(count_, count_ - 1);
    return true;
  }
  return false;
}

void OddBlocks::for_each(void (*visit)(void* context, uintptr_t address, const LiveBlock& block),
                         void* context) const {
  const SpinGuard guard(lock_);
  for (size_t i = 0; i < count_; ++i) visit(context, entries_[i].address, entries_[i].block);
}

bool OddBlocks::grow() {
  const size_t bytes = bytes_ == 0 ? kPage : 2 * bytes_;
  Entry* larger = static_cast<Entry*>(map_pages(bytes));
  if (larger == nullptr) return false;
  if (entries_ != nullptr) {
    memcpy(larger, entries_, count_ * sizeof(Entry));
    unmap_pages(entries_, bytes_);
  }
  entries_ = larger;
  bytes_ = bytes;
  return true;
}

}  // namespace leakhunt::tracker
