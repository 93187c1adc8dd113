// DwarfCursor: reads the little-endian integers, LEB128 numbers and encoded pointers of .eh_frame and
// .eh_frame_hdr. Never reads past its end: what is missing reads as 0 and leaves the cursor failed.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

// Pointer encodings (Linux Standard Base, core, 10.5.1): the low four bits are the format, the next three
// what it is relative to, the highest that the result is the address of the pointer.
enum : uint8_t {
  kPointerAbsolute = 0x00,
  kPointerUleb = 0x01,
  kPointerUdata2 = 0x02,
  kPointerUdata4 = 0x03,
  kPointerUdata8 = 0x04,
  kPointerSleb = 0x09,
  kPointerSdata2 = 0x0A,
  kPointerSdata4 = 0x0B,
  kPointerSdata8 = 0x0C,
  kPointerRelativeToItself = 0x10,
  kPointerRelativeToData = 0x30,
  kPointerIndirect = 0x80,
  kPointerOmitted = 0xFF,
};

class DwarfCursor {
 public:
  DwarfCursor(const uint8_t* begin, const uint8_t* end) : at_(begin), end_(end) {}

  const uint8_t* at() const { return at_; }
  bool failed() const { return failed_; }
  bool more() const { return !failed_ && at_ < end_; }

  // An integer as it lies in memory.
  template <typename Integer>
  Integer read() {
    Integer value = 0;
    if (static_cast<size_t>(end_ - at_) < sizeof value) {
      fail();
      return 0;
    }
    __builtin_memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  uint64_t uleb() {
    uint64_t value = 0;
    for (unsigned shift = 0; more(); shift += 7) {
      const uint8_t byte = *at_++;
      if (shift < 64) value |= uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail();
    return 0;
  }

  int64_t sleb() {
    uint64_t value = 0;
    unsigned shift = 0;
    while (more()) {
      const uint8_t byte = *at_++;
      if (shift < 64) value |= uint64_t{byte & 0x7Fu} << shift;
      shift += 7;
      if ((byte & 0x80) != 0) continue;
      if (shift < 64 && (byte & 0x40) != 0) value |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(value);
    }
    fail();
    return 0;
  }

  void skip(uint64_t bytes) {
    if (bytes > static_cast<uint64_t>(end_ - at_)) return fail();
    at_ += bytes;
  }

  // An encoded pointer; `data` is what data-relative ones start from. An indirect one fails: only personality
  // routines are stored so, and they are skipped, not read.
  uint64_t pointer(uint8_t encoding, uintptr_t data) {
    const uintptr_t here = reinterpret_cast<uintptr_t>(at_);
    const uint64_t value = plain_pointer(encoding & 0x0F);
    if (value == 0 && (encoding & 0x70) != kPointerRelativeToData) return value;
    switch (encoding & 0xF0) {
      case 0:
        return value;
      case kPointerRelativeToItself:
        return here + value;
      case kPointerRelativeToData:
        return data + value;
      default:
        fail();
        return 0;
    }
  }

  void skip_pointer(uint8_t encoding) { plain_pointer(encoding & 0x0F); }

 private:
  void fail() {
    failed_ = true;
    at_ = end_;
  }

  uint64_t plain_pointer(uint8_t format) {
    switch (format) {
      case kPointerAbsolute:
      case kPointerUdata8:
      case kPointerSdata8:
        return read<uint64_t>();
      case kPointerUleb:
        return uleb();
      case kPointerSleb:
        return static_cast<uint64_t>(sleb());
      case kPointerUdata2:
        return read<uint16_t>();
      case kPointerUdata4:
        return read<uint32_t>();
      case kPointerSdata2:
        return static_cast<uint64_t>(int64_t{read<int16_t>()});
      case kPointerSdata4:
        return static_cast<uint64_t>(int64_t{read<int32_t>()});
      default:
        fail();
        return 0;
    }
  }

  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

}  // namespace leakhunt::tracker
