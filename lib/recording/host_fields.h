// host_fields: the fields of which the host's records are made, put and got. Included by the files that
// encode such records, and by nobody else.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "lib/recording/host_codec.h"

namespace leakhunt::recording {

inline constexpr size_t kLongestString = 64 << 10;  // of a name; what is longer is cut

// Runs `fields` into a payload, as often as it takes to find one that is large enough.
template <typename Fields>
Payload encoded(size_t guess, Fields fields) {
  Payload payload(guess);
  for (;;) {
    Encoder out{payload.data(), payload.data() + payload.size()};
    fields(out);
    if (!out.overflowed) {
      payload.resize(static_cast<size_t>(out.cursor - payload.data()));
      return payload;
    }
    payload.resize(payload.size() * 2);
  }
}

inline void put_string(Encoder& out, std::string_view text) {
  put_bytes(out, bytes_of(text.substr(0, kLongestString)));
}

inline std::string get_string(Decoder& in) {
  return std::string(view_of(get_bytes(in)));
}

inline void put_int(Encoder& out, int value) {
  put_signed(out, value);
}

inline int get_int(Decoder& in) {
  const int64_t value = get_signed(in);
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    in.failed = true;
    return 0;
  }
  return static_cast<int>(value);
}

// How many of something follow; each takes at least `least` bytes, so that a hostile count is refused before
// memory is taken for it.
inline uint64_t get_count(Decoder& in, size_t least) {
  const uint64_t count = get_varint(in);
  if (count > static_cast<uint64_t>(in.end - in.cursor) / least) in.failed = true;
  return in.failed ? 0 : count;
}

inline void put_optional(Encoder& out, const std::optional<uint64_t>& value) {
  put_varint(out, value ? 1 : 0);
  if (value) put_varint(out, *value);
}

inline void put_optional(Encoder& out, const std::optional<double>& value) {
  put_varint(out, value ? 1 : 0);
  if (value) put_double(out, *value);
}

inline bool get_presence(Decoder& in) {
  const uint64_t flag = get_varint(in);
  if (flag > 1) in.failed = true;
  return flag == 1;
}

}  // namespace leakhunt::recording
