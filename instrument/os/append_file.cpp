#include "instrument/os/append_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "instrument/os/atomics.h"
#include "instrument/os/memory_limit.h"
#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

using recording::FileHeader;
using recording::frame_size;
using recording::FrameHeader;

namespace {

constexpr size_t kLargestWindow = 16 << 20;
constexpr size_t kLeastWindow = 16 << 10;

int open_file(const char* path, int flags) {
  const long file = system_call(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
  return static_cast<int>(file);
}

bool read_at(int file, void* to, size_t bytes, uint64_t offset) {
  return system_call(SYS_pread64, file, to, bytes, offset) == static_cast<long>(bytes);
}

// A write beyond RLIMIT_FSIZE would raise SIGXFSZ in the target.
bool may_reach(uint64_t size) {
  rlimit limit{};
  return is_error(system_call(SYS_prlimit64, 0, RLIMIT_FSIZE, nullptr, &limit)) ||
         limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur;
}

// Bytes [from, to) of the file exist and have their blocks. fallocate where the file system has it, zeros
// otherwise.
long allocate_space(int file, uint64_t from, uint64_t to) {
  if (!may_reach(to)) return -EFBIG;
  const long result = system_call(SYS_fallocate, file, 0, from, to - from);
  if (result != -EOPNOTSUPP && result != -ENOSYS) return result;
  static const uint8_t zeros[kPage] = {};
  for (uint64_t at = from; at < to; at += kPage) {
    const long written = system_call(SYS_pwrite64, file, zeros, kPage, at);
    if (is_error(written)) return written;
    if (written != static_cast<long>(kPage)) return -ENOSPC;
  }
  return 0;
}

}  // namespace

int AppendFile::open(const char* path, size_t first_window) {
  path_ = path;
  const int file = open_file(path, O_RDWR | O_CREAT);
  if (is_error(file)) return error_ = -file;
  struct stat status {};
  system_call(SYS_fstat, file, &status);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (!S_ISREG(status.st_mode)) {
    error_ = EINVAL;
  } else if (status.st_size == 0 && !may_reach(sizeof(FileHeader))) {
    error_ = EFBIG;
  } else if (status.st_size == 0) {
    FileHeader header{};
    for (size_t i = 0; i < sizeof header.magic; ++i) header.magic[i] = recording::kFileMagic[i];
    header.version = recording::kFormatVersion;
    header.header_bytes = sizeof header;
    if (system_call(SYS_pwrite64, file, &header, sizeof header, 0) != sizeof header) error_ = ENOSPC;
    window_offset_ = 0;
    used_ = sizeof header;
  } else {
    const uint64_t end = end_of_frames(file, static_cast<uint64_t>(status.st_size));
    if (end == 0) error_ = EINVAL;
    window_offset_ = end / kPage * kPage;
    used_ = end % kPage;
  }
  system_call(SYS_close, file);
  if (error_ == 0) map_window_or_less(first_window, kLeastWindow);
  return error_;
}

uint64_t AppendFile::end_of_frames(int file, uint64_t file_bytes) {
  FileHeader header{};
  if (!read_at(file, &header, sizeof header, 0)) return 0;
  for (size_t i = 0; i < sizeof header.magic; ++i) {
    if (header.magic[i] != recording::kFileMagic[i]) return 0;
  }
  if (header.version != recording::kFormatVersion) return 0;
  uint64_t at = header.header_bytes;
  FrameHeader frame{};
  while (at + sizeof frame <= file_bytes && read_at(file, &frame, sizeof frame, at) &&
         frame.magic == recording::kFrameMagic && frame.length <= recording::kMaxPayload) {
    at += frame_size(frame.length);
  }
  return at;
}

bool AppendFile::is_same(int file) const {
  struct stat status {};
  return !is_error(system_call(SYS_fstat, file, &status)) && status.st_dev == device_ &&
         status.st_ino == inode_;
}

// On failure the old window stays: there may be room in it for one last word.
bool AppendFile::map_window(size_t bytes) {
  const uint64_t offset = (window_offset_ + used_) / kPage * kPage;
  const size_t used = static_cast<size_t>(window_offset_ + used_ - offset);
  const int file = open_file(path_, O_RDWR);
  if (is_error(file)) {
    error_ = -file;
    return false;
  }
  long result = is_same(file) ? allocate_space(file, offset, offset + bytes) : -ESTALE;
  if (!is_error(result)) {
    result = system_call(SYS_mmap, nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, offset);
  }
  system_call(SYS_close, file);
  if (is_error(result)) {
    error_ = static_cast<int>(-result);
    return false;
  }
  close();
  system_call(SYS_madvise, result, bytes, MADV_DONTFORK);
  window_ = reinterpret_cast<uint8_t*>(result);
  window_offset_ = offset;
  window_bytes_ = bytes;
  used_ = used;
  count_mapped(static_cast<int64_t>(bytes));
  return true;
}

// Where memory is short a small window is moved more often.
bool AppendFile::map_window_or_less(size_t bytes, size_t least) {
  while (bytes / 2 >= least && !may_map(bytes)) bytes /= 2;
  while (!map_window(bytes)) {
    if (error_ != ENOMEM || bytes / 2 < least) return false;
    bytes /= 2;
  }
  error_ = 0;
  return true;
}

bool AppendFile::has_smaller_window() {
  return window_ != nullptr && window_bytes_ > kSmallWindow && map_window(kSmallWindow);
}

uint8_t* AppendFile::reserve(size_t max_bytes) {
  const size_t needed = frame_size(max_bytes);
  if (unlikely(window_ == nullptr)) return nullptr;
  if (used_ + needed > window_bytes_) {
    size_t bytes = window_bytes_ < kLargestWindow ? window_bytes_ * 2 : kLargestWindow;
    while (bytes < needed + kPage) bytes *= 2;
    if (!map_window_or_less(bytes, needed + kPage)) return nullptr;
  }
  return window_ + used_ + sizeof(FrameHeader);
}

void AppendFile::commit(recording::RecordType type, size_t bytes) {
  FrameHeader* frame = reinterpret_cast<FrameHeader*>(window_ + used_);
  frame->length = static_cast<uint32_t>(bytes);
  frame->type = static_cast<uint32_t>(type);
  frame->crc = recording::frame_crc(frame->type, frame->length, frame + 1);
  store_release(frame->magic, recording::kFrameMagic);
  used_ += frame_size(bytes);
}

void AppendFile::close() {
  if (window_ == nullptr) return;
  system_call(SYS_munmap, window_, window_bytes_);
  count_mapped(-static_cast<int64_t>(window_bytes_));
  window_ = nullptr;
}

void AppendFile::close_and_trim() {
  if (window_ == nullptr) return;
  close();
  const int file = open_file(path_, O_RDWR);
  if (is_error(file)) return;
  system_call(SYS_ftruncate, file, window_offset_ + used_);
  system_call(SYS_close, file);
}

}  // namespace leakhunt::tracker
