#include "reports/formats/gzip.h"

#include <zlib.h>

#include <array>
#include <new>
#include <ostream>

namespace leakhunt::reports {

namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: 16 more asks for gzip's frame
constexpr int kMemoryLevel = 8;       // zlib's default
constexpr size_t kBuffer = 65536;

}  // namespace

struct GzipWriter::State {
  z_stream stream{};
  std::string pending;
  std::array<char, kBuffer> compressed{};
};

GzipWriter::GzipWriter(std::ostream& out) : out_(out), state_(std::make_unique<State>()) {
  if (deflateInit2(&state_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

GzipWriter::~GzipWriter() {
  deflateEnd(&state_->stream);
}

void GzipWriter::write(std::string_view bytes) {
  state_->pending += bytes;
  if (state_->pending.size() >= kBuffer) pump(Z_NO_FLUSH);
}

void GzipWriter::finish() {
  pump(Z_FINISH);
}

void GzipWriter::pump(int flush) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(state_->pending.data());
  stream.avail_in = static_cast<uInt>(state_->pending.size());
  do {
    stream.next_out = reinterpret_cast<Bytef*>(state_->compressed.data());
    stream.avail_out = static_cast<uInt>(kBuffer);
    deflate(&stream, flush);
    out_.write(state_->compressed.data(), static_cast<std::streamsize>(kBuffer - stream.avail_out));
  } while (stream.avail_out == 0);
  state_->pending.clear();
}

}  // namespace leakhunt::reports
