// The payloads of many records, taken apart so that like lies with like, and put together again: what a
// packed record compresses.
//
//   records  <->  streams of bytes, one for each field of each kind of record
//
// A call site becomes a node in the tree of all stacks: the node at which its stack leaves those before it,
// and what is new from there on. Counters become differences to what they were if every block of a site had
// one size. What is not laid out as the codec would do it, or is of another kind, stays as it is; so what
// comes out is what went in, byte for byte.
//
// Each object goes one way, over one pack of records.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "lib/recording/format.h"

namespace leakhunt::recording {

inline constexpr size_t kStreams = 128;

// The format of files with packed records that are laid out as today. There is no 3: one wrong bit in a 1.
inline constexpr uint32_t kColumnsVersion = 4;

// What is remembered of the records before: the same on both ways.
struct StreamMemory {
  struct Node {
    uint32_t parent;  // plus 1; 0: none
    uint32_t depth;
    uint64_t address;
  };
  uint64_t next_site = 0;
  uint64_t last_node = 0;  // plus 1
  uint64_t last_address = 0;
  std::vector<Node> nodes;
  std::vector<uint64_t> addresses;
  std::unordered_map<uint64_t, uint64_t> block_bytes;  // of a site, as last seen
  std::unordered_map<uint64_t, uint64_t> tag_peaks;
  std::array<uint64_t, 13> snapshot{};
  std::vector<uint64_t> sorted_addresses;               // see symbol_columns.cpp
  std::unordered_map<uint64_t, uint64_t> graph_bits;    // of a site, in the graph before
  std::unordered_map<uint64_t, uint64_t> graph_blocks;  // of a site and how they are held
};

class StreamWriter {
 public:
  void add(RecordType type, std::span<const uint8_t> payload);

  const std::array<std::vector<uint8_t>, kStreams>& streams() const { return streams_; }

 private:
  friend struct WritingCoder;
  std::array<std::vector<uint8_t>, kStreams> streams_;
  std::vector<uint64_t> values_;
  std::vector<uint8_t> text_;
  StreamMemory memory_;
  std::unordered_map<uint64_t, uint32_t> address_ids_;
  std::vector<uint64_t> last_frames_;                    // of the stack before, innermost first
  std::vector<uint64_t> way_;                            // its nodes, from the root
  std::vector<std::pair<uint64_t, uint32_t>> children_;  // open addressing: hash of (parent, address), node
};

class StreamReader {
 public:
  using Take = std::function<void(RecordType, std::span<const uint8_t>)>;

  // The streams' bytes outlive it.
  explicit StreamReader(const std::array<std::span<const uint8_t>, kStreams>& streams) : left_(streams) {}

  // Calls `take` for every record, in order, until `most_bytes` of payloads came out. False when the streams
  // are impossible, or hold more: what was given out before that may be wrong as well.
  bool read(uint64_t most_bytes, const Take& take);

 private:
  friend struct ReadingCoder;
  std::array<std::span<const uint8_t>, kStreams> left_;
  std::vector<uint64_t> values_;
  std::vector<uint8_t> payload_;
  StreamMemory memory_;
};

}  // namespace leakhunt::recording
