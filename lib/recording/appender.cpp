#include "lib/recording/appender.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "lib/recording/codec.h"
#include "lib/recording/fast_crc.h"
#include "lib/recording/frame_scanner.h"

namespace leakhunt::recording {

namespace {

constexpr size_t kSamplesPerRecord = 64 << 10;
constexpr size_t kSymbolsPerRecord = 1024;
constexpr size_t kSymbolBytesPerRecord = 1 << 20;  // of names, before equal ones are written once

// A file descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags) : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return descriptor_ >= 0; }

  bool write_at(uint64_t offset, std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      offset += static_cast<uint64_t>(written);
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return true;
  }

  bool cut_at(uint64_t size) { return ftruncate(descriptor_, static_cast<off_t>(size)) == 0; }

 private:
  int descriptor_;
};

tl::unexpected<Error> cannot_write(const std::string& path) {
  const int problem = errno;
  return tl::unexpected(Error{fmt::format("{}: cannot be written: {}; choose another directory with --out",
                                          path, std::strerror(problem))});
}

size_t name_bytes(const Symbol& symbol) {
  size_t bytes = symbol.module.size();
  for (const SourceFrame& frame : symbol.source_frames)
    bytes += 32 + frame.function.size() + frame.file.size();
  return bytes;
}

// The frames that `append` makes, behind the last whole frame of the file; what stands there torn is cut off.
template <typename Append>
tl::expected<void, Error> append_behind_last_frame(const std::string& path, Append append) {
  FrameScanner scanner(path);
  if (auto ready = scanner.refresh(); !ready) return ready;
  Frame frame;
  Skipped skipped;
  while (scanner.next(&frame, &skipped)) {
  }
  const Tail tail = scanner.tail();
  const uint64_t end = frame_size(tail.offset + tail.damaged_bytes) - sizeof(FrameHeader);  // rounded up to 8

  std::vector<uint8_t> bytes;
  if (tail.torn_bytes > 0) append_frame(bytes, RecordType::kTornTail, encode(TornTail{tail.torn_bytes}));
  append(bytes);
  File file(path, O_WRONLY);
  if (!file || !file.cut_at(end) || !file.write_at(end, bytes)) return cannot_write(path);
  return {};
}

}  // namespace

void append_file_header(std::vector<uint8_t>& to, uint32_t version) {
  FileHeader header{};
  std::copy(std::begin(kFileMagic), std::end(kFileMagic), header.magic);
  header.version = version;
  header.header_bytes = sizeof header;
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&header);
  to.insert(to.end(), bytes, bytes + sizeof header);
}

void append_frame(std::vector<uint8_t>& to, RecordType type, std::span<const uint8_t> payload) {
  FrameHeader header{};
  header.magic = kFrameMagic;
  header.length = static_cast<uint32_t>(payload.size());
  header.type = static_cast<uint32_t>(type);
  header.crc = fast_frame_crc(header.type, header.length, payload.data());
  const size_t end = to.size() + frame_size(payload.size());
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&header);
  to.insert(to.end(), bytes, bytes + sizeof header);
  to.insert(to.end(), payload.begin(), payload.end());
  to.resize(end);
}

void append_symbols(std::vector<uint8_t>& to, const Symbols& symbols) {
  std::vector<Symbol> part;
  size_t part_bytes = 0;
  const auto finish_part = [&] {
    if (!part.empty()) append_frame(to, RecordType::kSymbols, encode_symbols(part));
    part.clear();
    part_bytes = 0;
  };
  for (const auto& [address, symbol] : symbols) {
    part.push_back(symbol);
    part.back().address = address;
    part_bytes += name_bytes(symbol);
    if (part.size() >= kSymbolsPerRecord || part_bytes >= kSymbolBytesPerRecord) finish_part();
  }
  finish_part();
}

void append_host_samples(std::vector<uint8_t>& to, std::span<const HostSample> samples) {
  for (size_t first = 0; first < samples.size(); first += kSamplesPerRecord) {
    const auto part = samples.subspan(first, std::min(kSamplesPerRecord, samples.size() - first));
    append_frame(to, RecordType::kHostSamples, encode_host_samples(first, part));
  }
}

tl::expected<void, Error> create_recording(const std::string& path, const Scenario* scenario,
                                           const Budget& budget) {
  std::vector<uint8_t> bytes;
  append_file_header(bytes);
  if (scenario != nullptr) append_frame(bytes, RecordType::kScenario, encode(*scenario));
  append_frame(bytes, RecordType::kBudget, encode(budget));
  if (budget.has_more()) append_frame(bytes, RecordType::kLimits, encode_limits(budget));
  File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file || !file.write_at(0, bytes)) return cannot_write(path);
  return {};
}

tl::expected<void, Error> append_host_records(const std::string& path, const Symbols& symbols,
                                              std::span<const HostSample> samples,
                                              const std::optional<Outcome>& outcome,
                                              const LeftRunning& left_running, const DataNames& names) {
  return append_behind_last_frame(path, [&](std::vector<uint8_t>& bytes) {
    append_host_samples(bytes, samples);
    append_symbols(bytes, symbols);
    if (outcome) append_frame(bytes, RecordType::kOutcome, encode(*outcome));
    if (!left_running.empty())
      append_frame(bytes, RecordType::kLeftRunning, encode_left_running(left_running));
    if (!names.variables.empty() || !names.members.empty())
      append_frame(bytes, RecordType::kDataNames, encode(names));
  });
}

tl::expected<void, Error> append_record(const std::string& path, RecordType type, const Payload& payload) {
  return append_behind_last_frame(path,
                                  [&](std::vector<uint8_t>& bytes) { append_frame(bytes, type, payload); });
}

}  // namespace leakhunt::recording
