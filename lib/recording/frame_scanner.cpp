#include "lib/recording/frame_scanner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "lib/recording/codec.h"
#include "lib/recording/column_streams.h"
#include "lib/recording/fast_crc.h"

namespace leakhunt::recording {

namespace {

constexpr size_t kWindow = 1 << 20;
constexpr size_t kPage = 4096;
// Bytes of candidates that a search may check for each byte of the file. Honest damage needs about one.
constexpr uint64_t kResyncEffort = 16;

uint64_t aligned(uint64_t bytes) {
  return (bytes + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

bool all_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

FrameScanner::~FrameScanner() {
  if (file_ >= 0) close(file_);
}

FrameScanner::FrameScanner(FrameScanner&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      header_checked_(other.header_checked_),
      file_bytes_(other.file_bytes_),
      position_(other.position_),
      resync_bytes_(other.resync_bytes_),
      window_(std::move(other.window_)),
      window_offset_(other.window_offset_) {}

Error FrameScanner::error(const std::string& what) const {
  return {fmt::format("{}: {}", path_, what)};
}

tl::expected<void, Error> FrameScanner::open() {
  // Non-blocking, so that a FIFO is refused below instead of waited for.
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) {
    const int problem = errno;
    const char* mend = problem == ENOENT ? "give the path of a recording, as in DIR/recording.lhr"
                                         : "check its path and rights";
    return tl::unexpected(error(fmt::format("{}; {}", std::strerror(problem), mend)));
  }
  return {};
}

tl::expected<void, Error> FrameScanner::refresh() {
  if (file_ < 0) {
    if (auto opened = open(); !opened) return opened;
  }
  struct stat status {};
  if (fstat(file_, &status) != 0) return tl::unexpected(error(std::strerror(errno)));
  if (S_ISDIR(status.st_mode)) {
    return tl::unexpected(
        error(fmt::format("is a directory; name the recording in it, as in {}/recording.lhr", path_)));
  }
  if (!S_ISREG(status.st_mode))
    return tl::unexpected(error("is not a regular file; copy the recording to one"));
  file_bytes_ = static_cast<uint64_t>(status.st_size);
  window_.clear();
  resync_bytes_ = 0;
  if (!header_checked_) return check_file_header();
  if (file_bytes_ < position_) return tl::unexpected(error("became shorter while it was read; read it anew"));
  return {};
}

tl::expected<void, Error> FrameScanner::check_file_header() {
  if (file_bytes_ == 0) return tl::unexpected(error("is empty, nothing was recorded; run the target again"));
  const auto bytes = bytes_at(0, sizeof(FileHeader));
  const size_t magic_bytes = std::min(bytes.size(), sizeof kFileMagic);
  if (bytes.empty() || std::memcmp(bytes.data(), kFileMagic, magic_bytes) != 0) {
    return tl::unexpected(
        error("is not a recording of leakhunt; give the .lhr file that `leakhunt run` wrote"));
  }
  if (bytes.size() < sizeof(FileHeader)) {
    return tl::unexpected(error("ends inside its header, nothing was recorded; run the target again"));
  }
  FileHeader header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version > kColumnsVersion) {
    return tl::unexpected(
        error(fmt::format("has format {}, newer than the {} that this leakhunt reads; use the version "
                          "that wrote it",
                          header.version, kColumnsVersion)));
  }
  const bool is_known = header.version == kFormatVersion || header.version == kPackedVersion ||
                        header.version == kColumnsVersion;
  if (!is_known || header.header_bytes != sizeof header) {
    return tl::unexpected(error("has a damaged file header; copy the file again, or run the target again"));
  }
  position_ = sizeof header;
  header_checked_ = true;
  return {};
}

// At least `wanted` bytes from `offset` on, or fewer where the file ends.
std::span<const uint8_t> FrameScanner::bytes_at(uint64_t offset, size_t wanted) {
  if (offset >= file_bytes_) return {};
  wanted = static_cast<size_t>(std::min<uint64_t>(wanted, file_bytes_ - offset));
  const bool inside = offset >= window_offset_ && offset + wanted <= window_offset_ + window_.size();
  if (!inside) {
    window_.resize(static_cast<size_t>(std::min<uint64_t>(std::max(wanted, kWindow), file_bytes_ - offset)));
    window_offset_ = offset;
    size_t filled = 0;
    while (filled < window_.size()) {
      const ssize_t got =
          pread(file_, window_.data() + filled, window_.size() - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;  // cut off meanwhile, or unreadable: as if the file ended here
      filled += static_cast<size_t>(got);
    }
    window_.resize(filled);
  }
  return std::span<const uint8_t>(window_).subspan(static_cast<size_t>(offset - window_offset_));
}

bool FrameScanner::header_at(uint64_t offset, FrameHeader* header) {
  const auto bytes = bytes_at(offset, sizeof *header);
  if (bytes.size() < sizeof *header) return false;
  std::memcpy(header, bytes.data(), sizeof *header);
  return true;
}

bool FrameScanner::frame_fits(uint64_t offset, const FrameHeader& header) const {
  return header.length <= kMaxPayload && frame_size(header.length) <= file_bytes_ - offset;
}

bool FrameScanner::frame_at(uint64_t offset, Frame* frame) {
  FrameHeader header{};
  if (!header_at(offset, &header) || header.magic != kFrameMagic || !frame_fits(offset, header)) return false;
  const size_t size = frame_size(header.length);
  const auto bytes = bytes_at(offset, size);
  if (bytes.size() < size) return false;
  const uint8_t* payload = bytes.data() + sizeof header;
  if (fast_frame_crc(header.type, header.length, payload) != header.crc) return false;
  *frame = {static_cast<RecordType>(header.type), offset, size, {payload, header.length}};
  return true;
}

bool FrameScanner::next(Frame* frame, Skipped* skipped, Growth growth) {
  *skipped = {};
  if (!frame_at(position_, frame)) {
    if (growth == Growth::kGrowing && zeros_at_position()) return false;
    if (!resync(frame, skipped)) return false;
  }
  position_ = frame->offset + frame->size;
  return true;
}

bool FrameScanner::zeros_at_position() {
  const auto bytes = bytes_at(position_, kPage);
  return all_zero(bytes.first(std::min(bytes.size(), kPage)));
}

bool FrameScanner::resync(Frame* frame, Skipped* skipped) {
  uint64_t records = 1;
  for (uint64_t offset = position_ + kFrameAlignment;; offset += kFrameAlignment) {
    FrameHeader header{};
    if (!header_at(offset, &header)) return false;
    if (header.magic != kFrameMagic || !frame_fits(offset, header)) continue;
    resync_bytes_ += frame_size(header.length);
    if (resync_bytes_ > kResyncEffort * (file_bytes_ + kMaxPayload)) return false;
    if (frame_at(offset, frame)) {
      *skipped = {position_, offset - position_, records};
      return true;
    }
    ++records;
  }
}

// No good frame follows. A frame is whole once its magic is there (the writer stores it last), so one that is
// whole and wrong is damage, and so is anything but zeros in the magic's place.
Tail FrameScanner::tail() {
  Tail tail{position_, 0, 0, 0};
  uint64_t offset = position_;
  FrameHeader header{};
  while (header_at(offset, &header) && header.magic != 0) {
    const bool plausible = header.magic == kFrameMagic && header.length <= kMaxPayload;
    if (plausible && !frame_fits(offset, header)) break;
    ++tail.damaged_records;
    if (!plausible) {
      offset = std::min(aligned(end_of_content(offset)), file_bytes_);
      break;
    }
    offset += frame_size(header.length);
  }
  tail.damaged_bytes = offset - position_;
  tail.torn_bytes = file_bytes_ - offset;
  return tail;
}

// Offset behind the last byte from `from` on that is not zero.
uint64_t FrameScanner::end_of_content(uint64_t from) {
  uint64_t end = from;
  for (uint64_t offset = from; offset < file_bytes_;) {
    const auto bytes = bytes_at(offset, kPage);
    if (bytes.empty()) break;
    for (size_t i = bytes.size(); i > 0; --i) {
      if (bytes[i - 1] != 0) {
        end = offset + i;
        break;
      }
    }
    offset += bytes.size();
  }
  return end;
}

}  // namespace leakhunt::recording
