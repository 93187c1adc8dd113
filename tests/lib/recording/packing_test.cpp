// Packed records: what comes out is what went in; a finished recording means the same when it is rewritten;
// and no content makes opening one dear.
#include "lib/recording/packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "lib/recording/appender.h"
#include "lib/recording/codec.h"
#include "lib/recording/graph_codec.h"
#include "lib/recording/reader.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/run_comparison.h"
#include "tests/lib/recording/seed.h"
#include "tests/lib/recording/unpacked_records.h"

namespace leakhunt::recording {
namespace {

// Varints in rows and not, some longer than they need be, and bytes that are no varints.
ByteVector random_payload(std::mt19937_64& random) {
  ByteVector bytes(400);
  Encoder out{bytes.data(), bytes.data() + bytes.size()};
  const uint64_t values = random() % 36;
  for (uint64_t i = 0; i < values; ++i) {
    const uint64_t value = random() >> (random() % 64);
    put_varint(out, random() % 3 == 0 ? value % 5 : value);
  }
  bytes.resize(static_cast<size_t>(out.cursor - bytes.data()));
  if (random() % 8 == 0) bytes.push_back(static_cast<uint8_t>(random()));
  if (random() % 16 == 0) bytes.insert(bytes.end(), {0x80, 0x00});
  return bytes;
}

TEST(Packing, GivesBackEveryRecordByteForByteInItsOrder) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 200; ++round) {
    Packer packer;
    std::vector<Record> records;
    for (uint64_t i = random() % 200; i > 0; --i) {
      records.emplace_back(static_cast<RecordType>(random() % 80), random_payload(random));
      packer.add(records.back().first, records.back().second);
    }
    const auto packed = packer.finish();
    ASSERT_TRUE(packed) << seed;
    bool whole = false;
    EXPECT_EQ(opened(*packed, &whole), records) << seed << "round " << round;
    EXPECT_TRUE(whole) << seed;
  }
}

TEST(Packing, WritesSharedStacksOnce) {
  const auto size_of = [](bool shared) {
    Packer packer;
    for (uint64_t site = 0; site < 1000; ++site) {
      std::vector<uint64_t> frames{0x401000 + site};
      for (uint64_t i = 0; i < 60; ++i)
        frames.push_back((0x500000 + i * 977) ^ (shared ? 0 : site * 7919 * i));
      ByteVector payload(1024);
      Encoder out{payload.data(), payload.data() + payload.size()};
      encode(out, {SiteId{static_cast<uint32_t>(site)}, kHeapTag, SiteKind::kBlock, false, frames.size()},
             frames.data());
      payload.resize(static_cast<size_t>(out.cursor - payload.data()));
      packer.add(RecordType::kSite, payload);
    }
    return packer.finish()->size();
  };
  EXPECT_LT(size_of(true), 3000u);
  EXPECT_GT(size_of(false), 20 * size_of(true));
}

class PackedRecording : public testing::Test {
 protected:
  ~PackedRecording() override { std::filesystem::remove(path_); }

  recording::Run pack(const RecordingBuilder& recording) {
    recording.write(path_);
    EXPECT_TRUE(pack_recording(path_).has_value());
    auto run = read_recording(path_);
    EXPECT_TRUE(run.has_value());
    return *run;
  }
  ByteVector file() const {
    ByteVector bytes(std::filesystem::file_size(path_));
    std::FILE* in = std::fopen(path_.c_str(), "rb");
    EXPECT_EQ(std::fread(bytes.data(), 1, bytes.size(), in), bytes.size());
    std::fclose(in);
    return bytes;
  }

  std::string path_ = temporary_path("packed.lhr");
};

RecordingBuilder long_recording() {
  RecordingBuilder recording;
  recording.process_start();
  for (uint64_t site = 0; site < 40; ++site) recording.site(kHeapTag, {0x1000 + site, 0x2000, 0x3000});
  for (uint64_t i = 0; i < 300; ++i) {
    for (uint32_t site = 0; site < 40; ++site) recording.allocate(SiteId{site}, 16 + (i * site) % 7);
    recording.iteration(i);
  }
  recording.end();
  return recording;
}

TEST_F(PackedRecording, IsSmallerAndMeansTheSame) {
  const RecordingBuilder recording = long_recording();
  EXPECT_EQ(describe(pack(recording)), describe(recording.run()));
  EXPECT_LT(file().size() * 10, recording.bytes().size());
}

TEST_F(PackedRecording, HoldsEveryKindOfRecord) {
  RecordingBuilder recording = recording_of_everything();
  recording::Run packed = pack(recording);
  EXPECT_EQ(contradiction(packed, recording.run()), "");
  EXPECT_EQ(packed.symbols.size(), recording.run().symbols.size());
  EXPECT_EQ(packed.cohorts.size(), recording.run().cohorts.size());
  EXPECT_EQ(packed.damage.damaged_records, 0u);
}

TEST_F(PackedRecording, IsReadableForThoseWhoCouldReadThePlainOne) {
  using std::filesystem::perms;
  for (const perms mode : {perms::owner_read | perms::owner_write, perms::owner_all | perms::group_read}) {
    long_recording().write(path_);
    std::filesystem::permissions(path_, mode);
    ASSERT_TRUE(pack_recording(path_));
    EXPECT_EQ(std::filesystem::status(path_).permissions(), mode);
    EXPECT_EQ(file()[8], kColumnsVersion);
    ByteVector older = file();  // which laid fewer kinds of records out
    older[8] = kPackedVersion;
    EXPECT_EQ(describe(read_bytes(older)), describe(long_recording().run()));
  }
}

TEST_F(PackedRecording, TakesRecordsOfTheHostBehindIt) {
  pack(long_recording());
  Outcome outcome;
  outcome.exit_status = 7;
  ASSERT_TRUE(append_host_records(path_, {}, {}, outcome));
  const ByteVector before = file();
  EXPECT_EQ(read_recording(path_)->outcome->exit_status, 7);
  ASSERT_TRUE(pack_recording(path_));  // packed already
  EXPECT_EQ(file(), before);
}

TEST_F(PackedRecording, StaysAsItWasWhereItIsDamaged) {
  RecordingBuilder recording = long_recording();
  ByteVector bytes = recording.bytes();
  bytes[bytes.size() / 2] ^= 1;
  write_file(path_, bytes);
  ASSERT_TRUE(pack_recording(path_));
  EXPECT_EQ(file(), bytes);
}

TEST_F(PackedRecording, StaysAsItWasWhereTheNewFileCannotBeWritten) {
  const RecordingBuilder recording = long_recording();
  recording.write(path_);
  std::filesystem::create_directory(path_ + ".part");
  const auto packed = pack_recording(path_);
  EXPECT_TRUE(std::filesystem::remove(path_ + ".part"));  // what it did not make, it leaves
  ASSERT_FALSE(packed);
  EXPECT_NE(packed.error().message.find("it stays as it is"), std::string::npos);
  EXPECT_EQ(file(), recording.bytes());
}

// Programs whose heap rises and falls: what stays has its exact counters, the highest peak is there, and no
// peak is further than 5 % below one that stays.
TEST_F(PackedRecording, KeepsExactCountersWherePeaksAreLeftOut) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 30; ++round) {
    SCOPED_TRACE(seed);
    RecordingBuilder recording;
    recording.process_start().key_frame_distance(random() % 2 == 0 ? 0 : 17);
    const TagId tag = recording.tag("node");
    for (uint64_t site = 0; site < 12; ++site)
      recording.site(site % 2 == 0 ? tag : kHeapTag, {0x1000 + site});
    Snapshot snapshot;
    uint64_t iterations = 0;
    for (int i = 0; i < 150; ++i) {
      for (int event = 0; event < 4; ++event) {
        recording.allocate(SiteId{static_cast<uint32_t>(random() % 12)}, 1 + random() % 100);
      }
      const uint64_t kind = random() % 4;
      snapshot.kind = kind == 0 ? SnapshotKind::kIteration : SnapshotKind::kPeak;
      snapshot.iteration = kind == 0 ? iterations++ : iterations;
      snapshot.time_ns += 1000;
      recording.snapshot(snapshot);
      if (i == 100 && round % 3 == 0) recording.cohorts(iterations, {{SiteId{0}, 0, 1, 1}});
    }
    recording.end();
    const auto truth = recording.run();
    const recording::Run packed = pack(recording);
    EXPECT_EQ(packed.damage.note, "");
    ASSERT_LT(packed.snapshots.size(), truth.snapshots.size());

    std::map<uint64_t, size_t> at;
    for (size_t k = 0; k < truth.snapshots.size(); ++k) at[truth.snapshots[k].time_ns] = k;
    for (size_t k = 0; k < packed.snapshots.size(); ++k) {
      const size_t in_truth = at.at(packed.snapshots[k].time_ns);
      for (size_t site = 0; site < truth.sites.size(); ++site) {
        const Counters now = counters_at(packed.sites[site], k);
        const Counters then = counters_at(truth.sites[site], in_truth);
        ASSERT_EQ(now.allocated_bytes, then.allocated_bytes);
        ASSERT_EQ(now.allocations, then.allocations);
      }
    }
    const auto highest = [](const recording::Run& run) {
      uint64_t most = 0;
      for (const Snapshot& each : run.snapshots) most = std::max(most, each.heap_peak_bytes);
      return most;
    };
    EXPECT_EQ(highest(packed), highest(truth));
    for (size_t each = 0; each < truth.tag_peaks.size(); ++each) {
      EXPECT_EQ(std::ranges::max(packed.tag_peaks[each]), std::ranges::max(truth.tag_peaks[each]));
    }
    EXPECT_EQ(packed.cohorts.size(), truth.cohorts.size());
  }
}

// Whoever has just ended a run reports on it while it is packed: both have to be the same.
TEST_F(PackedRecording, IsTheRunThatIsReadBeforeWithoutThePeaksThatGo) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 20; ++round) {
    RecordingBuilder recording;
    recording.process_start().key_frame_distance(round % 2 == 0 ? 0 : 13);
    for (uint64_t site = 0; site < 5; ++site) recording.site(kHeapTag, {0x1000 + site});
    Snapshot snapshot;
    for (int i = 0; i < 80; ++i) {
      recording.allocate(SiteId{static_cast<uint32_t>(random() % 5)}, 1 + random() % 100);
      snapshot.kind = random() % 4 == 0 ? SnapshotKind::kTick : SnapshotKind::kPeak;
      snapshot.time_ns += 1000;
      recording.snapshot(snapshot);
    }
    recording.end();
    if (round % 3 == 0) recording.zeros(4096);
    recording.write(path_);
    Reader reader(path_, Peaks::kThatStay);
    ASSERT_TRUE(reader.poll());
    ASSERT_TRUE(append_host_records(path_, {}, {}, Outcome()));
    ASSERT_TRUE(reader.poll());
    ASSERT_TRUE(pack_recording(path_));
    const auto packed = read_recording(path_);
    ASSERT_LT(packed->snapshots.size(), recording.run().snapshots.size());
    EXPECT_EQ(describe(*packed), describe(reader.run())) << seed << round;
  }
}

TEST_F(PackedRecording, ReadsAllOfADamagedFileWhosePeaksStay) {
  ByteVector bytes = long_recording().bytes();
  bytes[bytes.size() / 2] ^= 1;
  write_file(path_, bytes);
  Reader reader(path_, Peaks::kThatStay);
  ASSERT_TRUE(reader.poll());
  EXPECT_EQ(describe(reader.run()), describe(*read_recording(path_)));
}

TEST_F(PackedRecording, KeepsOnlyTheSumsOfGraphsThatNobodyNeeds) {
  const auto record = [](auto encode_it) {
    ByteVector payload(1024);
    Encoder out{payload.data(), payload.data() + payload.size()};
    encode_it(out);
    payload.resize(static_cast<size_t>(out.cursor - payload.data()));
    return payload;
  };
  RecordingBuilder recording;
  recording.process_start();
  recording.site(kHeapTag, {0x1000});
  recording.frame(RecordType::kGraph, record([](Encoder& out) {
                    encode(out, GraphHeader{0, GraphReason::kGrowth, 4, 9, 1, 1, 0, 5, {}});
                  }));
  recording.frame(RecordType::kGraphSites, record([](Encoder& out) {
                    encode_graph_site(out, SiteId{0}, {SiteId{0}, true, {{1, 16}, {}, {}, {}}});
                  }));
  recording.frame(RecordType::kGraphNodes, record([](Encoder& out) {
                    encode_graph_node(out, 0, {0x5000, 16, SiteId{0}, 0, Reach::kReachable, true, 0});
                  }));
  recording.frame(RecordType::kGraphEdges, record([](Encoder& out) {
                    encode_graph_edge(out, {kNoNode, RootKind::kData, 0, 0x4000, 0, 0, 0});
                  }));
  recording.frame(RecordType::kGraphEnd, record([](Encoder& out) {
                    encode(out, GraphEnd{0, true, 1, 16, 8, 7, 1, 1, 0, 6});
                  }));
  recording.end();
  recording::Run truth = recording.run();
  ASSERT_EQ(truth.graphs.size(), 1u);
  ASSERT_EQ(truth.graphs[0].edges.size(), 1u);
  recording.write(path_);
  ASSERT_TRUE(pack_recording(path_, GraphDetail::kSums));
  const auto packed = read_recording(path_);
  for (HeapGraph& graph : truth.graphs) leave_out_pointers(graph);
  EXPECT_EQ(describe(*packed), describe(truth));
  ASSERT_EQ(packed->graphs.size(), 1u);
  EXPECT_TRUE(packed->graphs[0].nodes.empty());
  EXPECT_FALSE(packed->graphs[0].whole);
  EXPECT_EQ(packed->graphs[0].sites[0].held[0].bytes, 16u);
  EXPECT_EQ(packed->graphs[0].blocks, 1u);
}

// --- hostile content

ByteVector header_of(uint64_t bytes, uint64_t stream_bytes) {
  ByteVector payload(2 * kMaxVarint);
  Encoder out{payload.data(), payload.data() + payload.size()};
  put_varint(out, bytes);
  put_varint(out, stream_bytes);
  payload.resize(static_cast<size_t>(out.cursor - payload.data()));
  return payload;
}

TEST(Packing, RefusesClaimsBeyondItsBoundsBeforeAllocating) {
  for (const uint64_t claim : {kMostUnpacked + 1, uint64_t{1} << 40, ~uint64_t{0}}) {
    bool whole = true;
    EXPECT_TRUE(opened(header_of(claim, 100), &whole).empty());
    EXPECT_FALSE(whole);
    EXPECT_TRUE(opened(header_of(100, claim), &whole).empty());
    EXPECT_FALSE(whole);
  }
  bool whole = true;
  EXPECT_TRUE(opened(header_of(kMostUnpacked, 100), &whole).empty());  // a few bytes that claim to hold 64 MB
  EXPECT_FALSE(whole);
}

TEST(Packing, LeavesUnpackedWhatTheReaderWouldRefuse) {
  Packer packer;
  const ByteVector zeros(4 << 20);
  packer.add(RecordType::kScenario, zeros);
  EXPECT_FALSE(packer.finish());
}

// Right checksums around damaged content.
TEST(Packing, SurvivesEveryDamagedByte) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  Packer packer;
  const Record site{RecordType::kSite, {0, 0, 0, 0, 3, 2, 4, 6}};
  for (int i = 0; i < 40; ++i) packer.add(site.first, site.second);
  for (int i = 0; i < 40; ++i) {
    const ByteVector payload = random_payload(random);
    packer.add(static_cast<RecordType>(random() % 40), payload);
  }
  const ByteVector good = *packer.finish();
  for (size_t at = 0; at < good.size(); ++at) {
    ByteVector bad = good;
    bad[at] ^= static_cast<uint8_t>(1 + random() % 255);
    RecordingBuilder recording;
    recording.process_start().frame(RecordType::kPacked, bad);
    const auto run = recording.run();
    ASSERT_LE(run.sites.size(), 41u) << seed << at;
    bad.resize(at);
    bool whole = true;
    opened(bad, &whole);
    EXPECT_FALSE(whole) << seed << at;
  }
}

// Streams that no writer makes, in a frame of zstd that is right.
TEST(Packing, SurvivesRandomStreams) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 2000; ++round) {
    std::array<ByteVector, kStreams> bytes;
    std::array<std::span<const uint8_t>, kStreams> streams;
    for (size_t i = 0; i < kStreams; ++i) {
      bytes[i].resize(random() % 60);
      for (uint8_t& byte : bytes[i]) byte = static_cast<uint8_t>(random() % (random() % 2 == 0 ? 8 : 256));
      if (i == 0) {
        // Twice sites, rows, snapshots, cohorts, nodes, edges, freed places, symbols, sums of graphs; and as
        // it is.
        constexpr uint8_t kTransformed[] = {12, 14, 16, 18, 46, 48, 66, 26, 44, 13};
        for (uint8_t& byte : bytes[i]) byte = kTransformed[random() % std::size(kTransformed)];
      }
      streams[i] = bytes[i];
    }
    uint64_t given = 0;
    StreamReader(streams).read(
        5000, [&](RecordType, std::span<const uint8_t> payload) { given += payload.size(); });
    EXPECT_LE(given, 5000u) << seed;
  }
}

TEST(Packing, APackedRecordInsideOfAnotherIsDamage) {
  Packer inner;
  inner.add(RecordType::kTag, ByteVector{0, 0});
  Packer outer;
  outer.add(RecordType::kPacked, *inner.finish());
  RecordingBuilder recording;
  recording.process_start();
  const size_t tags = recording.run().tags.size();
  const auto run = recording.frame(RecordType::kPacked, *outer.finish()).run();
  EXPECT_EQ(run.tags.size(), tags);
  EXPECT_EQ(run.damage.damaged_records, 1u);
}

}  // namespace
}  // namespace leakhunt::recording
