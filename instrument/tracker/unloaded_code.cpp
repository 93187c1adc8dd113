#include "instrument/tracker/unloaded_code.h"

#include "instrument/unwind/stack_key.h"

namespace leakhunt::tracker {

uint64_t identity_of(const LoadedObject& object) {
  constexpr size_t kHeaderBytes = 512;  // ELF header and program headers, on the first page
  const bool named = object.build_id_bytes != 0;
  const uint8_t* bytes = named ? object.build_id : reinterpret_cast<const uint8_t*>(object.begin);
  const size_t size = named ? object.build_id_bytes : kHeaderBytes;
  uint64_t identity = fold_frame(fold_frame(object.bias, object.begin), object.end);
  for (size_t i = 0; i < size; ++i) identity = fold_frame(identity, bytes[i]);
  return identity != 0 ? identity : 1;
}

void UnloadedCode::add(uintptr_t begin, uintptr_t end, uint64_t identity) {
  for (size_t i = 0; i < count_; ++i) {
    if (places_[i].begin <= begin && end <= places_[i].end && places_[i].first == identity) return;
  }
  if (count_ < kMaxPlaces) {
    places_[count_] = {begin, end, identity};
    store_release(count_, count_ + 1);
    return;
  }
  Place& last = places_[kMaxPlaces - 1];
  if (begin < last.begin) store_relaxed(last.begin, begin);
  if (end > last.end) store_relaxed(last.end, end);
}

const UnloadedCode::Place* UnloadedCode::place_of(uintptr_t address, size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    if (address >= load_relaxed(places_[i].begin) && address < load_relaxed(places_[i].end))
      return &places_[i];
  }
  return nullptr;
}

uint64_t UnloadedCode::key_of(uint64_t key, const uint64_t* frames, size_t count) const {
  const size_t places = load_acquire(count_);
  LoadedObject object{};
  uint64_t identity = 0;
  for (size_t i = 0; i < count; ++i) {
    const uintptr_t call = frames[i] - 1;
    const Place* place = place_of(call, places);
    if (place == nullptr) continue;
    if (call < object.begin || call >= object.end) {  // mostly the same as for the frame before
      object = LoadedObject{};
      identity = find_loaded_object(call, &object) ? identity_of(object) : 0;
    }
    if (identity != place->first) key = fold_frame(key, identity);
  }
  return key;
}

}  // namespace leakhunt::tracker
