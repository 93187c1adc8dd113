#include "instrument/heap_graph/address_space.h"

#include <fcntl.h>

#include "instrument/heap_graph/scratch.h"
#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

// "7f12a000-7f12c000 rw-p 00000000 08:01 1234   /usr/lib/libx.so": one line, letter by letter across reads.
class Line {
 public:
  // True at the line's end: `area` is complete.
  bool take(char c, Area* area) {
    if (c == '\n') {
      area->kind = first_ == '/' ? Area::Kind::kFile
                   : first_ == 0 ? Area::Kind::kAnonymous
                   : is_break_   ? Area::Kind::kBreak
                                 : Area::Kind::kOther;
      area->is_shared_memory = !area->is_private && is_memory();
      return true;
    }
    if (field_ < 5) {
      take_field(c, area);
    } else if (first_ == 0 && c != ' ') {
      first_ = path_[0] = c;
    } else if (first_ == '/' && letter_ + 1 < kPathLetters) {
      path_[++letter_] = c;
    } else if (first_ == '[' && letter_++ == 0) {
      is_break_ = c == 'h';  // "[heap]"
    }
    return false;
  }

 private:
  static constexpr int kPathLetters = 12;

  bool is_memory() const {
    static const char* const kNames[] = {"/dev/zero", "/memfd:", "/dev/shm/", "/SYSV"};
    for (const char* name : kNames) {
      int at = 0;
      while (name[at] != '\0' && name[at] == path_[at]) ++at;
      if (name[at] == '\0') return true;
    }
    return false;
  }

  void take_field(char c, Area* area) {
    if (c == ' ') {
      ++field_;
      letter_ = 0;
    } else if (field_ == 0 && c == '-') {
      in_end_ = true;
    } else if (field_ == 0) {
      uintptr_t& number = in_end_ ? area->end : area->begin;
      number = number * 16 + static_cast<uintptr_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    } else if (field_ == 1) {
      if (c == 'r') area->readable = true;
      if (c == 'w') area->writable = true;
      if (c == 'p') area->is_private = true;
    }
  }

  int field_ = 0;
  bool in_end_ = false;
  char first_ = 0;  // of the path
  int letter_ = 0;
  char path_[kPathLetters] = {};  // its beginning
  bool is_break_ = false;
};

}  // namespace

bool AddressSpace::add(const Area& area) {
  if (count_ == capacity_) {
    const size_t capacity = capacity_ == 0 ? kPage / sizeof(Area) * 4 : capacity_ * 2;
    Area* larger = map_scratch<Area>(capacity);
    if (larger == nullptr) return false;
    for (size_t i = 0; i < count_; ++i) larger[i] = areas_[i];
    areas_ = larger;  // the old one goes with the child
    capacity_ = capacity;
  }
  areas_[count_++] = area;
  return true;
}

bool AddressSpace::read() {
  const long file = system_call(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
  if (is_error(file)) return false;
  Line line;
  Area area{};
  char text[4096];
  for (;;) {
    const long bytes = system_call(SYS_read, file, text, sizeof text);
    if (bytes <= 0) break;
    for (long i = 0; i < bytes; ++i) {
      if (!line.take(text[i], &area)) continue;
      if (!add(area)) return false;
      line = {};
      area = {};
    }
  }
  system_call(SYS_close, file);
  const long pagemap = system_call(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
  if (!is_error(pagemap)) pagemap_ = static_cast<int>(pagemap);
  return count_ != 0;
}

// The first area that ends behind the address.
const Area* AddressSpace::first_behind(uintptr_t address) const {
  size_t low = 0;
  size_t high = count_;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (areas_[middle].end <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count_ ? &areas_[low] : nullptr;
}

const Area* AddressSpace::at(uintptr_t address) const {
  const Area* area = first_behind(address);
  return area != nullptr && area->begin <= address ? area : nullptr;
}

// The same, which is mostly the answer to the last question.
const Area* AddressSpace::nearest(uintptr_t address) {
  if (last_ != nullptr && address >= last_->begin && address < last_->end) return last_;
  return last_ = first_behind(address);
}

uintptr_t AddressSpace::next_page(uintptr_t address) {
  return address / kPage * kPage + kPage;
}

// A copy of a process has no page tables of what is shared, and a page that was never written to would be
// made by looking at it: what counts is which pages the memory itself has.
size_t AddressSpace::ask_for_shared(uintptr_t from, uintptr_t to, uint64_t* flags) {
  const uintptr_t first = from / kPage;
  uintptr_t pages = (to - 1) / kPage - first + 1;
  if (pages > kPagesAtOnce) pages = kPagesAtOnce;
  unsigned char there[kPagesAtOnce];
  if (is_error(system_call(SYS_mincore, first * kPage, pages * kPage, there))) return 0;
  for (size_t i = 0; i < pages; ++i) flags[i] = uint64_t{there[i] & 1u} << 63;
  return pages;
}

size_t AddressSpace::ask(uintptr_t from, uintptr_t to, uint64_t* flags) const {
  const uintptr_t first = from / kPage;
  uintptr_t pages = (to - 1) / kPage - first + 1;
  if (pages > kPagesAtOnce) pages = kPagesAtOnce;
  const long bytes =
      system_call(SYS_pread64, pagemap_, flags, pages * sizeof(uint64_t), first * sizeof(uint64_t));
  return bytes <= 0 ? 0 : static_cast<size_t>(bytes) / sizeof(uint64_t);
}

}  // namespace leakhunt::tracker
