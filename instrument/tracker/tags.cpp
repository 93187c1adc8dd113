#include "instrument/tracker/tags.h"

namespace leakhunt::tracker {

namespace {

bool same_name(const char* kept, const char* name) {
  size_t i = 0;
  while (i < kMaxTagName && name[i] != '\0' && kept[i] == name[i]) ++i;
  return kept[i] == '\0' && (i == kMaxTagName || name[i] == '\0');
}

}  // namespace

TagId Tags::intern(const char* name) {
  const SpinGuard guard(lock_);
  const uint32_t known = static_cast<uint32_t>(count());
  for (uint32_t tag = 0; tag < known; ++tag) {
    if (same_name(this->name(static_cast<TagId>(tag)), name)) return static_cast<TagId>(tag);
  }
  if (known == kMaxTags) return recording::kHeapTag;
  char* kept = names_[added_];
  for (size_t i = 0; i < kMaxTagName && name[i] != '\0'; ++i) kept[i] = name[i];
  store_release(added_, added_ + 1);
  return static_cast<TagId>(known);
}

}  // namespace leakhunt::tracker
