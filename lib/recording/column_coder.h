// column_coder: the two ways of column_streams.h, for the files that say how a kind of record is laid out
// (column_streams.cpp, symbol_columns.cpp), and nobody else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "lib/recording/column_streams.h"

namespace leakhunt::recording {

using Values = std::vector<uint64_t>;

// Where the fields of each kind begin. Payloads that stay as they are have a stream for each kind, at the
// end.
enum Stream : size_t {
  kTypes = 0,    // twice the type, plus 1 if the payload stays as it is
  kLengths = 1,  // of payloads that stay as they are
  kSites = 2,
  kStacks = 6,
  kRows = 12,
  kSnapshots = 20,
  kTagPeaks = 34,
  kCohorts = 36,
  kNodes = 44,
  kEdges = 51,
  kFreedPlaces = 60,
  kAsTheyAre = 64,
  // Behind all kinds there are. One of a later version that stays as it is may lie in the same stream: in the
  // order of the records both come out again.
  kSymbols = 106,
  kGraphSites = 120,
};
constexpr uint64_t kMostKinds = kStreams - kAsTheyAre;
constexpr uint64_t kMostFrames = 4096;

constexpr uint64_t zigzag(uint64_t difference) {
  return (difference << 1) ^ (difference >> 63 != 0 ? ~uint64_t{0} : 0);
}

constexpr uint64_t unzigzag(uint64_t bits) {
  return (bits >> 1) ^ ((bits & 1) != 0 ? ~uint64_t{0} : 0);
}

inline void append_varint(std::vector<uint8_t>& to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<uint8_t>(value | 0x80));
  to.push_back(static_cast<uint8_t>(value));
}

// False at the end, or when it is longer than it need be.
inline bool take_varint(std::span<const uint8_t>& from, uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < from.size() && i < 10; ++i) {
    const uint8_t byte = from[i];
    *value |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte >= 0x80) continue;
    if ((byte == 0 && i > 0) || (i == 9 && byte > 1)) return false;
    from = from.subspan(i + 1);
    return true;
  }
  return false;
}

inline bool take_all(std::span<const uint8_t> from, Values& values) {
  values.clear();
  for (uint64_t value = 0; !from.empty(); values.push_back(value)) {
    if (!take_varint(from, &value)) return false;
  }
  return true;
}

inline uint64_t hash_of(uint64_t parent, uint64_t address) {
  const uint64_t mixed = (address + parent * 0xD6E8FEB86659FD93ull) * 0x9E3779B97F4A7C15ull;
  return mixed ^ mixed >> 29;
}

// The two ways. What the codings below say once goes both: code() takes a value and gives it back, which is
// the one that was passed when writing, and the one that was read when reading.

struct WritingCoder {
  StreamWriter& to;
  uint64_t bytes_left = ~uint64_t{0};
  bool failed = false;
  static constexpr bool kReading = false;

  uint64_t code(size_t stream, uint64_t value) {
    append_varint(to.streams_[stream], value);
    return value;
  }
  uint64_t around(size_t stream, uint64_t value, uint64_t expected) {
    code(stream, zigzag(value - expected));
    return value;
  }
  std::vector<uint8_t>& stream(size_t number) { return to.streams_[number]; }
  StreamMemory& memory() { return to.memory_; }

  // How far the stack, innermost first, is in the tree: the node there.
  uint64_t known_node(const Values& frames) {
    const auto apart =
        std::mismatch(frames.rbegin(), frames.rend(), to.last_frames_.rbegin(), to.last_frames_.rend());
    auto next = apart.first;
    to.way_.resize(std::min(to.way_.size(), static_cast<size_t>(next - frames.rbegin())));
    uint64_t node = to.way_.empty() ? 0 : to.way_.back();
    for (; next != frames.rend(); ++next) {
      const uint64_t behind = child(node, *next, 0);
      if (behind == 0) break;
      to.way_.push_back(node = behind);
    }
    to.last_frames_ = frames;
    return node;
  }
  // The node (plus 1) behind `node` for the address; entered as `enter` if that is not 0.
  uint64_t child(uint64_t node, uint64_t address, uint32_t enter) {
    auto& table = to.children_;
    if (to.memory_.nodes.size() * 2 >= table.size()) grow();
    for (uint64_t at = hash_of(node, address);; ++at) {
      auto& [hash, index] = table[at & (table.size() - 1)];
      if (index == 0) {
        if (enter != 0) {
          hash = hash_of(node, address);
          index = enter;
        }
        return enter;
      }
      if (hash != hash_of(node, address)) continue;
      const StreamMemory::Node& there = to.memory_.nodes[index - 1];
      if (there.parent == node && there.address == address) return index;
    }
  }
  void grow() {
    std::vector<std::pair<uint64_t, uint32_t>> larger(std::max<size_t>(to.children_.size() * 2, 1024));
    for (const auto& [hash, index] : to.children_) {
      if (index == 0) continue;
      uint64_t at = hash;
      while (larger[at & (larger.size() - 1)].second != 0) ++at;
      larger[at & (larger.size() - 1)] = {hash, index};
    }
    to.children_.swap(larger);
  }
  void enter(uint64_t node, uint64_t address) {
    child(node, address, static_cast<uint32_t>(to.memory_.nodes.size()));
    to.way_.push_back(to.memory_.nodes.size());
  }
  // Number of an address plus 1; 0: it is new.
  uint64_t address_id(uint64_t address) {
    const auto [place, is_new] =
        to.address_ids_.try_emplace(address, static_cast<uint32_t>(to.memory_.addresses.size() + 1));
    return is_new ? 0 : place->second;
  }
};

struct ReadingCoder {
  StreamReader& from;
  uint64_t bytes_left;  // that may come out
  bool failed = false;
  static constexpr bool kReading = true;

  uint64_t code(size_t stream, uint64_t) {
    uint64_t value = 0;
    if (!take_varint(from.left_[stream], &value)) failed = true;
    return failed ? 0 : value;
  }
  uint64_t around(size_t stream, uint64_t, uint64_t expected) { return expected + unzigzag(code(stream, 0)); }
  size_t left(size_t stream) const { return from.left_[stream].size(); }
  std::span<const uint8_t>& stream(size_t number) { return from.left_[number]; }
  StreamMemory& memory() { return from.memory_; }

  uint64_t known_node(const Values&) { return 0; }
  void enter(uint64_t, uint64_t) {}
  uint64_t address_id(uint64_t) { return 0; }
};

}  // namespace leakhunt::recording
