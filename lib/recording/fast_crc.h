// The checksum of codec.h at the speed a reader needs: eight bytes a step (slicing-by-8, Kounavis and Berry
// 2005). Equal to crc32c() for every input, which a test holds; the target keeps the small table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace leakhunt::recording {

// crc32c of `size` bytes, continued from `crc` (0 at first). Pure.
uint32_t fast_crc32c(uint32_t crc, const void* data, size_t size);

// The same without the instruction.
uint32_t sliced_crc32c(uint32_t crc, const void* data, size_t size);

// frame_crc() of codec.h.
uint32_t fast_frame_crc(uint32_t type, uint32_t length, const void* payload);

}  // namespace leakhunt::recording
