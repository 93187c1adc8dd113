#include "lib/trainer/checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "lib/recording/fast_crc.h"

namespace leakhunt::trainer {
namespace {

constexpr char other_file_mend[] = "give another checkpoint";

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return recording::fast_crc32c(0, bytes.data(), bytes.size());
}

// A path too long for the system would not open under a shorter name.
void copy_path(const char* path, const char* suffix, char (&out)[PATH_MAX]) {
  const int length = std::snprintf(out, sizeof out, "%s%s", path, suffix);
  if (length < 0 || static_cast<std::size_t>(length) >= sizeof out) {
    throw CheckpointWriteError("a checkpoint's path is longer than this system allows: " + std::string(path));
  }
}

// Without O_NONBLOCK a pipe without a writer would be waited for.
int open_to_read(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    throw CheckpointError(path + ": cannot be opened: " + std::strerror(errno) +
                          "; give the path of a checkpoint (.lhc)");
  }
  return file;
}

}  // namespace

FileHandle::~FileHandle() {
  if (number >= 0) close(number);
}

CheckpointWriter::CheckpointWriter(const char* path, std::pmr::memory_resource& memory)
    : memory_(memory), buffer_(nullptr), file_(-1) {
  copy_path(path, "", path_);
  copy_path(path, ".tmp", temporary_);
  file_.number = open(temporary_, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file_.number < 0) fail("cannot be created");
  buffer_ = static_cast<std::byte*>(memory_.allocate(checkpoint_buffer_bytes));
}

CheckpointWriter::~CheckpointWriter() {
  if (file_.number >= 0) unlink(temporary_);  // not committed
  if (buffer_ != nullptr) memory_.deallocate(buffer_, checkpoint_buffer_bytes);
}

void CheckpointWriter::begin(const CheckpointHeader& header, const Vocabulary& vocabulary) {
  assert(flaw_in(header).empty() && vocabulary.size() == header.model.vocabulary);
  const std::span fixed(buffer_, checkpoint_fixed_bytes);
  encode(header, buffer_);
  const std::span characters = std::as_bytes(vocabulary.characters());
  filled_ = fixed.size();
  const std::uint32_t crc = recording::fast_crc32c(crc_of(fixed), characters.data(), characters.size());
  append(characters);
  append(std::as_bytes(std::span(&crc, 1)));
}

void CheckpointWriter::write_checked(std::span<const std::byte> bytes) {
  const std::uint32_t crc = crc_of(bytes);
  append(bytes);
  append(std::as_bytes(std::span(&crc, 1)));
}

void CheckpointWriter::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (filled_ == checkpoint_buffer_bytes) flush();
    const std::size_t count = std::min(bytes.size(), checkpoint_buffer_bytes - filled_);
    std::memcpy(buffer_ + filled_, bytes.data(), count);
    filled_ += count;
    bytes = bytes.subspan(count);
  }
}

void CheckpointWriter::flush() {
  for (std::size_t written = 0; written < filled_;) {
    const ssize_t count = ::write(file_.number, buffer_ + written, filled_ - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot be written");
    written += static_cast<std::size_t>(count);
  }
  filled_ = 0;
}

void CheckpointWriter::commit() {
  flush();
  if (fsync(file_.number) != 0) fail("cannot be written");
  const int file = file_.number;
  if (rename(temporary_, path_) != 0) fail("cannot be put in its place");
  file_.number = -1;  // committed: nothing is left to remove
  if (close(file) != 0) fail("cannot be written");
  sync_folder();
}

// The rename itself lives in the folder.
void CheckpointWriter::sync_folder() {
  char folder[PATH_MAX] = ".";
  const char* slash = std::strrchr(path_, '/');
  if (slash != nullptr) {
    const auto length = std::max(static_cast<std::size_t>(slash - path_), std::size_t{1});
    std::memcpy(folder, path_, length);
    folder[length] = '\0';
  }
  const FileHandle opened(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder and say EINVAL; the rename is done all the same.
  if (opened.number >= 0 && fsync(opened.number) != 0 && errno != EINVAL) fail("its folder cannot be synced");
}

void CheckpointWriter::fail(const char* what) {
  const std::string reason = std::strerror(errno);
  throw CheckpointWriteError(std::string(path_) + ": the checkpoint " + what + ": " + reason +
                             "; make room or choose another --out DIR, then go on with --resume");
}

CheckpointReader::CheckpointReader(const std::string& path, std::pmr::memory_resource& memory)
    : path_(path), file_(open_to_read(path)), file_bytes_(0), vocabulary_(read_header(memory)) {}

Vocabulary CheckpointReader::read_header(std::pmr::memory_resource& memory) {
  struct stat status = {};
  if (fstat(file_.number, &status) != 0 || !S_ISREG(status.st_mode)) {
    refuse(S_ISDIR(status.st_mode) ? "is a folder" : "is no ordinary file", "give a checkpoint (.lhc)");
  }
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);

  std::byte start[checkpoint_fixed_bytes] = {};
  const std::size_t readable = std::min<std::uint64_t>(file_bytes_, sizeof start);
  take(std::span(start).first(readable));
  check_fixed_part(std::span(start).first(readable));

  std::pmr::vector<std::byte> whole(stated_header_bytes(start), &memory);
  std::copy(std::begin(start), std::end(start), whole.begin());
  take(std::span(whole).subspan(sizeof start));
  header_ = decode_checkpoint_header(start);
  check_header(whole);

  std::pmr::vector<char32_t> characters(header_.model.vocabulary, &memory);
  std::memcpy(characters.data(), whole.data() + sizeof start, characters.size() * sizeof(char32_t));
  const auto ascends = [](char32_t a, char32_t b) { return a >= b; };
  if (std::adjacent_find(characters.begin(), characters.end(), ascends) != characters.end() ||
      characters.back() > largest_character) {
    refuse_damaged("its vocabulary");
  }
  return {characters, memory};
}

// Up to here nothing is checksummed: only that it is ours, ours of now, and as long as it must be to go on.
void CheckpointReader::check_fixed_part(std::span<const std::byte> start) const {
  const std::size_t known = std::min(start.size(), sizeof checkpoint_magic);
  if (std::memcmp(start.data(), checkpoint_magic, known) != 0) {
    refuse("is no checkpoint of this trainer", "give a file that --out or --checkpoint-every wrote (.lhc)");
  }
  if (start.size() < checkpoint_fixed_bytes) {
    refuse("is cut off after " + std::to_string(file_bytes_) + " bytes", other_file_mend);
  }
  std::uint32_t version = 0;
  std::memcpy(&version, start.data() + sizeof checkpoint_magic, sizeof version);
  if (version != checkpoint_version) {
    refuse("is of version " + std::to_string(version) + ", and this program reads version " +
               std::to_string(checkpoint_version),
           "use the program that wrote it");
  }
  const std::uint32_t bytes = stated_header_bytes(start.data());
  const bool possible = bytes > checkpoint_header_bytes(0) &&
                        bytes <= checkpoint_header_bytes(std::uint64_t{largest_character} + 1);
  if (!possible) refuse_damaged("its header");
  if (bytes > file_bytes_) {
    refuse("is cut off after " + std::to_string(file_bytes_) + " bytes", other_file_mend);
  }
}

void CheckpointReader::check_header(std::span<const std::byte> whole) const {
  const auto covered = whole.first(whole.size() - checkpoint_crc_bytes);
  std::uint32_t crc = 0;
  std::memcpy(&crc, whole.data() + covered.size(), sizeof crc);
  if (crc != crc_of(covered)) refuse_damaged("its header");
  const std::string flaw = flaw_in(header_);
  if (!flaw.empty()) refuse("describes " + flaw, other_file_mend);
  if (whole.size() != checkpoint_header_bytes(header_.model.vocabulary)) refuse_damaged("its vocabulary");
  const std::uint64_t expected = checkpoint_file_bytes(header_);
  if (file_bytes_ < expected) {
    refuse("is cut off after " + std::to_string(file_bytes_) + " of " + std::to_string(expected) + " bytes",
           other_file_mend);
  }
  if (file_bytes_ > expected) refuse("has bytes after its end", other_file_mend);
}

void CheckpointReader::read_checked(std::span<std::byte> bytes) {
  assert(bytes.size() == header_.model.parameter_count() * header_.real_bytes);
  std::uint32_t crc = 0;
  take(bytes);
  take(std::as_writable_bytes(std::span(&crc, 1)));
  if (crc != crc_of(bytes)) refuse_damaged("its tensors");
}

void CheckpointReader::take(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t count = ::read(file_.number, out.data(), out.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(std::string("cannot be read: ") + std::strerror(errno), other_file_mend);
    if (count == 0) refuse("became shorter while it was read", other_file_mend);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

void CheckpointReader::refuse(const std::string& what, const std::string& mend) const {
  throw CheckpointError(path_ + " " + what + ": " + mend);
}

void CheckpointReader::refuse_damaged(const std::string& what) const {
  refuse("is damaged (the checksum of " + what + " does not match)", other_file_mend);
}

}  // namespace leakhunt::trainer
