// What a whole recording means.
#include "lib/recording/reader.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <random>

#include "tests/lib/recording/recording_builder.h"
#include "tests/lib/recording/run_comparison.h"
#include "tests/lib/recording/seed.h"

namespace leakhunt::recording {
namespace {

void expect_counters(const Counters& read, const Counters& expected) {
  EXPECT_EQ(read.allocations, expected.allocations);
  EXPECT_EQ(read.allocated_bytes, expected.allocated_bytes);
  EXPECT_EQ(read.frees, expected.frees);
  EXPECT_EQ(read.freed_bytes, expected.freed_bytes);
  EXPECT_EQ(read.temporary_blocks, expected.temporary_blocks);
  EXPECT_EQ(read.temporary_bytes, expected.temporary_bytes);
}

TEST(Reader, ReadsEveryKindOfRecord) {
  const auto run = recording_of_everything().run();
  ASSERT_TRUE(run.scenario);
  EXPECT_EQ(run.scenario->name, "long_small");
  EXPECT_EQ(run.scenario->command, (std::vector<std::string>{"train_full", "--small"}));
  EXPECT_EQ(run.budget.peak_rss_bytes, 5'000'000'000u);
  EXPECT_EQ(run.budget.min_iterations_per_second, 100.5);
  EXPECT_EQ(run.process.pid, 4711u);
  EXPECT_EQ(run.process.command_line, (std::vector<std::string>{"train_full", "", "--small"}));
  ASSERT_EQ(run.modules.size(), 1u);
  EXPECT_EQ(run.modules[0].end, 0x409000u);
  ASSERT_EQ(run.tags.size(), 4u);
  EXPECT_EQ(run.tags[0].name, "heap");
  EXPECT_EQ(run.tags[2].name, "tape.node");
  ASSERT_EQ(run.sites.size(), 3u);
  EXPECT_EQ(run.sites[1].kind, SiteKind::kMapping);
  EXPECT_EQ(run.sites[1].frames, (std::vector<uint64_t>{0x7fff00000010, 0x401300}));
  EXPECT_TRUE(run.sites[2].truncated);
  EXPECT_EQ(run.sites[0].live_blocks_end(), 12);
  EXPECT_EQ(run.sites[1].live_bytes_end(), 0);
  EXPECT_EQ(run.sites[2].live_bytes_end(), 500);
  ASSERT_EQ(run.snapshots.size(), 14u);
  EXPECT_EQ(run.snapshots[6].kind, SnapshotKind::kPeak);
  EXPECT_EQ(run.snapshots[13].kind, SnapshotKind::kFinal);
  EXPECT_EQ(clock_snapshots(run).size(), 12u);
  ASSERT_EQ(run.cohorts.size(), 1u);
  ASSERT_EQ(run.cohorts[0].rows.size(), 3u);
  EXPECT_EQ(run.cohorts[0].rows[2].bytes, 500u);
  ASSERT_EQ(run.freed_places.size(), 2u);
  EXPECT_EQ(run.freed_places[0].samples, 3u);
  EXPECT_EQ(run.freed_places[0].stack.frames, (std::vector<uint64_t>{0x401300, 0x401200}));
  EXPECT_EQ(run.sites[0].thread, std::nullopt);
  EXPECT_EQ(run.sites[2].thread, kOtherThreads);
  ASSERT_EQ(run.threads.size(), 2u);
  EXPECT_EQ(run.threads.at(0).end_ns, std::nullopt);
  EXPECT_EQ(run.threads.at(300).name, "worker");
  EXPECT_EQ(run.threads.at(300).end_ns, 9'000'000u);
  ASSERT_EQ(run.step_asides.size(), 1u);
  EXPECT_EQ(run.step_asides[0].reason, "the disk is full");
  ASSERT_EQ(run.sampling.size(), 1u);  // one state, with the totals of its last record
  EXPECT_EQ(run.sampling[0].interval_bytes, 4096u);
  EXPECT_EQ(run.sampling[0].allocated_bytes, 2000u);
  EXPECT_EQ(run.marks.by, MarkedBy::kEntries);
  EXPECT_EQ(run.marks.what, "sqlite3_step");
  EXPECT_EQ(run.end, EndKind::kExit);
  EXPECT_EQ(run.images, 1u);
  EXPECT_EQ(run.symbols.at(0x401234).source_frames[0].function, "Tape::push");
  EXPECT_EQ(run.host_samples.size(), 3u);
  EXPECT_EQ(run.outcome->signal, 9);
  EXPECT_EQ(run.damage.note, "");
  EXPECT_EQ(run.damage.damaged_records + run.damage.damaged_bytes + run.damage.torn_bytes, 0u);
}

TEST(Reader, MakesOneStretchOfASteadyState) {
  RecordingBuilder recording;
  recording.process_start().key_frame_distance(10);
  const SiteId site = recording.site(kHeapTag, {0x1000});
  const size_t start = recording.bytes().size();
  for (uint64_t i = 0; i < 100; ++i) recording.allocate(site, 64).iteration(i);
  const auto run = recording.run();
  ASSERT_EQ(run.sites[0].series.size(), 1u);
  EXPECT_EQ(run.sites[0].series[0].first, 0u);
  EXPECT_EQ(run.sites[0].series[0].snapshots, 100u);
  EXPECT_EQ(run.sites[0].series[0].each.allocated_bytes, 64u);
  expect_counters(run.sites[0].total, {100, 6400, 0, 0, 0, 0});
  EXPECT_LT((recording.bytes().size() - start) / 100, 80u);  // bytes per iteration: no rows
}

TEST(Reader, ASiteThatStopsHasARowThatSaysSo) {
  RecordingBuilder recording;
  recording.process_start();
  const SiteId site = recording.site(kHeapTag, {0x1000});
  recording.iteration(0).allocate(site, 8).iteration(1).allocate(site, 8).iteration(2).iteration(3);
  recording.iteration(4).allocate(site, 8).iteration(5);
  const auto run = recording.run();
  EXPECT_EQ(expand(run.sites[0].series, 6, Measure::kLiveBytes),
            (std::vector<int64_t>{0, 8, 16, 16, 16, 24}));
  EXPECT_EQ(run.sites[0].series.size(), 2u);
}

// Whatever sites do, the series say the same: against a model that keeps every total.
TEST(Reader, SeriesEqualWhatHappened) {
  const Seed seed;
  std::mt19937_64 random(seed.value);
  for (int round = 0; round < 60; ++round) {
    RecordingBuilder recording;
    recording.process_start().key_frame_distance(random() % 7);
    std::vector<Counters> totals;
    std::vector<std::vector<Counters>> history;  // [snapshot][site]
    const uint64_t snapshots = 1 + random() % 60;
    const uint64_t busy = 1 + random() % 10;
    for (uint64_t k = 0; k < snapshots; ++k) {
      for (uint64_t i = random() % 5; i > 0; --i) {
        recording.site(kHeapTag, {0x1000 + totals.size()});
        totals.emplace_back();
      }
      for (size_t i = 0; i < totals.size(); ++i) {
        if (random() % busy != 0) continue;
        Counters& c = totals[i];
        const uint64_t steady = i % 3;  // some sites do the same again and again
        c.allocations += steady != 0 ? 2 : random() % 5;
        c.allocated_bytes += steady != 0 ? 128 : random() % 5000;
        c.frees += steady == 1 ? 1 : random() % 2;
        c.freed_bytes += steady == 1 ? 64 : random() % 300;
        c.temporary_blocks += steady == 0 ? 1 : 0;
        c.temporary_bytes += steady == 0 ? random() % 64 : 0;
        recording.set(SiteId{static_cast<uint32_t>(i)}, c);
      }
      recording.iteration(k);
      history.push_back(totals);
    }
    const auto run = recording.run();
    SCOPED_TRACE(seed);
    ASSERT_EQ(run.damage.note, "");
    ASSERT_EQ(run.snapshots.size(), snapshots);
    ASSERT_EQ(run.sites.size(), totals.size());
    for (size_t i = 0; i < totals.size(); ++i) {
      expect_counters(run.sites[i].total, totals[i]);
      for (size_t k = 0; k < snapshots; ++k) {
        expect_counters(counters_at(run.sites[i], k), i < history[k].size() ? history[k][i] : Counters{});
      }
      uint32_t end = 0;
      for (const Stretch& stretch : run.sites[i].series) {
        EXPECT_GE(stretch.first, end);
        EXPECT_GT(stretch.snapshots, 0u);
        end = stretch.first + stretch.snapshots;
      }
      EXPECT_LE(end, snapshots);
    }
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

TEST(Reader, TagPeaksLastUntilTheyChange) {
  RecordingBuilder recording;
  recording.process_start();
  const SiteId site = recording.site(recording.tag("batch"), {0x1000});
  recording.iteration(0).allocate(site, 100).free(site, 60).iteration(1).iteration(2);
  recording.site(recording.tag("sample"), {0x2000});
  recording.allocate(SiteId{1}, 7).iteration(3);
  const auto run = recording.run();
  ASSERT_EQ(run.tag_peaks.size(), 4u);
  EXPECT_EQ(run.tag_peaks[2], (std::vector<uint64_t>{0, 100, 40, 40}));
  EXPECT_EQ(run.tag_peaks[3], (std::vector<uint64_t>{0, 0, 0, 7}));
  EXPECT_EQ(run.snapshots[1].heap_peak_bytes, 100u);
}

TEST(Reader, AProcessStartWithoutAParentIsOlderThanThatField) {
  RecordingBuilder recording;
  Process process;
  process.parent_pid = 12;
  recording.process_start(process);
  EXPECT_EQ(recording.run().process.parent_pid, 12u);
  std::vector<uint8_t> payload(64);
  Encoder out{payload.data(), payload.data() + payload.size()};
  for (const uint64_t number : std::array<uint64_t, 4>{2, 4096, 3, 4}) put_varint(out, number);
  for (const std::string_view text : {"fp", "/bin/t", "t"}) put_bytes(out, bytes_of(text));
  payload.resize(static_cast<size_t>(out.cursor - payload.data()));
  const auto run = RecordingBuilder().frame(RecordType::kProcessStart, payload).run();
  EXPECT_EQ(run.process.pid, 2u);
  EXPECT_EQ(run.process.parent_pid, 0u);
  EXPECT_EQ(run.damage.note, "");
}

TEST(Reader, AnExecStartsAnewAndKeepsTheHostsPart) {
  Scenario scenario;
  scenario.name = "quick";
  RecordingBuilder recording;
  Process first;
  first.parent_pid = 5;
  recording.scenario(scenario).process_start(first);
  const SiteId old = recording.site(recording.tag("old"), {0x1000});
  recording.allocate(old, 10)
      .iteration(0)
      .step_aside(0, 0, "why")
      .iteration_marks({MarkedBy::kLines, "epoch", true, ""})
      .cohorts(0, {{old, 0, 1, 10}})
      .end(EndKind::kExec);
  Process process;
  process.pid = 2;
  process.executable = "/bin/second";
  process.parent_pid = 1;  // its parent has gone meanwhile
  recording.process_start(process);
  const SiteId fresh = recording.site(recording.tag("new"), {0x2000});
  recording.iteration(0).allocate(fresh, 5).iteration(1);
  const auto run = recording.run();
  EXPECT_EQ(run.images, 2u);
  EXPECT_EQ(run.scenario->name, "quick");
  EXPECT_EQ(run.process.executable, "/bin/second");
  EXPECT_EQ(run.process.parent_pid, 5u);
  EXPECT_FALSE(run.complete());
  ASSERT_EQ(run.sites.size(), 1u);
  EXPECT_EQ(run.tags.at(2).name, "new");
  EXPECT_EQ(run.snapshots.size(), 2u);
  EXPECT_EQ(run.sites[0].live_bytes_end(), 5);
  EXPECT_TRUE(run.step_asides.empty());
  EXPECT_EQ(run.marks.by, MarkedBy::kProgram);
  EXPECT_TRUE(run.cohorts.empty());
  EXPECT_EQ(run.damage.note, "");
}

TEST(Reader, TakesTheLastOfWhatIsSaidOfTheTimeBeforeAttaching) {
  RecordingBuilder recording;
  recording.process_start().attached({5, 1000, 4096, 0}).iteration(0).attached({5, 1000, 4096, 17});
  recording.end(EndKind::kDetached);
  const auto run = recording.run();
  ASSERT_TRUE(run.attached.has_value());
  EXPECT_EQ(run.attached->time_ns, 5u);
  EXPECT_EQ(run.attached->heap_bytes, 1000u);
  EXPECT_EQ(run.attached->rss_bytes, 4096u);
  EXPECT_EQ(run.attached->foreign_frees, 17u);
  EXPECT_EQ(run.end, EndKind::kDetached);
  EXPECT_EQ(run.damage.note, "");
}

TEST(Reader, KnowsOfAnAllocatorThatCouldNotBeAsked) {
  RecordingBuilder recording;
  recording.process_start().attached({5, std::nullopt, 4096, 0});
  EXPECT_FALSE(recording.run().attached->heap_bytes.has_value());
}

TEST(Reader, RowsWithoutTheirSnapshotNeverHappened) {
  RecordingBuilder recording;
  recording.process_start();
  const SiteId site = recording.site(kHeapTag, {0x1000});
  recording.allocate(site, 8).iteration(0);
  std::vector<uint8_t> row(128);
  Encoder out{row.data(), row.data() + row.size()};
  encode_row(out, SiteId{0}, site, {9, 9, 9, 9, 9, 9});
  row.resize(static_cast<size_t>(out.cursor - row.data()));
  const auto run = recording.frame(RecordType::kSnapshotRows, row).run();
  expect_counters(run.sites[0].total, {1, 8, 0, 0, 0, 0});
  EXPECT_EQ(run.damage.damaged_bytes, 0u);
}

TEST(Reader, PassesOverKindsOfRecordsThatItDoesNotKnow) {
  RecordingBuilder recording = recording_of_everything();
  const std::string known = describe(recording.run());
  recording.frame(static_cast<RecordType>(99), {1, 2, 3}).frame(static_cast<RecordType>(0), {});
  EXPECT_EQ(describe(recording.run()), known);
}

TEST(Reader, LaterHostRecordsWin) {
  RecordingBuilder recording = recording_of_everything();
  Symbol better;
  better.address = 0x401234;
  better.source_frames = {{"Tape::push(Node)", "lib/trainer/tape.cpp", 41, false}};
  Symbol other;
  other.address = 0x402000;
  recording.symbols({{0x401234, better}, {0x402000, other}}).host_samples({{5, 6}}).outcome({3, 0, "", 1, 2});
  const auto run = recording.run();
  EXPECT_EQ(run.symbols.size(), 2u);
  EXPECT_EQ(run.symbols.at(0x401234).source_frames[0].line, 41u);
  EXPECT_EQ(run.host_samples.size(), 1u);
  EXPECT_EQ(run.outcome->exit_status, 3);
}

// --- files that are no recordings

std::string refusal(const std::vector<uint8_t>& bytes) {
  const std::string path = temporary_path("refusal.lhr");
  write_file(path, bytes);
  const auto run = read_recording(path);
  std::filesystem::remove(path);
  if (run) return "read";
  EXPECT_EQ(run.error().message.find(path), 0u) << run.error().message;
  EXPECT_EQ(run.error().message.find('\n'), std::string::npos);
  EXPECT_NE(run.error().message.find(';'), std::string::npos) << "no mend: " << run.error().message;
  return run.error().message.substr(path.size());
}

TEST(ReaderRefuses, FilesThatAreNoRecording) {
  EXPECT_NE(refusal({}).find("is empty"), std::string::npos);
  EXPECT_NE(refusal({'E', 'L', 'F'}).find("not a recording"), std::string::npos);
  EXPECT_NE(refusal(std::vector<uint8_t>(100, 0)).find("not a recording"), std::string::npos);
  const std::vector<uint8_t> header = RecordingBuilder().bytes();
  for (size_t size = 1; size < header.size(); ++size) {
    EXPECT_NE(
        refusal({header.begin(), header.begin() + static_cast<ptrdiff_t>(size)}).find("inside its header"),
        std::string::npos);
  }
  std::vector<uint8_t> newer = header;
  newer[8] = 5;
  EXPECT_NE(refusal(newer).find("format 5, newer than the 4"), std::string::npos);
  newer[8] = 3;  // there is none
  EXPECT_NE(refusal(newer).find("damaged file header"), std::string::npos);
  std::vector<uint8_t> damaged = header;
  damaged[12] = 24;
  EXPECT_NE(refusal(damaged).find("damaged file header"), std::string::npos);
  EXPECT_EQ(refusal(header), "read");
}

TEST(ReaderRefuses, PathsWithoutAFile) {
  const auto missing = read_recording("/nonexistent/recording.lhr");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/nonexistent/recording.lhr: No such file"), std::string::npos);
  const auto directory = read_recording("/tmp");
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().message.find("/tmp: is a directory"), std::string::npos);
  const auto device = read_recording("/dev/null");
  ASSERT_FALSE(device);
  EXPECT_NE(device.error().message.find("not a regular file"), std::string::npos);
}

}  // namespace
}  // namespace leakhunt::recording
