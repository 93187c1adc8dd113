// Content with a right checksum and a wrong meaning: refused, counted, and never worth much memory or time.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <random>

#include "lib/recording/codec.h"
#include "lib/recording/reader.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/run_comparison.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

using ByteVector = std::vector<uint8_t>;

ByteVector varints(std::initializer_list<uint64_t> values) {
  ByteVector bytes(values.size() * kMaxVarint);
  Encoder out{bytes.data(), bytes.data() + bytes.size()};
  for (const uint64_t value : values) put_varint(out, value);
  bytes.resize(static_cast<size_t>(out.cursor - bytes.data()));
  return bytes;
}

constexpr uint64_t kHuge = ~uint64_t{0};

RecordingBuilder two_sites() {
  RecordingBuilder recording;
  recording.process_start();
  recording.site(kHeapTag, {0x1000});
  recording.site(kHeapTag, {0x2000});
  recording.allocate(SiteId{0}, 10).iteration(0);
  return recording;
}

TEST(Hostile, EveryImpossibleRecordIsDamageAndLeavesTheRestAlone) {
  const struct {
    const char* what;
    RecordType type;
    ByteVector payload;
  } cases[] = {
      {"empty process start", RecordType::kProcessStart, {}},
      {"module id out of order", RecordType::kModule, varints({7, 0, 0, 0, 0, 0})},
      {"module that ends before it begins", RecordType::kModule, varints({0, 0, 100, kHuge, 0, 0})},
      {"tag id used before", RecordType::kTag, varints({0, 0})},
      {"tag id out of order", RecordType::kTag, varints({3, 0})},
      {"tag id without bound", RecordType::kTag, varints({0xFFFFFFFF, 0})},
      {"tag name beyond the payload", RecordType::kTag, varints({2, 1000})},
      {"site id used before", RecordType::kSite, varints({1, 0, 0, 0, 0})},
      {"site id out of order", RecordType::kSite, varints({0xFFFFFFFF, 0, 0, 0, 0})},
      {"site of an unknown tag", RecordType::kSite, varints({2, 9, 0, 0, 0})},
      {"site of an unknown kind", RecordType::kSite, varints({2, 0, 3, 0, 0})},
      {"site with more frames than bytes", RecordType::kSite, varints({2, 0, 0, 0, kHuge})},
      {"site of a thread that is none", RecordType::kSite, varints({2, 0, 0, 0, 0, 256})},
      {"thread number without bound", RecordType::kThread, varints({kHuge, 0, 0, 0, 0, 0, 0, 0, 0})},
      {"half a thread", RecordType::kThread, varints({1, 2, 3})},
      {"row of an unknown site", RecordType::kSnapshotRows, varints({2, 1, 1, 0, 0, 0, 0})},
      {"rows that do not ascend", RecordType::kSnapshotRows,
       varints({1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0})},
      {"half a row", RecordType::kSnapshotRows, varints({1, 1, 1})},
      {"snapshot of the past", RecordType::kSnapshot, varints({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})},
      {"snapshot of an unknown kind", RecordType::kSnapshot,
       varints({1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})},
      {"more tag peaks than bytes", RecordType::kSnapshot,
       varints({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, kHuge, 0})},
      {"peak of an unknown tag", RecordType::kSnapshot,
       varints({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5, 5})},
      {"more cohorts than bytes", RecordType::kCohorts, varints({0, 0, kHuge})},
      {"cohort of an unknown site", RecordType::kCohorts, varints({0, 0, 1, 5, 0, 1, 1})},
      {"cohorts that do not ascend", RecordType::kCohorts, varints({0, 0, 2, 1, 0, 1, 1, 0, 0, 1, 1})},
      {"an errno that is none", RecordType::kStepAside, varints({0, kHuge, 0})},
      {"an interval that is no power of two", RecordType::kSampling, varints({0, 5, 0, 12, 0, 0, 0})},
      {"an interval beyond all memory", RecordType::kSampling,
       varints({0, uint64_t{1} << 49, 0, 12, 0, 0, 0})},
      {"a sample with a flag of 2", RecordType::kSampling, varints({0, 4096, 2, 12, 0, 0, 0})},
      {"marks by nobody", RecordType::kIterationMarks, varints({3, 1, 0, 0})},
      {"marks that half are", RecordType::kIterationMarks, varints({1, 2, 0, 0})},
      {"an attachment with a flag of 2", RecordType::kAttached, varints({0, 2, 0, 0, 0})},
      {"an end of an unknown kind", RecordType::kProcessEnd, varints({9, 0})},
      {"half a scenario", RecordType::kScenario, varints({0, 0})},
      {"a budget with a flag of 2", RecordType::kBudget, varints({2, 0, 0})},
      {"a limit of an unknown cost", RecordType::kLimits,
       varints({1, 0, 0, 0, 0, kCosts, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})},
      {"more limits than bytes", RecordType::kLimits, varints({kHuge})},
      {"samples that begin nowhere", RecordType::kHostSamples, varints({5, 0})},
      {"more samples than bytes", RecordType::kHostSamples, varints({0, kHuge})},
      {"a module closed that never was", RecordType::kModuleClosed, varints({5, 0})},
      {"symbols with an unknown string", RecordType::kSymbols, varints({0, 1, 0, 7, 0, 0})},
      {"an outcome that is cut off", RecordType::kOutcome, varints({0})},
  };
  const std::string before = describe(two_sites().run(), false);
  for (const auto& [what, type, payload] : cases) {
    SCOPED_TRACE(what);
    RecordingBuilder recording = two_sites();
    const size_t size = recording.bytes().size();
    const auto run = recording.frame(type, payload).run();
    EXPECT_EQ(describe(run, false), before);
    EXPECT_EQ(run.damage.damaged_records, 1u);
    EXPECT_EQ(run.damage.damaged_bytes, recording.bytes().size() - size);
    EXPECT_NE(run.damage.note.find("impossible content at byte " + std::to_string(size)), std::string::npos)
        << run.damage.note;
  }
}

uint64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

// Reads `bytes` and expects it to be over soon, without much more memory than the file's size.
void expect_cheap(const ByteVector& bytes) {
  const uint64_t memory = peak_memory_bytes();
  const auto start = std::chrono::steady_clock::now();
  const auto run = read_bytes(bytes);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 20.0);  // linear takes well below a second; quadratic would take hours
  EXPECT_LT(peak_memory_bytes() - memory, 16 * bytes.size() + (64u << 20));
}

TEST(Hostile, FramesThatOverlapCostLinearTime) {
  ByteVector bytes = RecordingBuilder().bytes();
  const size_t count = 1 << 20;
  for (size_t i = 0; i < count; ++i) {  // each claims the 4 MB behind it
    const uint32_t words[2] = {kFrameMagic, 4u << 20};
    const uint8_t* raw = reinterpret_cast<const uint8_t*>(words);
    bytes.insert(bytes.end(), raw, raw + sizeof words);
  }
  expect_cheap(bytes);
}

TEST(Hostile, IdsFarAwayCostNothing) {
  RecordingBuilder recording;
  recording.process_start().raw(ByteVector(1 << 20, 0xFF));  // damage that could have held 40,000 sites
  for (uint64_t i = 0; i < 10'000; ++i) {
    recording.frame(RecordType::kSite, varints({0xFFFFFFFF - i, 0, 0, 0, 0}));
    recording.frame(RecordType::kModule, varints({0xFFFFFFFF - i, 0, 0, 0, 0, 0}));
  }
  expect_cheap(recording.bytes());
}

TEST(Hostile, ManyImagesWithManyLostIdsCostNothing) {
  RecordingBuilder recording;
  recording.raw(ByteVector(2 << 20, 0xFF));
  for (uint64_t i = 0; i < 2000; ++i) {
    recording.process_start();
    recording.frame(RecordType::kSite, varints({80'000, 0, 0, 0, 0}));
  }
  expect_cheap(recording.bytes());
}

TEST(Hostile, ASequenceThatJumpsToTheEndOfNumbersIsSurvived) {
  RecordingBuilder recording = two_sites();
  for (int i = 0; i < 3; ++i) {
    recording.frame(RecordType::kSnapshot, varints({kHuge, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  }
  const auto run = recording.run();
  EXPECT_GT(run.damage.lost_snapshots, 0u);
}

TEST(Hostile, CountersThatWrapAroundAreSurvived) {
  RecordingBuilder recording = two_sites();
  for (uint64_t i = 1; i < 5; ++i) {
    recording.frame(RecordType::kSnapshotRows, varints({0, kHuge, kHuge, kHuge, 1, kHuge, kHuge - i}));
    recording.frame(RecordType::kSnapshot, varints({i, 0, i == 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  }
  const auto run = recording.run();
  EXPECT_EQ(run.snapshots.size(), 5u);
  EXPECT_EQ(expand_sum(run, {}, Measure::kLiveBytes).size(), 5u);
}

TEST(Hostile, RandomBytesBehindAGoodHeaderAreSurvived) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 300; ++round) {
    ByteVector bytes(random() % 5000);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const auto run = RecordingBuilder().raw(bytes).run();
    EXPECT_EQ(run.snapshots.size(), 0u) << seed;
    EXPECT_EQ(run.damage.damaged_bytes + run.damage.torn_bytes, bytes.size()) << seed;
  }
}

// Right checksums around random payloads of every type: past the framing, into every decoder.
TEST(Hostile, RandomRecordsWithGoodChecksumsAreSurvived) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(seed);
    RecordingBuilder recording = two_sites();
    for (int i = 0; i < 200; ++i) {
      ByteVector payload(random() % 40);
      const uint64_t range = uint64_t{1} << (1 + random() % 8);
      for (uint8_t& byte : payload) byte = static_cast<uint8_t>(random() % range);
      recording.frame(static_cast<RecordType>(random() % 17), payload);
    }
    const auto run = recording.run();
    for (const CallSite& site : run.sites) ASSERT_LT(static_cast<size_t>(site.tag), run.tags.size());
    ASSERT_LE(run.tag_peaks.size(), run.tags.size());
    for (const auto& peaks : run.tag_peaks) ASSERT_EQ(peaks.size(), run.snapshots.size());
    for (const CallSite& site : run.sites) {
      for (const Stretch& s : site.series) ASSERT_LE(s.first + s.snapshots, run.snapshots.size());
    }
  }
}

}  // namespace
}  // namespace leakhunt::recording
