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
  const uint32_t count = count_;
  for (uint32_t tag = 0; tag < count; ++tag) {
    if (same_name(names_[tag], name)) return static_cast<TagId>(tag);
  }
  if (count == kMaxTags) return recording::kHeapTag;
  for (size_t i = 0; i < kMaxTagName && name[i] != '\0'; ++i) names_[count][i] = name[i];
  store_release(count_, count + 1);
  return static_cast<TagId>(count);
}

}  // namespace leakhunt::tracker
