// Symbols, and the sums of heap graphs, in columns: what comes out is what went in.
#include "lib/recording/symbol_columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "lib/recording/codec.h"
#include "lib/recording/graph_codec.h"
#include "lib/recording/host_codec.h"
#include "lib/recording/packing.h"
#include "tests/lib/recording/seed.h"
#include "tests/lib/recording/unpacked_records.h"

namespace leakhunt::recording {
namespace {

ByteVector sum_row_payload(std::mt19937_64& random) {
  ByteVector payload(4096);
  Encoder out{payload.data(), payload.data() + payload.size()};
  SiteId previous{0};
  for (uint64_t rows = random() % 20; rows > 0; --rows) {
    GraphSiteRow row{};
    row.site = SiteId{static_cast<uint32_t>(static_cast<uint64_t>(previous) + random() % 3)};
    row.growing = random() % 2 == 0;
    for (ReachCount& held : row.held) {
      if (random() % 2 == 0) held = {1 + random() % 9, random() % 1000};
    }
    encode_graph_site(out, previous, row);
    previous = row.site;
  }
  payload.resize(static_cast<size_t>(out.cursor - payload.data()));
  return payload;
}

// Symbols of the addresses of some stacks and of others, in few modules and files, some with more to say.
std::vector<Symbol> random_symbols(std::mt19937_64& random) {
  std::map<uint64_t, Symbol> symbols;
  const auto name = [&](const char* front, uint64_t of) { return front + std::to_string(random() % of); };
  for (uint64_t i = random() % 60; i > 0; --i) {
    Symbol symbol;
    symbol.address = 0x1000 + random() % 200;
    symbol.module = name("/lib/", 3);
    symbol.offset = random() % 4 == 0 ? random() : symbol.address - 0x1000;
    for (uint64_t frames = random() % 3; frames > 0; --frames) {
      symbol.source_frames.push_back(
          {name("function", 9), name("file", 3), static_cast<uint32_t>(random() % 90), random() % 2 == 0});
    }
    if (random() % 8 == 0) symbol.note = "the file has changed since";
    if (random() % 8 == 0) symbol.later.push_back(symbol);
    symbols[symbol.address] = symbol;
  }
  std::vector<Symbol> sorted;
  for (const auto& [address, symbol] : symbols) sorted.push_back(symbol);
  return sorted;
}

TEST(SymbolColumns, GiveBackSymbolsAndSumsOfGraphsByteForByte) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 200; ++round) {
    Packer packer;
    std::vector<Record> records;
    for (uint64_t i = random() % 30; i > 0; --i) {
      ByteVector site(256);
      Encoder out{site.data(), site.data() + site.size()};
      const std::vector<uint64_t> frames = {0x1000 + random() % 200, 0x1000 + random() % 200, 0x1001};
      encode(out, {SiteId{static_cast<uint32_t>(i)}, kHeapTag, SiteKind::kBlock, false, frames.size()},
             frames.data());
      site.resize(static_cast<size_t>(out.cursor - site.data()));
      records.emplace_back(RecordType::kSite, site);
      records.emplace_back(RecordType::kSymbols, encode_symbols(random_symbols(random)));
      records.emplace_back(RecordType::kGraphSites, sum_row_payload(random));
      if (random() % 4 == 0) records.back().second.push_back(0x85);  // cut off
    }
    for (const auto& [type, payload] : records) packer.add(type, payload);
    const auto packed = packer.finish();
    ASSERT_TRUE(packed) << seed;
    bool whole = false;
    EXPECT_EQ(opened(*packed, &whole), records) << seed << "round " << round;
    EXPECT_TRUE(whole) << seed;
  }
}

TEST(SymbolColumns, OfRecordedStacksCostTheirNamesAndLines) {
  Packer packer;
  Packer with_symbols;
  std::vector<Symbol> symbols;
  std::mt19937_64 random(7);
  uint64_t address = 0x7f0000001000;
  size_t text = 0;
  for (uint32_t i = 0; i < 2000; ++i) {
    address += 5 + random() % 3000;
    ByteVector site(64);
    Encoder out{site.data(), site.data() + site.size()};
    encode(out, {SiteId{i}, kHeapTag, SiteKind::kBlock, false, 1}, &address);
    site.resize(static_cast<size_t>(out.cursor - site.data()));
    packer.add(RecordType::kSite, site);
    with_symbols.add(RecordType::kSite, site);
    symbols.push_back({address, "/lib/libc.so", address - 0x7f0000000000, {}});
    symbols.back().source_frames = {{"function", "file.c", i / 8, false}};
    text += 8;
  }
  with_symbols.add(RecordType::kSymbols, encode_symbols(symbols));
  EXPECT_LT(with_symbols.finish()->size(), packer.finish()->size() + 300);
  EXPECT_GT(text, 300u);
}

// What was written before symbols and sums lay in columns.
TEST(SymbolColumns, AreNotAskedForWhereRecordsLieAsTheyAre) {
  std::mt19937_64 random(1);
  const std::vector<Record> records = {{RecordType::kSymbols, encode_symbols(random_symbols(random))},
                                       {RecordType::kGraphSites, sum_row_payload(random)}};
  std::array<ByteVector, kStreams> bytes;
  ByteVector lengths(64);
  Encoder out{lengths.data(), lengths.data() + lengths.size()};
  for (const auto& [type, payload] : records) {
    bytes[0].push_back(static_cast<uint8_t>(static_cast<uint32_t>(type) * 2 + 1));
    put_varint(out, payload.size());
    bytes[64 + static_cast<uint32_t>(type)] = payload;
  }
  lengths.resize(static_cast<size_t>(out.cursor - lengths.data()));
  bytes[1] = lengths;
  std::array<std::span<const uint8_t>, kStreams> streams;
  std::copy(bytes.begin(), bytes.end(), streams.begin());
  std::vector<Record> read;
  EXPECT_TRUE(StreamReader(streams).read(100'000, [&](RecordType type, std::span<const uint8_t> payload) {
    read.emplace_back(type, ByteVector(payload.begin(), payload.end()));
  }));
  EXPECT_EQ(read, records);
}

}  // namespace
}  // namespace leakhunt::recording
