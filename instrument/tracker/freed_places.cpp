#include "instrument/tracker/freed_places.h"

#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"

namespace leakhunt::tracker {

namespace {

constexpr uint32_t kMostUsed = FreedPlaces::kSlots / 4 * 3;

}  // namespace

FreedPlace* FreedPlaces::find(SiteId site, uint64_t key) {
  const uint64_t hash = (key ^ static_cast<uint64_t>(site)) * 0x9e3779b97f4a7c15;
  for (size_t at = hash >> 52;; at = (at + 1) % kSlots) {
    FreedPlace& place = places_[at];
    if (place.samples == 0 || (place.key == key && place.site == site)) return &place;
  }
}

void FreedPlaces::note(SiteId site, uint64_t key, const uint64_t* frames, size_t frame_count) {
  if (frame_count == 0 || !lock_.try_lock()) return;
  constexpr size_t kBytes = kSlots * sizeof(FreedPlace);
  if (places_ == nullptr && used_ == 0) {
    if (may_map(kBytes)) places_ = static_cast<FreedPlace*>(map_pages(kBytes));
    used_ = places_ == nullptr ? kMostUsed : 0;  // and it is not tried again
  }
  FreedPlace* place = places_ != nullptr ? find(site, key) : nullptr;
  if (place != nullptr && place->samples != 0) {
    if (place->samples != UINT32_MAX) store_release(place->samples, place->samples + 1);
  } else if (place != nullptr && used_ < kMostUsed) {
    ++used_;
    place->key = key;
    place->site = site;
    place->frame_count = frame_count < FreedPlace::kMaxFrames ? frame_count : FreedPlace::kMaxFrames;
    for (size_t i = 0; i < place->frame_count; ++i) place->frames[i] = frames[i];
    store_release(place->samples, 1u);
  }
  lock_.unlock();
}

void FreedPlaces::release() {
  if (places_ != nullptr) unmap_pages(places_, kSlots * sizeof(FreedPlace));
  places_ = nullptr;
  used_ = 0;
}

void FreedPlaces::clear() {
  if (places_ != nullptr) __builtin_memset(places_, 0, kSlots * sizeof(FreedPlace));
  used_ = 0;
}

}  // namespace leakhunt::tracker
