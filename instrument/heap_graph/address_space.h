// AddressSpace: the areas of the address space as the kernel lists them, and which of their pages are there.
// Pages that were never touched are passed over: a reserved terabyte costs nothing to scan.
//
// One thread: the forked child, whose address space does not change.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

struct Area {
  enum class Kind : uint8_t { kAnonymous, kFile, kBreak, kOther };  // kOther: "[stack]", "[vvar]"
  uintptr_t begin;
  uintptr_t end;
  bool readable;
  bool writable;
  bool is_private;
  bool is_shared_memory;  // shared, and no file of a disk or a device: memfd, /dev/shm, System V,
                          // MAP_ANONYMOUS
  Kind kind;
};

class AddressSpace {
 public:
  // False when /proc is not there or memory is short.
  bool read();

  const Area* begin() const { return areas_; }
  const Area* end() const { return areas_ + count_; }
  // The area that holds the address, or null.
  const Area* at(uintptr_t address) const;

  // Calls see(from, to) for the parts of [from, to) that can be read without harm, in order.
  template <typename See>
  void for_each_readable(uintptr_t from, uintptr_t to, const See& see) {
    while (from < to) {
      const Area* area = nearest(from);
      if (area == nullptr || area->begin >= to) return;
      if (area->begin > from) from = area->begin;
      const uintptr_t end = area->end < to ? area->end : to;
      if (area->readable && (area->is_private || area->is_shared_memory))
        for_each_present(from, end, area->is_shared_memory, see);
      from = area->end;
    }
  }

 private:
  static constexpr size_t kPagesAtOnce = 512;
  static constexpr uintptr_t kFewBytes = 64 << 10;  // for them it is not worth asking

  template <typename See>
  void for_each_present(uintptr_t from, uintptr_t to, bool shared, const See& see) {
    if (!shared && (to - from <= kFewBytes || pagemap_ < 0)) return see(from, to);
    uintptr_t begin = 0;  // of the run of present pages; 0: none
    while (from < to) {
      uint64_t flags[kPagesAtOnce];
      const size_t pages = shared ? ask_for_shared(from, to, flags) : ask(from, to, flags);
      if (pages == 0 && shared) return;
      if (pages == 0) return see(begin != 0 ? begin : from, to);
      for (size_t i = 0; i < pages && from < to; ++i) {
        const bool there = flags[i] >> 62 != 0;  // in memory, or swapped out
        if (there && begin == 0) begin = from;
        if (!there && begin != 0) {
          see(begin, from);
          begin = 0;
        }
        from = next_page(from);
      }
    }
    if (begin != 0) see(begin, to);
  }

  static uintptr_t next_page(uintptr_t address);
  size_t ask(uintptr_t from, uintptr_t to, uint64_t* flags) const;
  static size_t ask_for_shared(uintptr_t from, uintptr_t to, uint64_t* flags);
  const Area* first_behind(uintptr_t address) const;
  const Area* nearest(uintptr_t address);
  bool add(const Area& area);

  Area* areas_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
  const Area* last_ = nullptr;
  int pagemap_ = -1;
};

}  // namespace leakhunt::tracker
