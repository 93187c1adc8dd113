// Encode and decode of the record of where blocks were freed, side by side. Freestanding, as codec.h.
#pragma once

#include "lib/recording/codec.h"

namespace leakhunt::recording {

// One place in which blocks of `site` were freed, by a sample of the frees. The record that is `first` begins
// the table anew.
struct FreedPlaceHeader {
  SiteId site;
  bool first;
  uint64_t samples;
  uint64_t frame_count;
};
void encode(Encoder& out, const FreedPlaceHeader& header, const uint64_t* frames);
FreedPlaceHeader decode_freed_place(Decoder& in);  // then frame_count times decode_frame

}  // namespace leakhunt::recording
