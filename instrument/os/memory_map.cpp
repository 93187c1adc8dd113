#include "instrument/os/memory_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"
#include "instrument/os/text.h"

namespace leakhunt::tracker {

namespace {

constexpr size_t kPathBytes = 256;

long open_in(const char* proc, const char* name) {
  char path[kPathBytes];
  if (!Text(path, sizeof path).put(proc).put('/').put(name).fits()) return -ENAMETOOLONG;
  return system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

bool is_hexadecimal(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

const char* parse_hexadecimal(const char* at, uintptr_t* value) {
  *value = 0;
  for (; is_hexadecimal(*at); ++at)
    *value = *value * 16 + static_cast<uintptr_t>(*at <= '9' ? *at - '0' : *at - 'a' + 10);
  return at;
}

const char* behind_spaces(const char* at) {
  while (*at == ' ') ++at;
  return at;
}

const char* behind_word(const char* at) {
  while (*at != ' ' && *at != '\0') ++at;
  return behind_spaces(at);
}

// The line is "Name:   123 kB", and this is its name. Adds the bytes to a sum.
bool add_field(const char* line, const char* name, uint64_t* sum) {
  while (*name != '\0' && *line == *name) ++line, ++name;
  if (*name != '\0' || *line != ':') return false;
  uint64_t value = 0;
  for (const char* at = behind_spaces(line + 1); *at >= '0' && *at <= '9'; ++at)
    value = value * 10 + static_cast<uint64_t>(*at - '0');
  *sum += value << 10;
  return true;
}

void take_field(const char* line, MemoryArea* area) {
  switch (line[0]) {
    case 'R':
      add_field(line, "Rss", &area->resident);
      break;
    case 'S':
      if (add_field(line, "Shared_Dirty", &area->shared)) {
        add_field(line, "Shared_Dirty", &area->dirty);
      } else {
        add_field(line, "Shared_Clean", &area->shared);
      }
      break;
    case 'P':
      add_field(line, "Private_Dirty", &area->dirty);
      break;
    default:
      break;
  }
}

}  // namespace

int MemoryMap::open(const char* proc, Detail detail) {
  *this = MemoryMap();
  file_ = open_in(proc, detail == Detail::kSmaps ? "smaps" : "maps");
  if (is_error(file_)) return static_cast<int>(-file_);
  buffer_ = static_cast<char*>(map_pages(kBuffer));
  if (buffer_ == nullptr) {
    close();
    return ENOMEM;
  }
  return 0;
}

void MemoryMap::close() {
  if (!is_error(file_)) system_call(SYS_close, file_);
  if (buffer_ != nullptr) unmap_pages(buffer_, kBuffer);
  file_ = -1;
  buffer_ = nullptr;
}

// What does not fit the buffer is left out of the line.
bool MemoryMap::read_line() {
  for (size_t end = at_;; ++end) {
    if (end == filled_) {
      if (at_ == 0 && filled_ == kBuffer) filled_ = kBuffer / 2;
      for (size_t i = at_; i < filled_; ++i) buffer_[i - at_] = buffer_[i];
      filled_ -= at_;
      end -= at_;
      if (end > filled_) end = filled_;
      at_ = 0;
      const long bytes = system_call(SYS_read, file_, buffer_ + filled_, kBuffer - filled_);
      if (bytes <= 0) {
        if (bytes < 0) error_ = static_cast<int>(-bytes);
        return false;
      }
      filled_ += static_cast<size_t>(bytes);
    }
    if (buffer_[end] != '\n') continue;
    buffer_[end] = '\0';
    line_ = buffer_ + at_;
    at_ = end + 1;
    return true;
  }
}

// "7f12a000-7f12c000 rw-p 00000000 fe:00 247498   /usr/bin/head"
bool MemoryMap::take_header(MemoryArea* area) {
  *area = MemoryArea{};
  const char* at = parse_hexadecimal(line_, &area->begin);
  if (*at != '-') return false;
  at = parse_hexadecimal(at + 1, &area->end);
  if (*at != ' ') return false;
  for (++at; *at != ' ' && *at != '\0'; ++at) {
    if (*at == 'r') area->protection |= PROT_READ;
    if (*at == 'w') area->protection |= PROT_WRITE;
    if (*at == 'x') area->protection |= PROT_EXEC;
  }
  at = behind_word(behind_word(behind_spaces(at)));  // offset, device
  area->has_inode = *at != '0';
  at = behind_word(at);
  Text name(name_, sizeof name_);
  for (; *at != '\0'; ++at) name.put(*at);
  area->name = name_;
  return true;
}

bool MemoryMap::next(MemoryArea* area) {
  if (buffer_ == nullptr || (!header_ahead_ && !read_line())) return false;
  header_ahead_ = false;
  if (!take_header(area)) {
    error_ = EINVAL;
    return false;
  }
  while (read_line()) {
    header_ahead_ = is_hexadecimal(line_[0]);
    if (header_ahead_) return true;
    take_field(line_, area);
  }
  return error_ == 0;
}

int PageMap::open(const char* proc) {
  file_ = open_in(proc, "pagemap");
  if (is_error(file_)) return static_cast<int>(-file_);
  entries_ = static_cast<uint64_t*>(map_pages(kEntries * sizeof(uint64_t)));
  if (entries_ != nullptr) return 0;
  close();
  return ENOMEM;
}

void PageMap::close() {
  if (!is_error(file_)) system_call(SYS_close, file_);
  if (entries_ != nullptr) unmap_pages(entries_, kEntries * sizeof(uint64_t));
  file_ = -1;
  entries_ = nullptr;
}

bool PageMap::for_each_resident(uintptr_t begin, uintptr_t end, bool has_shared, Resident resident,
                                void* context) {
  constexpr uint64_t kPresent = uint64_t{1} << 63;
  constexpr uint64_t kOfFile = uint64_t{1} << 61;
  constexpr uint64_t kExclusive = uint64_t{1} << 56;
  const size_t pages = (end - begin) / kPage;
  for (size_t first = 0; first < pages;) {
    const size_t wanted = pages - first < kEntries ? pages - first : kEntries;
    const long bytes = system_call(SYS_pread64, file_, entries_, wanted * sizeof(uint64_t),
                                   (begin / kPage + first) * sizeof(uint64_t));
    if (bytes <= 0) return false;
    const size_t got = static_cast<size_t>(bytes) / sizeof(uint64_t);
    for (size_t i = 0; i < got; ++i) {
      const uint64_t entry = entries_[i];
      if ((entry & kPresent) != 0 && (has_shared || (entry & (kOfFile | kExclusive)) != 0))
        resident(context, first + i);
    }
    first += got;
  }
  return true;
}

}  // namespace leakhunt::tracker
