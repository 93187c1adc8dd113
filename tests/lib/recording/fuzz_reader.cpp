// libFuzzer's way into the reader: no bytes whatever may make it crash, hang or break a promise of Run.
//
//   cmake -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DLEAKHUNT_FUZZ=ON -DLEAKHUNT_SANITIZE=address,undefined
//   cmake --build build/fuzz --target fuzz_reader && build/fuzz/tests/lib/recording/fuzz_reader
//
// The input follows a good file header. Its frames get their checksums here, for a fuzzer does not guess
// them: an odd last byte of the input asks for that, an even one leaves the bytes as they are.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "lib/recording/appender.h"
#include "lib/recording/codec.h"
#include "lib/recording/reader.h"

namespace leakhunt::recording {
namespace {

void mend_checksums(std::vector<uint8_t>& bytes) {
  for (size_t at = sizeof(FileHeader); at + sizeof(FrameHeader) <= bytes.size();) {
    FrameHeader header{};
    std::memcpy(&header, &bytes[at], sizeof header);
    header.magic = kFrameMagic;
    header.length %= 256;
    header.type %= 35;
    const size_t end = at + frame_size(header.length);
    if (end > bytes.size()) return;
    header.crc = frame_crc(header.type, header.length, &bytes[at] + sizeof header);
    std::memcpy(&bytes[at], &header, sizeof header);
    at = end;
  }
}

void expect(bool promise) {
  if (!promise) std::abort();
}

void check_promises(const Run& run) {
  for (const CallSite& site : run.sites) {
    expect(static_cast<size_t>(site.tag) < run.tags.size());
    size_t end = 0;
    for (const Stretch& stretch : site.series) {
      expect(stretch.first >= end && stretch.snapshots > 0);
      end = size_t{stretch.first} + stretch.snapshots;
    }
    expect(end <= run.snapshots.size());
  }
  for (const HeapGraph& graph : run.graphs) {
    for (const GraphEdgeRow& edge : graph.edges) {
      expect(edge.to < graph.nodes.size() && (edge.from == kNoNode || edge.from < graph.nodes.size()));
    }
    for (const GraphNodeRow& node : graph.nodes) expect(static_cast<size_t>(node.site) < run.sites.size());
  }
  for (const auto& peaks : run.tag_peaks) expect(peaks.size() == run.snapshots.size());
  expect(expand_sum(run, {}, Measure::kLiveBytes).size() == run.snapshots.size());
}

}  // namespace
}  // namespace leakhunt::recording

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leakhunt::recording;
  static const int file = memfd_create("recording", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  std::vector<uint8_t> bytes;
  append_file_header(bytes);
  bytes.insert(bytes.end(), data, data + size);
  if (size > 0 && data[size - 1] % 2 == 1) mend_checksums(bytes);
  if (ftruncate(file, 0) != 0 ||
      pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
  const auto run = read_recording(path);
  expect(run.has_value());
  check_promises(*run);
  return 0;
}
