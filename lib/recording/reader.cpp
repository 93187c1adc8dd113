#include "lib/recording/reader.h"

namespace leakhunt::recording {

tl::expected<bool, Error> Reader::poll(Growth growth) {
  if (auto ready = scanner_.refresh(); !ready) return tl::unexpected(ready.error());
  bool changed = false;
  Frame frame;
  Skipped skipped;
  while (scanner_.next(&frame, &skipped, growth)) {
    builder_.skipped(skipped);
    builder_.take(frame);
    changed = true;
  }
  builder_.settle(scanner_.tail());
  return changed;
}

tl::expected<Run, Error> read_recording(const std::string& path) {
  Reader reader(path);
  if (auto read = reader.poll(); !read) return tl::unexpected(read.error());
  return std::move(reader).take_run();
}

}  // namespace leakhunt::recording
