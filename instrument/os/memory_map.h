// The process's address space as the kernel describes it: /proc/self/smaps area by area, and
// /proc/self/pagemap page by page. Formats: proc(5), Documentation/admin-guide/mm/pagemap.rst of the kernel.
//
// Descriptors are open only as long as the objects are. Thread-safety: one thread an object; the address
// space may change meanwhile, an area is as it was when it was read.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace leakhunt::tracker {

struct MemoryArea {
  uintptr_t begin;
  uintptr_t end;
  int protection;    // PROT_READ, PROT_WRITE, PROT_EXEC
  bool has_inode;    // of a file, or of shared memory
  const char* name;  // as it stands there, "" for plain anonymous memory; until the next one is read
  // Bytes; zeros when read from maps.
  uint64_t resident;
  uint64_t dirty;   // of resident: written to, or of no file
  uint64_t shared;  // of resident: in more than one process
};

class MemoryMap {
 public:
  enum class Detail { kMaps, kSmaps };

  // 0, or the errno of what failed. `proc` is a directory as /proc/self is.
  int open(const char* proc, Detail detail);

  // The next one, in ascending order. False at the end.
  bool next(MemoryArea* area);

  // Any number of areas passes through one buffer; a name longer than this is cut.
  static constexpr size_t kLongestName = 512;

  void close();

  // Why it ended early; 0 if it did not.
  int error() const { return error_; }

 private:
  static constexpr size_t kBuffer = 32 << 10;

  bool read_line();
  bool take_header(MemoryArea* area);

  char* buffer_ = nullptr;
  size_t filled_ = 0;
  size_t at_ = 0;
  const char* line_ = nullptr;  // the current one, ended by a NUL; of a next area if header_ahead_
  bool header_ahead_ = false;
  long file_ = -1;
  int error_ = 0;
  char name_[kLongestName + 1] = {};
};

// Which pages are there.
class PageMap {
 public:
  // 0, or an errno.
  int open(const char* proc);

  // Calls resident(context, page) for every resident page of [begin, end): its index from `begin`. A page
  // that is there and counts nowhere, the kernel's page of zeros, is told by the area's having no shared
  // memory. False when the kernel does not say.
  using Resident = void (*)(void* context, size_t page);
  bool for_each_resident(uintptr_t begin, uintptr_t end, bool has_shared, Resident resident, void* context);

  void close();

 private:
  static constexpr size_t kEntries = 4096;
  uint64_t* entries_ = nullptr;
  long file_ = -1;
};

}  // namespace leakhunt::tracker
