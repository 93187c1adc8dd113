// checkpoint: a training on disk, written so that a crash at any moment leaves the old file or the new one.
//
// A file is written beside its place, synced, renamed over it, and the folder synced. It is read with every
// length and checksum verified before anything is believed: a file that is cut off, damaged or foreign ends
// in a CheckpointError, never in a crash or in more memory than the file is long. What is written passes
// through one buffer of checkpoint_buffer_bytes, what is read goes where it belongs: nothing is ever of the
// model's size.
//
// One thread at a time; independent of the precision. docs/checkpoint-format.md describes the file.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <stdexcept>
#include <string>

#include "lib/trainer/checkpoint_header.h"
#include "lib/trainer/vocabulary.h"

namespace leakhunt::trainer {

inline constexpr std::size_t checkpoint_buffer_bytes = 64 * 1024;

// One line for people: the file, what is wrong with it, and the mend.
struct CheckpointError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The same, of a file that could not be written: the disk is full, the folder is gone.
struct CheckpointWriteError : CheckpointError {
  using CheckpointError::CheckpointError;
};

// An open file, closed at the end.
struct FileHandle {
  explicit FileHandle(int opened) : number(opened) {}
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;

  int number;  // below 0: none
};

// Writes one file: begin(), then parameters, m and v with write(), then commit(). Without commit() nothing of
// it stays. Takes its buffer from `memory` and nothing else from any heap, unless it fails.
class CheckpointWriter {
 public:
  // Throws CheckpointWriteError, as every function here does, when the file cannot be written.
  CheckpointWriter(const char* path, std::pmr::memory_resource& memory);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  void begin(const CheckpointHeader& header, const Vocabulary& vocabulary);
  void write(std::span<const float> tensor) { write_checked(std::as_bytes(tensor)); }
  void write(std::span<const double> tensor) { write_checked(std::as_bytes(tensor)); }
  void commit();

 private:
  void write_checked(std::span<const std::byte> bytes);
  void append(std::span<const std::byte> bytes);
  void flush();
  void sync_folder();
  [[noreturn]] void fail(const char* what);

  std::pmr::memory_resource& memory_;
  std::byte* buffer_;
  std::size_t filled_ = 0;
  char path_[PATH_MAX];
  char temporary_[PATH_MAX];
  FileHandle file_;
};

// Reads one file: its header and vocabulary when it is made, then parameters, m and v with read(), in this
// order; whoever needs only the parameters stops after them.
class CheckpointReader {
 public:
  // Throws CheckpointError, as every function here does. The vocabulary comes from `memory` too.
  CheckpointReader(const std::string& path, std::pmr::memory_resource& memory);
  CheckpointReader(const CheckpointReader&) = delete;
  CheckpointReader& operator=(const CheckpointReader&) = delete;

  const CheckpointHeader& header() const { return header_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }

  // The next tensor. `tensor` must have the header's parameter count and precision.
  void read(std::span<float> tensor) { read_checked(std::as_writable_bytes(tensor)); }
  void read(std::span<double> tensor) { read_checked(std::as_writable_bytes(tensor)); }

  // Throws: `what` is wrong with this file, and `mend` helps.
  [[noreturn]] void refuse(const std::string& what, const std::string& mend) const;

 private:
  Vocabulary read_header(std::pmr::memory_resource& memory);
  void check_fixed_part(std::span<const std::byte> start) const;
  void check_header(std::span<const std::byte> whole) const;
  void read_checked(std::span<std::byte> bytes);
  void take(std::span<std::byte> out);
  [[noreturn]] void refuse_damaged(const std::string& what) const;

  std::string path_;
  FileHandle file_;
  std::uint64_t file_bytes_;
  CheckpointHeader header_ = {};
  Vocabulary vocabulary_;
};

}  // namespace leakhunt::trainer
