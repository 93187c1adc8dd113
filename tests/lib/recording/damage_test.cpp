// Recordings that were cut off or damaged: what can be read is right, what cannot is counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "lib/recording/codec.h"
#include "lib/recording/reader.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/run_comparison.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

using ByteVector = std::vector<uint8_t>;

ByteVector first_bytes(const ByteVector& bytes, size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)};
}

// Offsets of all frames with their types, by walking their lengths.
struct FramePlace {
  size_t offset;
  size_t end;
  RecordType type;
};
std::vector<FramePlace> frames_of(const ByteVector& bytes) {
  std::vector<FramePlace> places;
  for (size_t at = sizeof(FileHeader); at < bytes.size();) {
    FrameHeader header{};
    std::memcpy(&header, &bytes[at], sizeof header);
    const size_t end = at + frame_size(header.length);
    places.push_back({at, end, static_cast<RecordType>(header.type)});
    at = end;
  }
  return places;
}

size_t count_until(const std::vector<FramePlace>& places, size_t offset, RecordType type) {
  size_t count = 0;
  for (const FramePlace& place : places) count += place.end <= offset && place.type == type ? 1 : 0;
  return count;
}

bool anything_missing(const Damage& damage) {
  return damage.damaged_bytes + damage.torn_bytes + damage.lost_snapshots > 0;
}

TEST(Truncation, AtEveryByteReadsUpToTheLastWholeSnapshot) {
  const ByteVector bytes = recording_of_everything().bytes();
  const auto truth = read_bytes(bytes);
  const auto places = frames_of(bytes);
  for (size_t size = sizeof(FileHeader); size <= bytes.size(); ++size) {
    SCOPED_TRACE(size);
    const auto run = read_bytes(first_bytes(bytes, size));
    ASSERT_EQ(run.damage.damaged_bytes + run.damage.damaged_records + run.damage.lost_snapshots, 0u);
    ASSERT_EQ(run.damage.note, "");
    ASSERT_EQ(run.snapshots.size(), count_until(places, size, RecordType::kSnapshot));
    ASSERT_EQ(contradiction(run, truth), "");
    size_t whole = sizeof(FileHeader);
    for (const FramePlace& place : places) whole = place.end <= size ? place.end : whole;
    ASSERT_EQ(run.damage.torn_bytes, size - whole);
  }
}

// What a killed target leaves: the frame's magic is stored last, behind it there are zeros to the window's
// end.
TEST(Truncation, AFrameThatWasNotFinishedIsTornAndNoDamage) {
  const ByteVector bytes = recording_of_everything().bytes();
  const auto places = frames_of(bytes);
  for (const FramePlace& place : places) {
    for (size_t written = place.offset + 4; written < place.end; written += 3) {
      ByteVector torn = first_bytes(bytes, written);
      std::fill_n(torn.begin() + static_cast<ptrdiff_t>(place.offset), 4, uint8_t{0});
      torn.resize(bytes.size() + 10'000);
      const auto run = read_bytes(torn);
      ASSERT_EQ(run.damage.damaged_bytes + run.damage.damaged_records, 0u) << written;
      ASSERT_EQ(run.damage.torn_bytes, torn.size() - place.offset) << written;
    }
  }
}

void expect_honest(const ByteVector& damaged, const recording::Run& truth, const std::string& intact) {
  const auto run = read_bytes(damaged);
  ASSERT_EQ(contradiction(run, truth), "");
  if (!anything_missing(run.damage)) {
    ASSERT_EQ(describe(run), intact);
  }
}

TEST(BitFlip, OfAnyBitIsCountedAndNeverMakesAWrongSeries) {
  const ByteVector bytes = recording_of_everything().bytes();
  const auto truth = read_bytes(bytes);
  const std::string intact = describe(truth);
  for (size_t bit = sizeof(FileHeader) * 8; bit < bytes.size() * 8; ++bit) {
    SCOPED_TRACE(bit);
    ByteVector damaged = bytes;
    damaged[bit / 8] = static_cast<uint8_t>(damaged[bit / 8] ^ (1u << (bit % 8)));
    expect_honest(damaged, truth, intact);
    if (HasFatalFailure()) return;
  }
}

TEST(BitFlip, InTheFileHeaderIsAnError) {
  const ByteVector bytes = recording_of_everything().bytes();
  const std::string path = temporary_path("header.lhr");
  for (size_t bit = 0; bit < sizeof(FileHeader) * 8; ++bit) {
    ByteVector damaged = bytes;
    damaged[bit / 8] = static_cast<uint8_t>(damaged[bit / 8] ^ (1u << (bit % 8)));
    write_file(path, damaged);
    EXPECT_FALSE(read_recording(path)) << bit;
  }
  std::remove(path.c_str());
}

// An exec in the file: behind a destroyed process start the second image must not be taken for the first.
TEST(BitFlip, InARecordingOfTwoImagesMixesNothing) {
  RecordingBuilder recording;
  recording.process_start();
  recording.site(recording.tag("one"), {0x1000});
  recording.allocate(SiteId{0}, 1).iteration(0).allocate(SiteId{0}, 1).iteration(1).end(EndKind::kExec);
  const auto first = recording.run();
  recording.process_start();
  recording.site(recording.tag("two"), {0x2000});
  for (uint64_t i = 0; i < 9; ++i) recording.allocate(SiteId{0}, 7 + i).iteration(i, 999);
  const auto second = recording.run();
  const ByteVector& bytes = recording.bytes();
  for (size_t bit = sizeof(FileHeader) * 8; bit < bytes.size() * 8; ++bit) {
    ByteVector damaged = bytes;
    damaged[bit / 8] = static_cast<uint8_t>(damaged[bit / 8] ^ (1u << (bit % 8)));
    const auto run = read_bytes(damaged);
    const bool honest = contradiction(run, second).empty() || contradiction(run, first).empty();
    ASSERT_TRUE(honest) << bit << "\n" << describe(run);
    ASSERT_TRUE(anything_missing(run.damage) || describe(run) == describe(second)) << bit;
  }
}

TEST(Damage, DestroyedRecordsAreCountedInBytesAndRecords) {
  const ByteVector bytes = recording_of_everything().bytes();
  const auto truth = read_bytes(bytes);
  const auto places = frames_of(bytes);
  for (size_t i = 0; i + 1 < places.size(); ++i) {
    ByteVector damaged = bytes;
    damaged[places[i].offset + sizeof(FrameHeader)] ^= 0xFF;
    const auto run = read_bytes(damaged);
    SCOPED_TRACE(i);
    EXPECT_GE(run.damage.damaged_bytes, places[i].end - places[i].offset);
    EXPECT_GE(run.damage.damaged_records, 1u);
    EXPECT_NE(run.damage.note.find("byte " + std::to_string(places[i].offset)), std::string::npos)
        << run.damage.note;
    EXPECT_EQ(contradiction(run, truth), "");
  }
}

TEST(Damage, TheNextKeyFrameRepairsTheSeries) {
  RecordingBuilder recording;
  recording.process_start().key_frame_distance(10);
  const SiteId a = recording.site(kHeapTag, {0x1000});
  const SiteId b = recording.site(kHeapTag, {0x2000});
  for (uint64_t i = 0; i < 40; ++i) {
    recording.allocate(a, 100 + i % 3).allocate(b, 8).iteration(i);
  }
  const auto truth = recording.run();
  const auto places = frames_of(recording.bytes());
  size_t snapshots = 0;
  for (const FramePlace& place : places) {
    if (place.type == RecordType::kSnapshot) ++snapshots;
    if (snapshots != 14 || place.type != RecordType::kSnapshotRows) continue;
    ByteVector damaged = recording.bytes();  // the rows of snapshot 14
    damaged[place.offset + 20] ^= 1;
    const auto run = read_bytes(damaged);
    EXPECT_EQ(run.damage.damaged_records, 1u);
    EXPECT_EQ(run.damage.damaged_bytes, place.end - place.offset);
    EXPECT_EQ(run.damage.lost_snapshots, 6u);  // 14 to 19; 20 is a key frame
    EXPECT_EQ(run.snapshots.size(), 34u);
    EXPECT_EQ(run.snapshots[14].iteration, 20u);
    EXPECT_EQ(contradiction(run, truth), "");
    EXPECT_EQ(run.sites[0].live_bytes_end(), truth.sites[0].live_bytes_end());
    EXPECT_EQ(run.sites[1].live_bytes_end(), 320);
  }
}

TEST(Damage, ADestroyedCallSiteKeepsItsSeriesAndItsNeighboursTheirIds) {
  RecordingBuilder recording;
  recording.process_start().key_frame_distance(4);
  const size_t begin = recording.bytes().size();
  recording.site(kHeapTag, {0x1000});
  const size_t end = recording.bytes().size();
  recording.site(kHeapTag, {0x2000});
  for (uint64_t i = 0; i < 10; ++i) {
    recording.allocate(SiteId{0}, 5).allocate(SiteId{1}, 7).iteration(i);
  }
  ByteVector damaged = recording.bytes();
  damaged[begin + 17] ^= 4;
  const auto run = read_bytes(damaged);
  ASSERT_EQ(run.sites.size(), 2u);
  EXPECT_TRUE(run.sites[0].lost);
  EXPECT_FALSE(run.sites[1].lost);
  EXPECT_EQ(run.sites[0].live_bytes_end(), 50);
  EXPECT_EQ(run.sites[1].live_bytes_end(), 70);
  EXPECT_EQ(run.sites[1].frames, std::vector<uint64_t>{0x2000});
  EXPECT_EQ(run.damage.damaged_bytes, end - begin);
}

TEST(Damage, AGapInTheSequenceIsCountedWithoutAnythingElseBeingWrong) {
  RecordingBuilder recording;
  recording.process_start().key_frame_distance(5);
  recording.site(kHeapTag, {0x1000});
  for (uint64_t i = 0; i < 12; ++i) recording.allocate(SiteId{0}, 10 + i).iteration(i);
  const auto truth = recording.run();
  ByteVector cut;
  size_t snapshots = 0;
  size_t kept = 0;
  for (const FramePlace& place : frames_of(recording.bytes())) {  // without snapshots 2 and 3 and their rows
    if (snapshots != 2 && snapshots != 3) {
      const ByteVector& bytes = recording.bytes();
      cut.insert(cut.end(), bytes.begin() + static_cast<ptrdiff_t>(kept == 0 ? 0 : place.offset),
                 bytes.begin() + static_cast<ptrdiff_t>(place.end));
      ++kept;
    }
    snapshots += place.type == RecordType::kSnapshot ? 1 : 0;
  }
  const auto run = read_bytes(cut);
  EXPECT_EQ(run.damage.lost_snapshots, 3u);  // 2, 3, and 4, whose rows say too little
  EXPECT_EQ(run.damage.damaged_bytes, 0u);
  EXPECT_NE(run.damage.note.find("snapshots 2 to 3 are missing"), std::string::npos) << run.damage.note;
  EXPECT_EQ(run.snapshots.size(), 9u);
  EXPECT_EQ(contradiction(run, truth), "");
}

TEST(Damage, ARecordOfRowsThatIsGoneIsMissed) {
  RecordingBuilder recording;
  recording.process_start().key_frame_distance(3);
  recording.site(kHeapTag, {0x1000});
  for (uint64_t i = 0; i < 9; ++i) recording.allocate(SiteId{0}, 10 + i).iteration(i);
  const auto truth = recording.run();
  for (const FramePlace& place : frames_of(recording.bytes())) {
    if (place.type != RecordType::kSnapshotRows) continue;
    ByteVector cut = recording.bytes();
    cut.erase(cut.begin() + static_cast<ptrdiff_t>(place.offset),
              cut.begin() + static_cast<ptrdiff_t>(place.end));
    const auto run = read_bytes(cut);
    EXPECT_EQ(run.damage.damaged_records, 1u);
    EXPECT_NE(run.damage.note.find("0 rows instead of 1"), std::string::npos) << run.damage.note;
    EXPECT_GT(run.damage.lost_snapshots, 0u);
    EXPECT_EQ(contradiction(run, truth), "");
  }
}

TEST(Damage, AKeyFrameThatCountsLessIsNotedAndBelieved) {
  RecordingBuilder recording;
  recording.process_start().key_frame_distance(3);
  const SiteId site = recording.site(kHeapTag, {0x1000});
  recording.set(site, {5, 500, 0, 0, 0, 0}).iteration(0).iteration(1).iteration(2);
  recording.set(site, {4, 400, 0, 0, 0, 0}).iteration(3).allocate(site, 1).iteration(4);
  const auto run = recording.run();
  EXPECT_EQ(run.damage.damaged_records, 1u);
  EXPECT_NE(run.damage.note.find("counts less"), std::string::npos) << run.damage.note;
  EXPECT_EQ(expand(run.sites[0].series, 5, Measure::kLiveBytes), (std::vector<int64_t>{0, 0, 0, 400, 401}));
  EXPECT_EQ(run.sites[0].live_bytes_end(), 401);
}

TEST(Damage, ACohortTableWithoutAllItsPartsNeverWas) {
  RecordingBuilder recording;
  recording.process_start();
  recording.site(kHeapTag, {0x1000});
  recording.iteration(0);
  const std::vector<Cohort> rows = {{SiteId{0}, 0, 1, 8}, {SiteId{0}, 1, 1, 8}, {SiteId{0}, 2, 1, 8}};
  const size_t begin = recording.bytes().size();
  recording.cohorts(0, rows, 1);
  const auto parts = frames_of(recording.bytes());
  recording.iteration(1).cohorts(1, rows, 1);
  for (size_t part = parts.size() - 3; part < parts.size(); ++part) {
    ASSERT_GE(parts[part].offset, begin);
    ByteVector damaged = recording.bytes();
    damaged[parts[part].offset + 17] ^= 1;
    const auto run = read_bytes(damaged);
    ASSERT_EQ(run.cohorts.size(), 1u);
    EXPECT_EQ(run.cohorts[0].iteration, 1u);
    EXPECT_EQ(run.cohorts[0].rows.size(), 3u);
  }
}

// Several bytes anywhere, holes, doubled and moved pieces; reproducible from the seed.
TEST(Mutation, ManyKindsAtOnceNeverCrashAndNeverMakeAWrongSeries) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  const ByteVector bytes = recording_of_everything().bytes();
  const auto truth = read_bytes(bytes);
  for (int round = 0; round < 4000; ++round) {
    SCOPED_TRACE(seed);
    SCOPED_TRACE(round);
    ByteVector damaged = bytes;
    for (uint64_t times = 1 + random() % 4; times > 0; --times) {
      const size_t at = sizeof(FileHeader) + random() % (damaged.size() - sizeof(FileHeader));
      const size_t length = std::min<size_t>(1 + random() % 64, damaged.size() - at);
      const auto begin = damaged.begin() + static_cast<ptrdiff_t>(at);
      switch (random() % 4) {
        case 0:
          std::generate_n(begin, length, [&] { return static_cast<uint8_t>(random()); });
          break;
        case 1:
          std::fill_n(begin, length, uint8_t{0});
          break;
        case 2:
          damaged.erase(begin, begin + static_cast<ptrdiff_t>(length));
          break;
        default:
          damaged.insert(begin, length, static_cast<uint8_t>(random()));
      }
      if (damaged.size() <= sizeof(FileHeader)) break;
    }
    // A whole record of the host that is cut out leaves no trace; rows and snapshots do.
    ASSERT_EQ(contradiction(read_bytes(damaged), truth), "");
  }
}

}  // namespace
}  // namespace leakhunt::recording
