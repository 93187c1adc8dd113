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
#include "lib/recording/graph_codec.h"
#include "lib/recording/superseded_peaks.h"

namespace leakhunt::recording {

namespace {

// A small recording is worth the effort; of a large one a tenth less would cost a second more.
constexpr int level_for(size_t bytes) {
  if (bytes <= 128u << 10) return 19;
  return bytes <= 1u << 20 ? 17 : 12;
}
constexpr uint64_t kPackBytes = 32u << 20;  // of payloads, after which a pack is closed

bool is_bounded(uint64_t bytes, uint64_t stream_bytes, size_t packed) {
  if (bytes > kMostUnpacked || bytes > kAlwaysUnpacked + kMostRatio * packed) return false;
  // A payload that lies apart needs little more than as a whole.
  return stream_bytes <= 2 * bytes + kStreams * kMaxVarint;
}

// The lengths of all streams and the streams; `ends`: where frames of zstd end. A large stream has one of its
// own, for it is like itself and not like others.
std::vector<uint8_t> joined(const StreamWriter& writer, std::vector<size_t>& ends) {
  constexpr size_t kLarge = 32 << 10;
  size_t bytes = 0;
  for (const auto& stream : writer.streams()) bytes += stream.size();
  std::vector<uint8_t> all(kStreams * kMaxVarint);
  Encoder out{all.data(), all.data() + all.size()};
  for (const auto& stream : writer.streams()) put_varint(out, stream.size());
  all.resize(static_cast<size_t>(out.cursor - all.data()));
  all.reserve(all.size() + bytes);
  for (const auto& stream : writer.streams()) {
    const bool is_large = stream.size() >= kLarge;
    if (is_large) ends.push_back(all.size());
    all.insert(all.end(), stream.begin(), stream.end());
    if (is_large) ends.push_back(all.size());
  }
  ends.push_back(all.size());
  return all;
}

// Behind `packed`; false when memory is short.
bool compress(std::span<const uint8_t> all, std::span<const size_t> ends, std::vector<uint8_t>& packed) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  size_t begin = 0;
  for (const size_t end : ends) {
    if (end == begin) continue;
    const size_t front = packed.size();
    packed.resize(front + ZSTD_compressBound(end - begin));
    const size_t size = ZSTD_compressCCtx(context.get(), &packed[front], packed.size() - front, &all[begin],
                                          end - begin, level_for(all.size()));
    if (ZSTD_isError(size) != 0) return false;
    packed.resize(front + size);
    begin = end;
  }
  return true;
}

}  // namespace

void Packer::add(RecordType type, std::span<const uint8_t> payload) {
  writer_.add(type, payload);
  bytes_ += payload.size();
}

std::optional<std::vector<uint8_t>> Packer::finish() {
  std::vector<size_t> ends;
  const std::vector<uint8_t> all = joined(writer_, ends);
  const uint64_t bytes = std::exchange(bytes_, 0);
  writer_ = StreamWriter();
  std::vector<uint8_t> packed(2 * kMaxVarint);
  Encoder out{packed.data(), packed.data() + packed.size()};
  put_varint(out, bytes);
  put_varint(out, all.size());
  packed.resize(static_cast<size_t>(out.cursor - packed.data()));
  if (!compress(all, ends, packed)) return std::nullopt;
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
    append_file_header(bytes_, kColumnsVersion);
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

}  // namespace

tl::expected<std::optional<Tail>, Error> for_each_frame(const std::string& path,
                                                        const std::function<bool(const Frame&)>& each) {
  FrameScanner scanner(path);
  if (auto ready = scanner.refresh(); !ready) return tl::unexpected(ready.error());
  Frame frame;
  Skipped skipped;
  while (scanner.next(&frame, &skipped)) {
    if (skipped.bytes > 0 || frame.type == RecordType::kPacked || !each(frame)) return std::nullopt;
  }
  const Tail tail = scanner.tail();
  if (tail.damaged_bytes != 0) return std::nullopt;
  return tail;
}

void leave_out_pointers(HeapGraph& graph) {
  graph.nodes = {};
  graph.edges = {};
  graph.whole = false;
}

namespace {

// Passes records on, of heap graphs only what is kept.
class GraphFilter {
 public:
  explicit GraphFilter(GraphDetail detail) : detail_(detail) {}

  template <typename Take>
  void pass(RecordType type, std::span<const uint8_t> payload, const Take& take) {
    if (detail_ == GraphDetail::kSums) {
      if (type == RecordType::kGraphNodes || type == RecordType::kGraphEdges) return;
      if (type == RecordType::kGraphEnd) payload = end_without_pointers(payload);
    }
    take(type, payload);
  }

 private:
  std::span<const uint8_t> end_without_pointers(std::span<const uint8_t> payload) {
    Decoder in{payload.data(), payload.data() + payload.size()};
    GraphEnd end = decode_graph_end(in);
    if (in.failed) return payload;
    end.whole = false;
    end.nodes = end.edges = 0;
    Encoder out{end_.data(), end_.data() + end_.size()};
    encode(out, end);
    return std::span(end_).first(static_cast<size_t>(out.cursor - end_.data()));
  }

  GraphDetail detail_;
  std::array<uint8_t, 16 * kMaxVarint> end_{};
};

}  // namespace

tl::expected<void, Error> pack_recording(const std::string& path, GraphDetail graphs) {
  SupersededPeaks peaks;
  const auto looked = for_each_frame(path, [&](const Frame& frame) {
    peaks.look(frame.type, frame.payload);
    return true;
  });
  if (!looked) return tl::unexpected(looked.error());
  if (!*looked || (*looked)->torn_bytes != 0) return {};

  Rewriting rewriting(path);
  GraphFilter filter(graphs);
  const auto add = [&](RecordType type, std::span<const uint8_t> payload) {
    filter.pass(type, payload,
                [&](RecordType kept, std::span<const uint8_t> bytes) { rewriting.add(kept, bytes); });
  };
  const auto passed =
      for_each_frame(path, [&](const Frame& frame) { return peaks.pass(frame.type, frame.payload, add); });
  if (!passed) return tl::unexpected(passed.error());
  if (!*passed || (*passed)->torn_bytes != 0) return {};
  if (!rewriting.finish())
    return tl::unexpected(Error{fmt::format("{}: cannot be rewritten compressed; it stays as it is", path)});
  return {};
}

}  // namespace leakhunt::recording
