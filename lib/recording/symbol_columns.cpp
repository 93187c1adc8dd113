#include "lib/recording/symbol_columns.h"

#include <algorithm>

#include "lib/recording/column_coder.h"

namespace leakhunt::recording {

namespace {

// Streams of symbols.
constexpr size_t kStrings = kSymbols + 0;
constexpr size_t kText = kSymbols + 1;
constexpr size_t kCount = kSymbols + 2;
constexpr size_t kAddress = kSymbols + 3;
constexpr size_t kModule = kSymbols + 4;
constexpr size_t kOffset = kSymbols + 5;
constexpr size_t kFrames = kSymbols + 6;
constexpr size_t kFunction = kSymbols + 7;
constexpr size_t kFile = kSymbols + 8;
constexpr size_t kLine = kSymbols + 9;
constexpr size_t kInlined = kSymbols + 10;
constexpr size_t kRestCount = kSymbols + 11;  // what most records do not have
constexpr size_t kRest = kSymbols + 12;

// The next higher address that is known from stacks: sorted anew when an eighth more are known.
uint64_t next_address(StreamMemory& memory, uint64_t address) {
  std::vector<uint64_t>& sorted = memory.sorted_addresses;
  if (memory.addresses.size() > sorted.size() + sorted.size() / 8) {
    sorted = memory.addresses;
    std::sort(sorted.begin(), sorted.end());
  }
  const auto next = std::upper_bound(sorted.begin(), sorted.end(), address);
  return next == sorted.end() ? address : *next;
}

// Numbers of strings: each occurs first as the lowest number that did not; 0 is the empty one.
struct StringNumbers {
  uint64_t next = 1;

  bool allows(uint64_t number) {
    if (number > next) return false;
    next += number == next ? 1 : 0;
    return true;
  }
  template <typename Coder>
  uint64_t code(Coder& coder, size_t stream, uint64_t number, uint64_t expected) {
    // 0: the expected one; 1: a new one; otherwise how long ago it was new, plus 1.
    const uint64_t word = number == expected && expected < next ? 0 : next - number + 1;
    const uint64_t coded = coder.code(stream, word);
    const uint64_t result = coded == 0 ? expected : next - (coded - 1);
    if (!allows(result)) coder.failed = true;
    return result;
  }
};

// How many integers a symbol at `at` takes, 0 where it is cut off; 4 in front, then 4 a frame.
size_t symbol_size(const Values& values, size_t at) {
  if (values.size() - at < 4 || values[at + 3] > (values.size() - at - 4) / 4) return 0;
  return 4 + 4 * static_cast<size_t>(values[at + 3]);
}

// Whether strings are numbered in the order in which they occur. `values` from the number of symbols on.
bool is_in_order(const Values& values, size_t at, uint64_t strings) {
  StringNumbers numbers;
  const uint64_t count = values[at++];
  for (uint64_t i = 0; i < count; ++i) {
    const size_t size = symbol_size(values, at);
    if (size == 0 || !numbers.allows(values[at + 1])) return false;
    for (size_t frame = at + 4; frame < at + size; frame += 4) {
      if (!numbers.allows(values[frame]) || !numbers.allows(values[frame + 1])) return false;
    }
    at += size;
  }
  return numbers.next <= std::max<uint64_t>(strings, 1);
}

// The number of symbols, and these; then the rest. `values` begins there. When reading they are appended to
// it.
template <typename Coder>
void code_body(Coder& coder, Values& values) {
  StreamMemory& memory = coder.memory();
  StringNumbers numbers;
  std::unordered_map<uint64_t, uint64_t> offsets;  // address minus offset, by module
  std::unordered_map<uint64_t, uint64_t> files;    // by function
  std::unordered_map<uint64_t, uint64_t> lines;    // by function
  size_t at = 0;
  const auto value = [&](size_t i) { return Coder::kReading ? 0 : values[at + i]; };
  const auto give = [&](uint64_t each) {
    if (Coder::kReading) values.push_back(each);
  };
  const uint64_t count = coder.code(kCount, value(0));
  give(count);
  at = 1;
  uint64_t address = 0;
  uint64_t module = 0;
  uint64_t function = 0;
  uint64_t last_file = 0;
  for (uint64_t i = 0; i < count && !coder.failed; ++i) {
    const uint64_t before = address;
    address = coder.around(kAddress, before + unzigzag(value(0)), next_address(memory, before));
    module = numbers.code(coder, kModule, value(1), module);
    const uint64_t offset = coder.around(kOffset, value(2), address - offsets[module]);
    offsets[module] = address - offset;
    const uint64_t frames = coder.code(kFrames, value(3));
    for (const uint64_t each : {zigzag(address - before), module, offset, frames}) give(each);
    at += 4;
    for (uint64_t frame = 0; frame < frames && !coder.failed; ++frame, at += 4) {
      function = numbers.code(coder, kFunction, value(0), function);
      const auto known = files.find(function);
      const uint64_t file =
          numbers.code(coder, kFile, value(1), known != files.end() ? known->second : last_file);
      last_file = files[function] = file;
      uint64_t& last_line = lines[function];
      const uint64_t line = last_line = coder.around(kLine, value(2), last_line);
      const uint64_t inlined = coder.code(kInlined, value(3));
      for (const uint64_t each : {function, file, line, inlined}) give(each);
    }
  }
  const uint64_t rest = coder.code(kRestCount, Coder::kReading ? 0 : values.size() - at);
  for (uint64_t i = 0; i < rest && !coder.failed; ++i, ++at) give(coder.code(kRest, value(0)));
}

// Row by row: site as difference, bits, and for each of four bits blocks and bytes.
template <typename Coder>
void code_rows_of_graph(Coder& coder, Values& values) {
  StreamMemory& memory = coder.memory();
  Values read;
  size_t at = 0;
  const auto code = [&](size_t stream, uint64_t expected) {
    const uint64_t each = coder.around(kGraphSites + stream, Coder::kReading ? 0 : values[at], expected);
    if (Coder::kReading) read.push_back(each);
    ++at;
    return each;
  };
  const uint64_t size = coder.code(kGraphSites, values.size());
  if (size > coder.bytes_left) coder.failed = true;
  uint64_t site = 0;
  while (at < size && !coder.failed) {
    site += code(1, 1);
    uint64_t& bits = memory.graph_bits[site];
    bits = code(2, bits);
    for (uint64_t reach = 0; reach < 4; ++reach) {
      if ((bits >> (reach + 1) & 1) == 0) continue;
      uint64_t& blocks = memory.graph_blocks[site * 4 + reach];
      blocks = code(3, blocks);
      code(4, blocks * memory.block_bytes[site]);
    }
  }
  if (at != size) coder.failed = true;
  if (Coder::kReading) values.swap(read);
}

}  // namespace

bool take_symbols(std::span<const uint8_t> payload, Values& values, std::vector<uint8_t>& text) {
  values.clear();
  text.clear();
  uint64_t strings = 0;
  if (!take_varint(payload, &strings)) return false;
  values.push_back(strings);
  for (uint64_t i = 0; i < strings; ++i) {
    uint64_t length = 0;
    if (!take_varint(payload, &length) || length > payload.size()) return false;
    const auto string = payload.first(length);
    if (std::ranges::find(string, 0) != string.end()) return false;
    text.insert(text.end(), string.begin(), string.end());
    text.push_back(0);
    payload = payload.subspan(length);
  }
  for (uint64_t value = 0; !payload.empty(); values.push_back(value)) {
    if (!take_varint(payload, &value)) return false;
  }
  return values.size() >= 2 && is_in_order(values, 1, strings);
}

void code_symbols(WritingCoder& coder, Values& values, const std::vector<uint8_t>& text) {
  coder.code(kStrings, values.front());
  auto& stream = coder.stream(kText);
  stream.insert(stream.end(), text.begin(), text.end());
  values.erase(values.begin());
  code_body(coder, values);
}

void read_symbols(ReadingCoder& coder, Values& values, std::vector<uint8_t>& payload) {
  const uint64_t strings = coder.code(kStrings, 0);
  append_varint(payload, strings);
  auto& text = coder.stream(kText);
  for (uint64_t i = 0; i < strings && !coder.failed; ++i) {
    const auto end = std::ranges::find(text, 0);
    if (end == text.end()) {
      coder.failed = true;
      return;
    }
    const auto string = text.first(static_cast<size_t>(end - text.begin()));
    append_varint(payload, string.size());
    payload.insert(payload.end(), string.begin(), string.end());
    text = text.subspan(string.size() + 1);
  }
  values.clear();
  code_body(coder, values);
  for (const uint64_t value : values) append_varint(payload, value);
}

bool is_graph_sites(const Values& values) {
  size_t at = 0;
  while (at < values.size()) {
    if (values.size() - at < 2) return false;
    const uint64_t bits = values[at + 1] >> 1 & 15;
    for (at += 2; const uint64_t reach : {1u, 2u, 4u, 8u}) at += (bits & reach) != 0 ? 2 : 0;
  }
  return at == values.size();
}

void code_graph_sites(WritingCoder& coder, Values& values) {
  code_rows_of_graph(coder, values);
}

void code_graph_sites(ReadingCoder& coder, Values& values) {
  code_rows_of_graph(coder, values);
}

}  // namespace leakhunt::recording
