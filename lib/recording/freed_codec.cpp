#include "lib/recording/freed_codec.h"

namespace leakhunt::recording {

void encode(Encoder& out, const FreedPlaceHeader& header, const uint64_t* frames) {
  put_varint(out, static_cast<uint64_t>(header.site));
  put_varint(out, header.first ? 1 : 0);
  put_varint(out, header.samples);
  put_varint(out, header.frame_count);
  uint64_t previous = 0;
  for (uint64_t i = 0; i < header.frame_count; ++i) {
    put_signed(out, static_cast<int64_t>(frames[i] - previous));
    previous = frames[i];
  }
}

FreedPlaceHeader decode_freed_place(Decoder& in) {
  FreedPlaceHeader header{};
  const uint64_t site = get_varint(in);
  const uint64_t first = get_varint(in);
  header.samples = get_varint(in);
  header.frame_count = get_varint(in);
  if (site >= UINT32_MAX || first > 1 || header.frame_count > static_cast<uint64_t>(in.end - in.cursor))
    in.failed = true;
  header.site = static_cast<SiteId>(site);
  header.first = first == 1;
  return header;
}

}  // namespace leakhunt::recording
