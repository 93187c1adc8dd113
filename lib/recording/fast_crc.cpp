#include "lib/recording/fast_crc.h"

#include <array>
#include <bit>
#include <cstring>

namespace leakhunt::recording {

namespace {

static_assert(std::endian::native == std::endian::little,
              "a recording is read as it was written: little-endian");

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: the checksum's state after byte b and k bytes of zero.
constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1u) != 0 ? 0x82F63B78u : 0u);
    tables[0][byte] = value;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

uint64_t word_at(const uint8_t* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint32_t by_tables(uint32_t crc, const uint8_t* bytes, size_t size) {
  for (; size >= 8; size -= 8, bytes += 8) {
    const uint64_t word = word_at(bytes) ^ crc;
    crc = kTables[7][word & 0xFF] ^ kTables[6][(word >> 8) & 0xFF] ^ kTables[5][(word >> 16) & 0xFF] ^
          kTables[4][(word >> 24) & 0xFF] ^ kTables[3][(word >> 32) & 0xFF] ^
          kTables[2][(word >> 40) & 0xFF] ^ kTables[1][(word >> 48) & 0xFF] ^ kTables[0][word >> 56];
  }
  for (; size > 0; --size) crc = kTables[0][(crc ^ *bytes++) & 0xFF] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)
// The same polynomial is an instruction since SSE 4.2.
__attribute__((target("sse4.2"))) uint32_t by_instruction(uint32_t crc, const uint8_t* bytes, size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; size -= 8, bytes += 8) wide = __builtin_ia32_crc32di(wide, word_at(bytes));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; --size) crc = __builtin_ia32_crc32qi(crc, *bytes++);
  return crc;
}

const auto kBest = __builtin_cpu_supports("sse4.2") != 0 ? by_instruction : by_tables;
#else
const auto kBest = by_tables;
#endif

}  // namespace

uint32_t fast_crc32c(uint32_t crc, const void* data, size_t size) {
  return ~kBest(~crc, static_cast<const uint8_t*>(data), size);
}

uint32_t sliced_crc32c(uint32_t crc, const void* data, size_t size) {
  return ~by_tables(~crc, static_cast<const uint8_t*>(data), size);
}

uint32_t fast_frame_crc(uint32_t type, uint32_t length, const void* payload) {
  const uint32_t head[2] = {type, length};
  return fast_crc32c(fast_crc32c(0, head, sizeof head), payload, length);
}

}  // namespace leakhunt::recording
