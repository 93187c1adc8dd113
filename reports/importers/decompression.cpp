#include "reports/importers/decompression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace leakhunt::reports {

namespace {

using Refusal = tl::unexpected<std::string>;

constexpr size_t kChunk = 1 << 16;
constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";

std::string too_large(size_t largest) {
  return fmt::format("it holds more than {} bytes once it is opened: too much", largest);
}

std::string cut_off(const char* kind, size_t opened) {
  return fmt::format("the {} data ends in the middle, or is damaged, behind {} bytes of content", kind,
                     opened);
}

tl::expected<std::string, std::string> gunzipped(const std::string& content, size_t largest) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return Refusal("zlib has no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&stream, inflateEnd);
  std::string opened;
  std::vector<char> chunk(kChunk);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(content.size());
  for (int result = Z_OK; result != Z_STREAM_END || stream.avail_in > 0;) {
    if (result == Z_STREAM_END && inflateReset(&stream) != Z_OK) break;  // another member follows
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    result = inflate(&stream, Z_NO_FLUSH);
    opened.append(chunk.data(), chunk.size() - stream.avail_out);
    if (opened.size() > largest) return Refusal(too_large(largest));
    if (result != Z_OK && result != Z_STREAM_END) return Refusal(cut_off("gzip", opened.size()));
  }
  return opened;
}

tl::expected<std::string, std::string> unzstd(const std::string& content, size_t largest) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                        ZSTD_freeDStream);
  if (stream == nullptr) return Refusal("libzstd has no memory");
  std::string opened;
  std::vector<char> chunk(kChunk);
  ZSTD_inBuffer in{content.data(), content.size(), 0};
  size_t wants = 1;  // 0: a frame is complete
  for (bool full = false; in.pos < in.size || full;) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    wants = ZSTD_decompressStream(stream.get(), &out, &in);
    opened.append(chunk.data(), out.pos);
    if (ZSTD_isError(wants) != 0) return Refusal(cut_off("zstd", opened.size()));
    if (opened.size() > largest) return Refusal(too_large(largest));
    full = out.pos == out.size;
  }
  if (wants != 0) return Refusal(cut_off("zstd", opened.size()));
  return opened;
}

}  // namespace

tl::expected<std::string, std::string> decompressed(std::string content, size_t largest) {
  if (content.size() > largest) return Refusal(too_large(largest));
  if (content.starts_with(kGzip)) return gunzipped(content, largest);
  if (content.starts_with(kZstd)) return unzstd(content, largest);
  return content;
}

}  // namespace leakhunt::reports
