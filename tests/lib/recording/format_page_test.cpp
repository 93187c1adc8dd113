// The worked example of docs/recording-format.md is a recording, and says what the page says.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "lib/recording/reader.h"
#include "tests/lib/recording/recording_builder.h"

namespace leakhunt::recording {
namespace {

// The bytes of the page's last code block: offset, bytes, and a comment behind a semicolon.
std::vector<uint8_t> bytes_on_the_page() {
  std::ifstream page(RECORDING_FORMAT_PAGE);
  std::vector<uint8_t> bytes;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```") {
      inside = !inside;
      continue;
    }
    if (!inside) continue;
    std::istringstream words(line.substr(0, line.find(';')));
    std::string word;
    words >> word;
    EXPECT_EQ(std::stoul(word, nullptr, 16), bytes.size()) << line;
    while (words >> word) bytes.push_back(static_cast<uint8_t>(std::stoul(word, nullptr, 16)));
  }
  return bytes;
}

RecordingBuilder as_the_page_tells_it() {
  Budget budget;
  budget.peak_rss_bytes = 1'000'000;
  Process process{77, 4096, 1'000'000'000, 64, "fp", "/bin/t", {"t"}, 76};
  RecordingBuilder recording;
  recording.budget(budget).process_start(process);
  const SiteId site = recording.site(recording.tag("node"), {0x401136, 0x401200});
  for (uint64_t i = 0; i < 3; ++i) {
    Snapshot snapshot;
    snapshot.iteration = i;
    snapshot.time_ns = (i + 1) * 1000;
    snapshot.rss_bytes = 8192;
    snapshot.shared_bytes = 4096;
    snapshot.minor_faults = 2;
    snapshot.tracker_bytes = 4096;
    recording.allocate(site, 64).snapshot(snapshot);
  }
  return recording.zeros(24);
}

TEST(FormatPage, ItsBytesAreThoseThatTheCodecWrites) {
  const auto bytes = bytes_on_the_page();
  EXPECT_EQ(bytes.size(), 0x180u);
  EXPECT_EQ(bytes, as_the_page_tells_it().bytes());
}

TEST(FormatPage, ItsBytesReadAsThePageSays) {
  const auto run = read_bytes(bytes_on_the_page());
  EXPECT_EQ(run.budget.peak_rss_bytes, 1'000'000u);
  EXPECT_EQ(run.process.executable, "/bin/t");
  EXPECT_EQ(run.process.command_line, std::vector<std::string>{"t"});
  EXPECT_EQ(run.process.parent_pid, 76u);
  ASSERT_EQ(run.tags.size(), 3u);
  EXPECT_EQ(run.tags[2].name, "node");
  ASSERT_EQ(run.sites.size(), 1u);
  EXPECT_EQ(run.sites[0].frames, (std::vector<uint64_t>{0x401136, 0x401200}));
  ASSERT_EQ(run.sites[0].series.size(), 1u);
  EXPECT_EQ(run.sites[0].series[0].snapshots, 3u);
  EXPECT_EQ(run.sites[0].live_bytes_end(), 192);
  ASSERT_EQ(run.snapshots.size(), 3u);
  EXPECT_EQ(run.snapshots[2].time_ns, 3000u);
  EXPECT_EQ(run.tag_peaks[2], (std::vector<uint64_t>{64, 128, 192}));
  EXPECT_FALSE(run.complete());
  EXPECT_EQ(run.damage.torn_bytes, 24u);
  EXPECT_EQ(run.damage.note, "");
}

}  // namespace
}  // namespace leakhunt::recording
