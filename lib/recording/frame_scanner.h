// FrameScanner: finds the whole frames of a recording, one after the other, in a file that may still be
// growing. It knows framing and checksums; what the records mean is run_builder.h's affair.
//
//   good frame      magic, a length that fits, checksum right: handed out
//   damage          anything else that has a good frame somewhere behind it, or a whole frame whose checksum
//   is wrong torn tail       what is left at the end: zeros, or a frame that was not finished. Normal
//
// Behind damage it looks for the next multiple of 8 at which a good frame begins; it does not trust the
// damaged frame's own length, which may be what was damaged. Nothing is decided about the tail before a good
// frame follows it: the next call looks at it again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/error.h"
#include "lib/recording/format.h"

namespace leakhunt::recording {

// A good frame. The payload belongs to the scanner and is valid until its next call.
struct Frame {
  RecordType type{};
  uint64_t offset = 0;
  uint64_t size = 0;  // header and padding included
  std::span<const uint8_t> payload;
};

// What was passed over in front of a frame.
struct Skipped {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t records = 0;  // places that looked like a frame and had a wrong checksum; at least 1 if bytes > 0
};

// What lies behind the last good frame.
struct Tail {
  uint64_t offset = 0;
  uint64_t damaged_bytes = 0;
  uint64_t damaged_records = 0;
  uint64_t torn_bytes = 0;  // after the damaged ones
};

// Is the file complete, or does someone still append to it? While it grows, a page of zeros behind the last
// frame is where the writer will go on, and looking further would only cost time.
enum class Growth { kFinished, kGrowing };

class FrameScanner {
 public:
  explicit FrameScanner(std::string path) : path_(std::move(path)) {}
  ~FrameScanner();
  FrameScanner(FrameScanner&& other) noexcept;
  FrameScanner& operator=(FrameScanner&&) = delete;

  // Opens the file if that was not done yet, and looks how long it is now. Fails when it is not a recording
  // of this version, cannot be read, or has become shorter than what was already handed out.
  tl::expected<void, Error> refresh();

  // The next good frame, and what was skipped in front of it; false at the end.
  bool next(Frame* frame, Skipped* skipped, Growth growth = Growth::kFinished);

  // What lies behind the last frame that next() gave, right after next() returned false.
  Tail tail();

  // Offset behind the last frame that next() gave.
  uint64_t position() const { return position_; }
  const std::string& path() const { return path_; }

 private:
  tl::expected<void, Error> open();
  tl::expected<void, Error> check_file_header();
  Error error(const std::string& what) const;

  std::span<const uint8_t> bytes_at(uint64_t offset, size_t wanted);
  bool header_at(uint64_t offset, FrameHeader* header);
  bool frame_fits(uint64_t offset, const FrameHeader& header) const;
  bool frame_at(uint64_t offset, Frame* frame);
  bool resync(Frame* frame, Skipped* skipped);
  bool zeros_at_position();
  uint64_t end_of_content(uint64_t from);

  std::string path_;
  int file_ = -1;
  bool header_checked_ = false;
  uint64_t file_bytes_ = 0;
  uint64_t position_ = 0;
  uint64_t resync_bytes_ = 0;  // checked while searching: bounded, so that hostile content costs linear time

  std::vector<uint8_t> window_;  // the file's bytes from window_offset_ on, as of the last refresh
  uint64_t window_offset_ = 0;
};

}  // namespace leakhunt::recording
