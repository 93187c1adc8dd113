// AppendFile: frames appended to a file through a shared mapping of its end, so that what was appended
// survives the death of the process, and no file descriptor stays open in the target.
//
// Space is allocated by the file system before it is mapped: a full disk is an error here, never a SIGBUS
// there. The file ends in zeros beyond the last frame; the host cuts them off.
//
// Thread-safety: none; the recorder serialises.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/recording/codec.h"

namespace leakhunt::tracker {

class AppendFile {
 public:
  // The space that is allocated at first: of the process that was started, and of one among perhaps thousands
  // of its children.
  static constexpr size_t kFirstWindow = 256 << 10;
  static constexpr size_t kSmallWindow = 64 << 10;

  // Opens the recording at `path` (absolute; kept by reference) behind its last whole frame, or creates it
  // with a file header. 0, or the errno of what failed. A forked child does not have the mapping.
  int open(const char* path, size_t first_window = kFirstWindow);

  // Memory for a payload of at most `max_bytes`, to be encoded and committed next. Null, with error() set,
  // when the file cannot grow.
  uint8_t* reserve(size_t max_bytes);

  // Makes the reserved payload's first `bytes` a frame. It is in the file from here on.
  void commit(recording::RecordType type, size_t bytes);

  // A window that is as small as that of one process among many, where it was larger. False where it was not.
  bool has_smaller_window();

  // Gives the mapping back. Appending is over.
  void close();
  // The same, and the space that was not needed.
  void close_and_trim();

  // Whether an open file is the one that is written, and not another that has taken its name since.
  bool is_same(int file) const;

  // Where the part of the file is mapped that is being written.
  const uint8_t* window() const { return window_; }
  size_t window_bytes() const { return window_bytes_; }

  int error() const { return error_; }
  uint64_t size() const { return window_offset_ + used_; }

 private:
  bool map_window(size_t bytes);
  bool map_window_or_less(size_t bytes, size_t least);
  uint64_t end_of_frames(int file, uint64_t file_bytes);

  const char* path_ = nullptr;
  uint8_t* window_ = nullptr;
  uint64_t window_offset_ = 0;  // in the file, page aligned
  size_t window_bytes_ = 0;
  size_t used_ = 0;  // of the window, multiple of 8
  int error_ = 0;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

}  // namespace leakhunt::tracker
