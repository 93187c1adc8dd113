#include "lib/recording/packing.h"

#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "lib/recording/appender.h"
#include "lib/recording/codec.h"
#include "lib/recording/frame_scanner.h"
#include "lib/recording/superseded_peaks.h"

namespace leakhunt::recording {

namespace {

constexpr int kLevel = 12;
constexpr uint64_t kPackBytes = 32u << 20;  // of payloads, after which a pack is closed

bool is_bounded(uint64_t bytes, uint64_t stream_bytes, size_t packed) {
  if (bytes > kMostUnpacked || bytes > kAlwaysUnpacked + kMostRatio * packed) return false;
  // A payload that lies apart needs little more than as a whole.
  return stream_bytes <= 2 * bytes + kStreams * kMaxVarint;
}

std::vector<uint8_t> joined(const StreamWriter& writer) {
  size_t bytes = 0;
  for (const auto& stream : writer.streams()) bytes += stream.size();
  std::vector<uint8_t> lengths(kStreams * kMaxVarint);
  Encoder out{lengths.data(), lengths.data() + lengths.size()};
  for (const auto& stream : writer.streams()) put_varint(out, stream.size());
  lengths.resize(static_cast<size_t>(out.cursor - lengths.data()));
  std::vector<uint8_t> all;
  all.reserve(lengths.size() + bytes);
  all.insert(all.end(), lengths.begin(), lengths.end());
  for (const auto& stream : writer.streams()) all.insert(all.end(), stream.begin(), stream.end());
  return all;
}

}  // namespace

void Packer::add(RecordType type, std::span<const uint8_t> payload) {
  writer_.add(type, payload);
  bytes_ += payload.size();
}

std::optional<std::vector<uint8_t>> Packer::finish() {
  const std::vector<uint8_t> all = joined(writer_);
  std::vector<uint8_t> packed(2 * kMaxVarint + ZSTD_compressBound(all.size()));
  Encoder out{packed.data(), packed.data() + packed.size()};
  put_varint(out, bytes_);
  put_varint(out, all.size());
  const size_t front = static_cast<size_t>(out.cursor - packed.data());
  const size_t compressed = ZSTD_compress(out.cursor, packed.size() - front, all.data(), all.size(), kLevel);
  const uint64_t bytes = std::exchange(bytes_, 0);
  writer_ = StreamWriter();
  if (ZSTD_isError(compressed) != 0) return std::nullopt;
  packed.resize(front + compressed);
  if (!is_bounded(bytes, all.size(), packed.size()) || packed.size() > kMaxPayload) return std::nullopt;
  return packed;
}

bool unpack(std::span<const uint8_t> payload, const StreamReader::Take& take) {
  Decoder in{payload.data(), payload.data() + payload.size()};
  const uint64_t bytes = get_varint(in);
  const uint64_t stream_bytes = get_varint(in);
  if (in.failed || bytes > kMostUnpacked || !is_bounded(bytes, stream_bytes, payload.size())) return false;
  std::vector<uint8_t> all(stream_bytes);
  const size_t opened =
      ZSTD_decompress(all.data(), all.size(), in.cursor, static_cast<size_t>(in.end - in.cursor));
  if (ZSTD_isError(opened) != 0 || opened != all.size()) return false;

  Decoder lengths{all.data(), all.data() + all.size()};
  std::array<uint64_t, kStreams> length{};
  for (uint64_t& each : length) each = get_varint(lengths);
  std::span<const uint8_t> left(lengths.cursor, lengths.end);
  std::array<std::span<const uint8_t>, kStreams> streams;
  for (size_t i = 0; i < kStreams; ++i) {
    if (lengths.failed || length[i] > left.size()) return false;
    streams[i] = left.first(length[i]);
    left = left.subspan(length[i]);
  }
  return left.empty() && StreamReader(streams).read(bytes, take);
}

namespace {

// The new file, until it takes the old one's place; readable for those who could read that one.
class Rewriting {
 public:
  explicit Rewriting(const std::string& path)
      : path_(path), unfinished_(path + ".part"), file_(unfinished_, std::ios::binary | std::ios::trunc) {
    append_file_header(bytes_, kPackedVersion);
    if (!file_.is_open()) return;
    is_ours_ = true;
    std::error_code ignored;
    const auto mode = std::filesystem::status(path_, ignored).permissions();
    std::filesystem::permissions(unfinished_, mode, ignored);
  }
  ~Rewriting() {
    if (is_ours_) std::remove(unfinished_.c_str());
  }
  Rewriting(const Rewriting&) = delete;
  Rewriting& operator=(const Rewriting&) = delete;

  void add(RecordType type, std::span<const uint8_t> payload) {
    if (packer_.bytes() + payload.size() > kPackBytes) close_pack();
    packer_.add(type, payload);
    append_frame(plain_, type, payload);
  }

  bool finish() {
    close_pack();
    file_.close();
    const bool done = file_.good() && std::rename(unfinished_.c_str(), path_.c_str()) == 0;
    if (done) is_ours_ = false;
    return done;
  }

 private:
  void close_pack() {
    if (packer_.bytes() > 0) {
      const auto packed = packer_.finish();
      if (packed && packed->size() < plain_.size()) {
        append_frame(bytes_, RecordType::kPacked, *packed);
      } else {
        bytes_.insert(bytes_.end(), plain_.begin(), plain_.end());
      }
    }
    plain_.clear();
    file_.write(reinterpret_cast<const char*>(bytes_.data()), static_cast<std::streamsize>(bytes_.size()));
    bytes_.clear();
  }

  std::string path_;
  std::string unfinished_;
  std::ofstream file_;
  std::vector<uint8_t> bytes_;
  std::vector<uint8_t> plain_;  // the records of the open pack, as they are
  Packer packer_;
  bool is_ours_ = false;  // the unfinished file
};

// Calls `each` for every frame. False where something is damaged, or packed already.
template <typename Each>
tl::expected<bool, Error> for_each_frame(const std::string& path, Each each) {
  FrameScanner scanner(path);
  if (auto ready = scanner.refresh(); !ready) return tl::unexpected(ready.error());
  Frame frame;
  Skipped skipped;
  while (scanner.next(&frame, &skipped)) {
    if (skipped.bytes > 0 || frame.type == RecordType::kPacked || !each(frame)) return false;
  }
  const Tail tail = scanner.tail();
  return tail.damaged_bytes == 0 && tail.torn_bytes == 0;
}

}  // namespace

tl::expected<void, Error> pack_recording(const std::string& path) {
  SupersededPeaks peaks;
  const auto looked = for_each_frame(path, [&](const Frame& frame) {
    peaks.look(frame.type, frame.payload);
    return true;
  });
  if (!looked) return tl::unexpected(looked.error());
  if (!*looked) return {};

  Rewriting rewriting(path);
  const auto add = [&](RecordType type, std::span<const uint8_t> payload) { rewriting.add(type, payload); };
  const auto passed =
      for_each_frame(path, [&](const Frame& frame) { return peaks.pass(frame.type, frame.payload, add); });
  if (!passed) return tl::unexpected(passed.error());
  if (!*passed) return {};
  if (!rewriting.finish())
    return tl::unexpected(Error{fmt::format("{}: cannot be rewritten compressed; it stays as it is", path)});
  return {};
}

}  // namespace leakhunt::recording
