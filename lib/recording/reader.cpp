#include "lib/recording/reader.h"

#include <utility>

#include "lib/recording/codec.h"
#include "lib/recording/packing.h"

namespace leakhunt::recording {

tl::expected<bool, Error> Reader::poll(Growth growth) {
  if (auto ready = scanner_.refresh(); !ready) return tl::unexpected(ready.error());
  if (std::exchange(choice_, Peaks::kAll) == Peaks::kThatStay) look_at_peaks();
  bool changed = false;
  Frame frame;
  Skipped skipped;
  while (scanner_.next(&frame, &skipped, growth)) {
    builder_.skipped(skipped);
    take(frame);
    changed = true;
  }
  builder_.settle(scanner_.tail());
  return changed;
}

void Reader::look_at_peaks() {
  SupersededPeaks peaks;
  const auto look = [&](const Frame& frame) {
    peaks.look(frame.type, frame.payload);
    return true;
  };
  const auto looked = for_each_frame(scanner_.path(), look);
  if (looked && *looked) peaks_ = std::move(peaks);
}

// What a packed record holds until it is found to be impossible counts; it is damage besides.
void Reader::take(const Frame& frame) {
  const auto take_inner = [&](RecordType type, std::span<const uint8_t> payload) {
    builder_.take({type, frame.offset, frame_size(payload.size()), payload});
  };
  if (peaks_ && peaks_->pass(frame.type, frame.payload, take_inner)) return;
  peaks_.reset();  // the content is impossible: the builder says so
  if (frame.type != RecordType::kPacked || !unpack(frame.payload, take_inner)) builder_.take(frame);
}

tl::expected<Run, Error> read_recording(const std::string& path) {
  Reader reader(path);
  if (auto read = reader.poll(); !read) return tl::unexpected(read.error());
  return std::move(reader).take_run();
}

}  // namespace leakhunt::recording
