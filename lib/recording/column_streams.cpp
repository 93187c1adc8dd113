#include "lib/recording/column_streams.h"

#include "lib/recording/column_coder.h"
#include "lib/recording/symbol_columns.h"

namespace leakhunt::recording {

namespace {

// Rows of `width` values behind `front` others: their number, for which room is made when reading. Each has
// at least a byte in the stream `column`.
template <typename Coder>
uint64_t code_count(Coder& coder, size_t stream, size_t front, size_t width, size_t column, Values& values) {
  const uint64_t count = coder.code(stream, values.size() < front ? 0 : (values.size() - front) / width);
  if constexpr (Coder::kReading) {
    if (count > coder.left(column) || count > coder.bytes_left) coder.failed = true;
    values.assign(coder.failed ? 0 : front + count * width, 0);
  }
  return coder.failed ? 0 : count;
}

// `frames`: innermost first.
template <typename Coder>
void code_stack(Coder& coder, Values& frames) {
  StreamMemory& memory = coder.memory();
  uint64_t node = coder.around(kStacks, coder.known_node(frames), memory.last_node);
  if (node > memory.nodes.size()) coder.failed = true;
  if (coder.failed) return;
  const uint32_t depth = node == 0 ? 0 : memory.nodes[node - 1].depth;
  const uint64_t more = coder.code(kStacks + 1, frames.size() - depth);
  if (more > kMostFrames - depth) coder.failed = true;
  for (uint64_t i = 0; i < more && !coder.failed; ++i) {
    uint64_t address = Coder::kReading ? 0 : frames[frames.size() - 1 - depth - i];
    const uint64_t id = coder.code(kStacks + 2, coder.address_id(address));
    if (id == 0) {
      memory.last_address = address = coder.around(kStacks + 3, address, memory.last_address);
      memory.addresses.push_back(address);
    } else if (id > memory.addresses.size()) {
      coder.failed = true;
    } else {
      address = memory.addresses[id - 1];
    }
    memory.nodes.push_back({static_cast<uint32_t>(node), depth + static_cast<uint32_t>(i) + 1, address});
    coder.enter(node, address);
    node = memory.nodes.size();
  }
  memory.last_node = node;
  if constexpr (Coder::kReading) {
    frames.clear();
    for (uint64_t at = node; at != 0; at = memory.nodes[at - 1].parent)
      frames.push_back(memory.nodes[at - 1].address);
  }
}

// Addresses from differences and back, in values from `first` on.
Values addresses_in(const Values& values, size_t first, size_t count) {
  Values addresses(count);
  uint64_t address = 0;
  for (size_t i = 0; i < count; ++i) addresses[i] = address += unzigzag(values[first + i]);
  return addresses;
}

void append_differences(const Values& addresses, Values& values) {
  uint64_t previous = 0;
  for (const uint64_t address : addresses) {
    values.push_back(zigzag(address - previous));
    previous = address;
  }
}

// id, tag, kind, truncated, frames; and perhaps a thread.
bool is_site(const Values& values) {
  if (values.size() < 5 || values[1] >> 32 != 0 || values[2] > 3 || values[3] > 1) return false;
  return values[4] <= kMostFrames && (values.size() == 5 + values[4] || values.size() == 6 + values[4]);
}

template <typename Coder>
void code_site(Coder& coder, Values& values) {
  if (Coder::kReading) values.assign(5, 0);
  StreamMemory& memory = coder.memory();
  const size_t frame_count = Coder::kReading ? 0 : values[4];
  const bool has_thread = values.size() > 5 + frame_count;
  values[0] = coder.around(kSites, values[0], memory.next_site);
  memory.next_site = values[0] + 1;
  const uint64_t kind =
      coder.code(kSites + 1, values[1] << 4 | values[2] << 2 | values[3] << 1 | (has_thread ? 1 : 0));
  uint64_t thread = has_thread ? values.back() : 0;
  if ((kind & 1) != 0) thread = coder.code(kSites + 2, thread);
  Values frames = addresses_in(values, 5, frame_count);
  code_stack(coder, frames);
  if constexpr (Coder::kReading) {
    values = {values[0], kind >> 4, kind >> 2 & 3, kind >> 1 & 1, frames.size()};
    append_differences(frames, values);
    if ((kind & 1) != 0) values.push_back(thread);
  }
}

// site, flag, samples, frames.
bool is_freed_place(const Values& values) {
  return values.size() >= 4 && values[3] <= kMostFrames && values.size() == 4 + values[3];
}

template <typename Coder>
void code_freed_place(Coder& coder, Values& values) {
  if (Coder::kReading) values.assign(4, 0);
  Values frames = addresses_in(values, 4, Coder::kReading ? 0 : values[3]);
  for (size_t i = 0; i < 3; ++i) values[i] = coder.code(kFreedPlaces + i, values[i]);
  code_stack(coder, frames);
  if constexpr (Coder::kReading) {
    values[3] = frames.size();
    append_differences(frames, values);
  }
}

bool is_table(const Values& values, size_t front, size_t width) {
  return values.size() >= front && (values.size() - front) % width == 0;
}

// Rows of snapshots: site as difference, then Counters.
template <typename Coder>
void code_rows(Coder& coder, Values& values) {
  const uint64_t count = code_count(coder, kRows, 0, 7, kRows + 1, values);
  uint64_t site = 0;
  for (uint64_t i = 0; i < count && !coder.failed; ++i) {
    uint64_t* row = &values[i * 7];
    site += row[0] = coder.code(kRows + 1, row[0]);
    uint64_t& size = coder.memory().block_bytes[site];
    row[1] = coder.code(kRows + 2, row[1]);
    row[2] = coder.around(kRows + 3, row[2], row[1] * size);
    row[3] = coder.around(kRows + 4, row[3], row[1]);
    row[4] = coder.around(kRows + 5, row[4], row[2] - (row[1] - row[3]) * size);
    row[5] = coder.around(kRows + 6, row[5], row[3]);
    row[6] = coder.around(kRows + 7, row[6], row[4] - (row[3] - row[5]) * size);
    if (row[1] != 0) size = row[2] / row[1];
  }
}

// SnapshotRecord, then tags with their peaks.
bool is_snapshot(const Values& values) {
  return is_table(values, 13, 2);
}

template <typename Coder>
void code_snapshot(Coder& coder, Values& values) {
  StreamMemory& memory = coder.memory();
  const uint64_t count = code_count(coder, kTagPeaks, 13, 2, kTagPeaks + 1, values);
  if (coder.failed) return;
  for (size_t i = 0; i < 13; ++i) {
    const uint64_t expected = i == 0 ? memory.snapshot[0] + 1 : memory.snapshot[i];
    memory.snapshot[i] = values[i] = coder.around(kSnapshots + i, values[i], expected);
  }
  for (uint64_t i = 0; i < count && !coder.failed; ++i) {
    uint64_t* peak = &values[13 + i * 2];
    peak[0] = coder.code(kTagPeaks + 1, peak[0]);
    uint64_t& last = memory.tag_peaks[peak[0]];
    last = peak[1] = coder.around(kSnapshots + 13, peak[1], last);
  }
}

// iteration, flag, number of rows; site, birth, blocks, bytes.
template <typename Coder>
void code_cohorts(Coder& coder, Values& values) {
  const uint64_t count = code_count(coder, kCohorts, 3, 4, kCohorts + 4, values);
  if (coder.failed) return;
  values[0] = coder.code(kCohorts + 1, values[0]);
  values[1] = coder.code(kCohorts + 2, values[1]);
  values[2] = coder.around(kCohorts + 3, values[2], count);
  uint64_t site = 0;
  uint64_t birth = 0;
  for (uint64_t i = 0; i < count && !coder.failed; ++i) {
    uint64_t* row = &values[3 + i * 4];
    site = row[0] = coder.around(kCohorts + 4, row[0], site);
    birth = row[1] = coder.around(kCohorts + 5, row[1], birth);
    row[2] = coder.code(kCohorts + 6, row[2]);
    row[3] = coder.around(kCohorts + 7, row[3], row[2] * coder.memory().block_bytes[site]);
  }
}

// Address as difference, bytes, site, birth, how it is held, children.
template <typename Coder>
void code_nodes(Coder& coder, Values& values) {
  const uint64_t count = code_count(coder, kNodes, 0, 6, kNodes + 1, values);
  for (uint64_t i = 0; i < count && !coder.failed; ++i) {
    uint64_t* row = &values[i * 6];
    row[0] = coder.code(kNodes + 1, row[0]);
    row[2] = coder.code(kNodes + 2, row[2]);
    uint64_t& size = coder.memory().block_bytes[row[2]];
    size = row[1] = coder.around(kNodes + 3, row[1], size);
    for (size_t field = 3; field < 6; ++field) row[field] = coder.code(kNodes + 1 + field, row[field]);
  }
}

// From a node (plus 1), or 0 and then kind of root and thread; slot, to, inside, via.
bool is_edges(const Values& values) {
  size_t at = 0;
  while (at < values.size()) at += values[at] == 0 ? 7 : 5;
  return at == values.size();
}

template <typename Coder>
void code_edges(Coder& coder, Values& values) {
  uint64_t from = 0;
  uint64_t slot = 0;
  uint64_t to = 0;
  size_t at = 0;
  const auto value = [&](size_t i) { return Coder::kReading ? 0 : values[at + i]; };
  Values read;
  uint64_t size = coder.code(kEdges, values.size());
  if (size > coder.bytes_left) coder.failed = true;
  while (at < size && !coder.failed) {
    const uint64_t holder = coder.around(kEdges + 1, value(0), from);
    const size_t front = holder == 0 ? 3 : 1;
    const uint64_t kind = holder == 0 ? coder.code(kEdges + 2, value(1)) : 0;
    const uint64_t thread = holder == 0 ? coder.code(kEdges + 3, value(2)) : 0;
    slot = coder.around(kEdges + 4, value(front), holder == from ? slot : 0);
    to = coder.around(kEdges + 5, value(front + 1), to);
    const uint64_t inside = coder.code(kEdges + 6, value(front + 2));
    const uint64_t via = coder.code(kEdges + 7, value(front + 3));
    if (Coder::kReading) {
      read.push_back(holder);
      if (holder == 0) read.insert(read.end(), {kind, thread});
      read.insert(read.end(), {slot, to, inside, via});
    }
    from = holder;
    at += front + 4;
  }
  if (at != size) coder.failed = true;
  if (Coder::kReading) values.swap(read);
}

// Whether the kind is one of varints alone, and these are laid out as it is.
bool has_layout(RecordType type, const Values& values) {
  switch (type) {
    case RecordType::kSite:
      return is_site(values);
    case RecordType::kFreedPlace:
      return is_freed_place(values);
    case RecordType::kSnapshotRows:
      return is_table(values, 0, 7);
    case RecordType::kSnapshot:
      return is_snapshot(values);
    case RecordType::kCohorts:
      return is_table(values, 3, 4);
    case RecordType::kGraphNodes:
      return is_table(values, 0, 6);
    case RecordType::kGraphEdges:
      return is_edges(values);
    case RecordType::kGraphSites:
      return is_graph_sites(values);
    default:
      return false;
  }
}

template <typename Coder>
void code_record(Coder& coder, RecordType type, Values& values) {
  switch (type) {
    case RecordType::kSite:
      return code_site(coder, values);
    case RecordType::kFreedPlace:
      return code_freed_place(coder, values);
    case RecordType::kSnapshotRows:
      return code_rows(coder, values);
    case RecordType::kSnapshot:
      return code_snapshot(coder, values);
    case RecordType::kCohorts:
      return code_cohorts(coder, values);
    case RecordType::kGraphNodes:
      return code_nodes(coder, values);
    case RecordType::kGraphEdges:
      return code_edges(coder, values);
    case RecordType::kGraphSites:
      return code_graph_sites(coder, values);
    default:
      coder.failed = true;
  }
}

}  // namespace

void StreamWriter::add(RecordType type, std::span<const uint8_t> payload) {
  const uint64_t number = static_cast<uint64_t>(type);
  WritingCoder coder{*this};
  if (type == RecordType::kSymbols && take_symbols(payload, values_, text_)) {
    append_varint(streams_[kTypes], number * 2);
    code_symbols(coder, values_, text_);
    return;
  }
  if (type != RecordType::kSymbols && take_all(payload, values_) && has_layout(type, values_)) {
    append_varint(streams_[kTypes], number * 2);
    code_record(coder, type, values_);
    return;
  }
  append_varint(streams_[kTypes], number * 2 + 1);
  append_varint(streams_[kLengths], payload.size());
  auto& stream = streams_[kAsTheyAre + std::min(number, kMostKinds - 1)];
  stream.insert(stream.end(), payload.begin(), payload.end());
}

bool StreamReader::read(uint64_t most_bytes, const Take& take) {
  ReadingCoder coder{*this, most_bytes};
  while (!left_[kTypes].empty()) {
    const uint64_t number = coder.code(kTypes, 0);
    const RecordType type = static_cast<RecordType>(number / 2);
    std::span<const uint8_t> payload;
    if (number % 2 == 1) {
      const uint64_t length = coder.code(kLengths, 0);
      auto& stream = left_[kAsTheyAre + std::min(number / 2, kMostKinds - 1)];
      if (coder.failed || length > stream.size()) return false;
      payload = stream.first(length);
      stream = stream.subspan(length);
    } else {
      payload_.clear();
      if (type == RecordType::kSymbols) {
        read_symbols(coder, values_, payload_);
      } else {
        code_record(coder, type, values_);
        for (const uint64_t value : values_) append_varint(payload_, value);
      }
      if (coder.failed) return false;
      payload = payload_;
    }
    if (payload.size() > coder.bytes_left) return false;
    coder.bytes_left -= payload.size();
    take(type, payload);
  }
  return true;
}

}  // namespace leakhunt::recording
