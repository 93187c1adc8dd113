// Packing: many records as one, compressed (RecordType::kPacked); and a finished recording rewritten so.
//
//   payload := bytes of all payloads | bytes of all streams | frames of zstd: length of each stream, then the
//              streams
//
// What a packed record claims to hold is bounded before anything is allocated for it: hostile content costs
// no more than a multiple of its size.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/column_streams.h"
#include "lib/recording/error.h"
#include "lib/recording/format.h"
#include "lib/recording/frame_scanner.h"
#include "lib/recording/run.h"

namespace leakhunt::recording {

inline constexpr uint64_t kMostUnpacked = 64u << 20;  // bytes of payloads in one packed record
inline constexpr uint64_t kMostRatio = 256;           // of them to the packed record's own, beyond the first
inline constexpr uint64_t kAlwaysUnpacked = 64u << 10;

class Packer {
 public:
  void add(RecordType type, std::span<const uint8_t> payload);
  // Of the payloads that were added.
  uint64_t bytes() const { return bytes_; }
  // The packed record's payload, and the packer is empty again. Nothing when it would be one that unpack()
  // refuses, or memory is short: then the records have to be written as they are.
  std::optional<std::vector<uint8_t>> finish();

 private:
  StreamWriter writer_;
  uint64_t bytes_ = 0;
};

// How much of the heap graphs a packed recording keeps: everything, or only the sums by call site.
enum class GraphDetail { kAll, kSums };

// What GraphDetail::kSums leaves of a graph.
void leave_out_pointers(HeapGraph& graph);

// Calls `each` for every frame of a recording, until it returns false. What lies behind the last one, or
// nothing where that happened, something is damaged, or it is packed already.
tl::expected<std::optional<Tail>, Error> for_each_frame(const std::string& path,
                                                        const std::function<bool(const Frame&)>& each);

// Calls `take` for each record in it, in order. False when it is impossible; records that were given out
// before are as they were written.
bool unpack(std::span<const uint8_t> payload, const StreamReader::Take& take);

// Rewrites a finished recording: a new file in its place, once it is whole, with everything of the old one
// but the snapshots of peaks that later ones surpassed (superseded_peaks.h). One that is damaged, or packed
// already, stays as it is. Nobody may be writing it. After an Error it is what it was.
tl::expected<void, Error> pack_recording(const std::string& path, GraphDetail graphs = GraphDetail::kAll);

}  // namespace leakhunt::recording
