// What is in a packed record: its records, one by one.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lib/recording/packing.h"

namespace leakhunt::recording {

using ByteVector = std::vector<uint8_t>;
using Record = std::pair<RecordType, ByteVector>;

// `whole`: nothing in it was damaged.
inline std::vector<Record> opened(const ByteVector& packed, bool* whole) {
  std::vector<Record> records;
  *whole = unpack(packed, [&](RecordType type, std::span<const uint8_t> payload) {
    records.emplace_back(type, ByteVector(payload.begin(), payload.end()));
  });
  return records;
}

}  // namespace leakhunt::recording
