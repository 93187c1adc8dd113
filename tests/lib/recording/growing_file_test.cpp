// Reading a recording while it is written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>

#include "lib/recording/reader.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/run_comparison.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

using ByteVector = std::vector<uint8_t>;

class GrowingFile : public testing::Test {
 protected:
  ~GrowingFile() override { std::filesystem::remove(path_); }
  void has(const ByteVector& bytes, size_t size) {
    write_file(path_, {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)});
  }
  const std::string path_ = temporary_path("growing.lhr");
};

// The same file in any pieces: what is read is the same, and at each step the same as reading so much at
// once.
void expect_same_in_pieces(const std::string& path, const ByteVector& bytes, std::mt19937_64& random,
                           size_t pieces) {
  std::vector<size_t> sizes = {bytes.size()};
  for (size_t i = 1; i < pieces; ++i) sizes.push_back(sizeof(FileHeader) + random() % (bytes.size() - 15));
  std::sort(sizes.begin(), sizes.end());
  Reader reader(path);
  for (const size_t size : sizes) {
    const ByteVector part(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    write_file(path, part);
    ASSERT_TRUE(reader.poll());
    ASSERT_EQ(describe(reader.run()), describe(read_bytes(part)));
  }
}

TEST_F(GrowingFile, ReadsTheSameInAnyPieces) {
  const Seed seed;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed.value);
  const ByteVector bytes = recording_of_everything().bytes();
  for (size_t round = 0; round < 40; ++round) {
    expect_same_in_pieces(path_, bytes, random, 1 + round);
    if (HasFatalFailure()) return;
  }
}

TEST_F(GrowingFile, ReadsTheSameInAnyPiecesWhenDamaged) {
  const Seed seed;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed.value);
  for (size_t round = 0; round < 200; ++round) {
    ByteVector bytes = recording_of_everything().bytes();
    for (uint64_t i = 1 + random() % 3; i > 0; --i) {
      bytes[sizeof(FileHeader) + random() % (bytes.size() - 16)] ^= static_cast<uint8_t>(1 + random() % 255);
    }
    if (random() % 2 == 0) bytes.resize(bytes.size() + random() % 9000);
    expect_same_in_pieces(path_, bytes, random, 6);
    if (HasFatalFailure()) return;
  }
}

TEST_F(GrowingFile, TellsWhetherThereWasAnythingNew) {
  RecordingBuilder recording;
  recording.process_start();
  Reader reader(path_);
  EXPECT_FALSE(reader.poll());  // no file yet
  recording.write(path_);
  EXPECT_EQ(reader.poll(Growth::kGrowing).value(), true);
  EXPECT_EQ(reader.poll(Growth::kGrowing).value(), false);
  recording.iteration(0).write(path_);
  EXPECT_EQ(reader.poll(Growth::kGrowing).value(), true);
  EXPECT_EQ(reader.run().snapshots.size(), 1u);
}

TEST_F(GrowingFile, TotalsAndSeriesAreUpToDateAfterEachPoll) {
  RecordingBuilder recording;
  recording.process_start();
  const SiteId site = recording.site(kHeapTag, {0x1000});
  Reader reader(path_);
  for (uint64_t i = 0; i < 20; ++i) {
    recording.allocate(site, 16).iteration(i);
    RecordingBuilder(recording).zeros(1 << 16).write(path_);  // as the target leaves it: a window of zeros
    ASSERT_TRUE(reader.poll(Growth::kGrowing));
    EXPECT_EQ(reader.run().snapshots.back().iteration, i);
    EXPECT_EQ(reader.run().sites[0].live_bytes_end(), static_cast<int64_t>(16 * (i + 1)));
    EXPECT_EQ(expand_sum(reader.run(), {}, Measure::kLiveBytes).back(), static_cast<int64_t>(16 * (i + 1)));
    EXPECT_EQ(reader.run().damage.damaged_bytes, 0u);
  }
}

TEST_F(GrowingFile, DamageIsCountedOnce) {
  RecordingBuilder recording;
  recording.process_start().key_frame_distance(4).site(kHeapTag, {0x1000});
  recording.allocate(SiteId{0}, 4).iteration(0).raw(ByteVector(24, 0xFF));
  Reader reader(path_);
  for (uint64_t i = 1; i < 9; ++i) {
    recording.allocate(SiteId{0}, 4).iteration(i).write(path_);
    ASSERT_TRUE(reader.poll());
    ASSERT_TRUE(reader.poll());
    EXPECT_EQ(reader.run().damage.damaged_bytes, 24u);
    EXPECT_EQ(reader.run().damage.damaged_records, 1u);
  }
  EXPECT_EQ(reader.run().damage.lost_snapshots, 3u);
  EXPECT_EQ(reader.run().sites[0].live_bytes_end(), 36);
}

TEST_F(GrowingFile, AFileThatBecameShorterIsAnError) {
  const ByteVector bytes = recording_of_everything().bytes();
  has(bytes, bytes.size());
  Reader reader(path_);
  ASSERT_TRUE(reader.poll());
  has(bytes, 100);
  const auto poll = reader.poll();
  ASSERT_FALSE(poll);
  EXPECT_NE(poll.error().message.find("became shorter"), std::string::npos);
  EXPECT_EQ(reader.run().snapshots.size(), 14u);
}

}  // namespace
}  // namespace leakhunt::recording
