#include "lib/recording/appender.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lib/recording/reader.h"
#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/run_comparison.h"

namespace leakhunt::recording {
namespace {

class Appender : public testing::Test {
 protected:
  ~Appender() override { std::filesystem::remove(path_); }
  recording::Run read() const {
    auto run = read_recording(path_);
    EXPECT_TRUE(run) << run.error().message;
    return *std::move(run);
  }
  const std::string path_ = temporary_path("appended.lhr");
};

Symbols symbols_at(uint64_t address, const std::string& function) {
  Symbol symbol;
  symbol.address = address;
  symbol.source_frames = {{function, "a.cpp", 1, false}};
  return {{address, symbol}};
}

RecordingBuilder target_part() {
  RecordingBuilder recording;
  recording.process_start().site(kHeapTag, {0x1000});
  for (uint64_t i = 0; i < 5; ++i) recording.allocate(SiteId{0}, 8).iteration(i);
  return recording;
}

TEST_F(Appender, CreatesAFileThatReadsAsScenarioAndBudget) {
  Scenario scenario;
  scenario.name = "quick_tiny";
  scenario.warm_up = 20;
  ASSERT_TRUE(create_recording(path_, &scenario, {5'000'000'000, {}, 1.5}));
  const auto run = read();
  EXPECT_EQ(run.scenario->name, "quick_tiny");
  EXPECT_EQ(run.budget.peak_rss_bytes, 5'000'000'000u);
  EXPECT_FALSE(run.budget.growth_bytes_per_iteration);
  EXPECT_EQ(run.budget.min_iterations_per_second, 1.5);
  EXPECT_EQ(run.images, 0u);

  Budget limited;
  limited.limits = {Limit{}};
  limited.growth_bytes_per_iteration = 3;
  ASSERT_TRUE(create_recording(path_, &scenario, limited));
  EXPECT_EQ(read().budget.limits.size(), 1u);
  EXPECT_EQ(read().budget.growth_bytes_per_iteration, 3);

  ASSERT_TRUE(create_recording(path_, nullptr, {}));
  EXPECT_FALSE(read().scenario);
}

TEST_F(Appender, CutsTheZerosOffAndRemembersHowMany) {
  RecordingBuilder recording = target_part();
  const size_t whole = recording.bytes().size();
  recording.zeros(5000).write(path_);
  const std::vector<HostSample> samples = {{1, 2}, {3, 4}};
  Outcome outcome;
  outcome.signal = 9;
  ASSERT_TRUE(append_host_records(path_, symbols_at(0x1000, "f"), samples, outcome));
  EXPECT_LT(std::filesystem::file_size(path_), whole + 1000);
  const auto run = read();
  EXPECT_EQ(run.damage.torn_bytes, 5000u);
  EXPECT_EQ(run.damage.note, "");
  EXPECT_EQ(run.snapshots.size(), 5u);
  EXPECT_EQ(run.outcome->signal, 9);
  EXPECT_EQ(run.host_samples.size(), 2u);
  EXPECT_EQ(run.symbols.size(), 1u);
}

TEST_F(Appender, AppendsBehindEveryPossibleCut) {
  const std::vector<uint8_t> bytes = target_part().bytes();
  const auto truth = read_bytes(bytes);
  for (size_t size = sizeof(FileHeader); size <= bytes.size(); ++size) {
    const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    const auto before = read_bytes(cut);
    write_file(path_, cut);
    ASSERT_TRUE(append_host_records(path_, {}, {}, Outcome{}));
    const auto run = read();
    ASSERT_TRUE(run.outcome);
    ASSERT_EQ(run.snapshots.size(), before.snapshots.size());
    ASSERT_EQ(run.damage.torn_bytes, before.damage.torn_bytes) << size;
    ASSERT_EQ(run.damage.damaged_bytes, 0u) << size;
    ASSERT_EQ(contradiction(run, truth), "");
  }
}

TEST_F(Appender, AppendsAgainAndTheLaterOnesWin) {
  target_part().zeros(100).write(path_);
  Outcome outcome;
  outcome.exit_status = 3;
  const std::vector<HostSample> samples = {{1, 2}};
  ASSERT_TRUE(append_host_records(path_, symbols_at(0x1000, "f"), samples, outcome));
  ASSERT_TRUE(append_host_records(path_, symbols_at(0x1000, "better"), {}, std::nullopt));
  ASSERT_TRUE(append_host_records(path_, symbols_at(0x2000, "g"), {}, std::nullopt));
  const auto run = read();
  EXPECT_EQ(run.symbols.at(0x1000).source_frames[0].function, "better");
  EXPECT_EQ(run.symbols.at(0x2000).source_frames[0].function, "g");
  EXPECT_EQ(run.outcome->exit_status, 3);
  EXPECT_EQ(run.host_samples.size(), 1u);
  EXPECT_EQ(run.damage.torn_bytes, 100u);
}

TEST_F(Appender, NamesTheChildrenThatStillRan) {
  RecordingBuilder().process_start().write(path_);
  ASSERT_TRUE(append_host_records(path_, {}, {}, Outcome{}, {"12.lhr", "13-2.lhr"}));
  const auto run = read_recording(path_);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->left_running, (std::vector<std::string>{"12.lhr", "13-2.lhr"}));
  EXPECT_EQ(run->damage.note, "");
}

TEST_F(Appender, LeavesDamageWhereItIs) {
  std::vector<uint8_t> bytes = target_part().bytes();
  bytes[bytes.size() - 12] ^= 0x10;  // in the last snapshot's payload
  const auto before = read_bytes(bytes);
  ASSERT_GT(before.damage.damaged_bytes, 0u);
  write_file(path_, bytes);
  ASSERT_TRUE(append_host_records(path_, {}, {}, Outcome{}));
  const auto run = read();
  EXPECT_EQ(run.damage.damaged_bytes, before.damage.damaged_bytes);
  EXPECT_EQ(run.snapshots.size(), 4u);
  EXPECT_TRUE(run.outcome);
}

TEST_F(Appender, SplitsWhatIsTooLargeForOneRecord) {
  target_part().write(path_);
  std::vector<HostSample> samples;
  for (uint64_t i = 0; i < 200'000; ++i) samples.push_back({i * 1'000'003, i * i % 9'999'999});
  Symbols symbols;
  for (uint64_t i = 0; i < 3000; ++i) symbols.merge(symbols_at(i * 16, std::string(i % 2000, 'f')));
  ASSERT_TRUE(append_host_records(path_, symbols, samples, std::nullopt));
  const auto run = read();
  ASSERT_EQ(run.host_samples.size(), samples.size());
  EXPECT_EQ(run.host_samples[150'000].time_ns, samples[150'000].time_ns);
  EXPECT_EQ(run.host_samples.back().rss_bytes, samples.back().rss_bytes);
  ASSERT_EQ(run.symbols.size(), 3000u);
  EXPECT_EQ(run.symbols.at(16 * 1999).source_frames[0].function.size(), 1999u);
  EXPECT_EQ(run.damage.note, "");
}

TEST_F(Appender, RefusesWhatItCannotWriteOrThatIsNoRecording) {
  const auto nowhere = create_recording("/nonexistent/a.lhr", nullptr, {});
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("/nonexistent/a.lhr: cannot be written"), std::string::npos);
  EXPECT_FALSE(append_host_records(path_, {}, {}, Outcome{}));  // missing
  write_file(path_, {'n', 'o'});
  EXPECT_FALSE(append_host_records(path_, {}, {}, Outcome{}));
  EXPECT_EQ(std::filesystem::file_size(path_), 2u);
}

}  // namespace
}  // namespace leakhunt::recording
