#include "lib/recording/reader.h"

#include "lib/recording/codec.h"
#include "lib/recording/packing.h"

namespace leakhunt::recording {

tl::expected<bool, Error> Reader::poll(Growth growth) {
  if (auto ready = scanner_.refresh(); !ready) return tl::unexpected(ready.error());
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

// What a packed record holds until it is found to be impossible counts; it is damage besides.
void Reader::take(const Frame& frame) {
  const auto take_inner = [&](RecordType type, std::span<const uint8_t> payload) {
    builder_.take({type, frame.offset, frame_size(payload.size()), payload});
  };
  if (frame.type != RecordType::kPacked || !unpack(frame.payload, take_inner)) builder_.take(frame);
}

tl::expected<Run, Error> read_recording(const std::string& path) {
  Reader reader(path);
  if (auto read = reader.poll(); !read) return tl::unexpected(read.error());
  return std::move(reader).take_run();
}

}  // namespace leakhunt::recording
