// Profiles and curves for viewers: the totals are the run's, and the real reader says so where there is one.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/reports/hostile_run.h"
#include "tests/reports/reader_program.h"
#include "tests/reports/synthetic_run.h"
#include "tests/reports/written.h"

namespace leakhunt::reports {
namespace {

using nlohmann::json;

constexpr uint32_t kSeeds = 40;       // where we read it ourselves
constexpr uint32_t kReaderSeeds = 6;  // where a program is started

// An arena that grows by 10,000 bytes an iteration, moments, and what is allocated and freed at once.
recording::Run training_run() {
  return make_run(
      {{"arena.chunk", "Arena::new_chunk", [](size_t i) { return int64_t(i + 1) * 10'000; }, {}, 10'000},
       {"optimizer.m", "Adam::Adam", [](size_t) { return int64_t{500'000}; }, {}, 500'000},
       {"heap", "parse", [](size_t) { return int64_t{0}; }, {}, 24, recording::SiteKind::kBlock, 3},
       {"mapping",
        "reserve",
        [](size_t) { return int64_t{1} << 30; },
        {},
        4096,
        recording::SiteKind::kMapping}},
      {.iterations = 100, .warm_up = 10});
}

Profile profile_at_end(const Report& report) {
  return make_profile(report, moment_at_end(report));
}

TEST(Folded, AddsUpToTheLiveHeap) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    std::istringstream lines(written("folded", report));
    int64_t bytes = 0;
    for (std::string line; std::getline(lines, line);) bytes += std::stoll(line.substr(line.rfind(' ') + 1));
    EXPECT_EQ(bytes, profile_at_end(report).bytes) << seed;
  }
}

TEST(Folded, IsTheTagThenTheCallersThenWhoAnswers) {
  const recording::Run run = training_run();
  EXPECT_EQ(written("folded", analyse(run)),
            "tag arena.chunk;main;Arena::new_chunk 1000000\ntag optimizer.m;main;Adam::Adam 500000\n");
}

TEST(Folded, OfADifferenceShowsWhatGrew) {
  const recording::Run run = training_run();
  const Report report = analyse(run);
  const auto moment = between(*parse_moment(report, "9"), *parse_moment(report, "19"));
  EXPECT_EQ(written("folded", report, *moment), "tag arena.chunk;main;Arena::new_chunk 100000\n");
}

TEST(Speedscope, HoldsEndPeakAndGrowthAsItsFormatAsks) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const json file = json::parse(written("speedscope", report));
    EXPECT_EQ(file["$schema"], "https://www.speedscope.app/file-format-schema.json");
    const size_t frames = file["shared"]["frames"].size();
    ASSERT_EQ(file["profiles"].size(), growth_after_warm_up(report) ? 3u : 2u);
    EXPECT_EQ(file["profiles"][0]["endValue"], profile_at_end(report).bytes);
    EXPECT_EQ(file["profiles"][1]["endValue"], make_profile(report, moment_at_peak(report)).bytes);
    for (const json& profile : file["profiles"]) {
      EXPECT_EQ(profile["type"], "sampled");
      EXPECT_EQ(profile["unit"], "bytes");
      ASSERT_EQ(profile["samples"].size(), profile["weights"].size());
      int64_t sum = 0;
      for (const json& weight : profile["weights"]) sum += weight.get<int64_t>();
      EXPECT_EQ(profile["endValue"], sum);
      for (const json& sample : profile["samples"]) {
        for (const json& index : sample) EXPECT_LT(index.get<size_t>(), frames);
      }
    }
  }
}

TEST(Dhat, HasWhatItsViewerChecksAndTheRunsTotals) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const json file = json::parse(written("dhat", report));
    EXPECT_EQ(file["dhatFileVersion"], 2);
    for (const char* field : {"mode", "verb", "bklt", "bkacc", "tu", "Mtu", "tuth", "cmd", "pid", "te", "tg"})
      EXPECT_TRUE(file.contains(field)) << field;
    uint64_t allocated = 0;
    int64_t end = 0;
    int64_t peak = 0;
    for (const json& point : file["pps"]) {
      allocated += point["tb"].get<uint64_t>();
      end += point["eb"].get<int64_t>();
      peak += point["gb"].get<int64_t>();
      EXPECT_GE(point["mb"], point["gb"]);
      EXPECT_GE(point["mb"], point["eb"]);
      for (const json& frame : point["fs"]) EXPECT_LT(frame.get<size_t>(), file["ftbl"].size());
    }
    uint64_t expected = 0;
    for (const recording::CallSite& site : run.sites) {
      if (site.kind == recording::SiteKind::kBlock) expected += site.total.allocated_bytes;
    }
    EXPECT_EQ(allocated, expected);
    EXPECT_EQ(end, profile_at_end(report).bytes);
    EXPECT_EQ(peak, make_profile(report, moment_at_peak(report)).bytes);
  }
}

TEST(Dhat, LifetimesAreWhatWasLiveTimesHowLong) {
  // One block lives through all of 100 iterations, seen at 100 snapshots and at the exit.
  const recording::Run run =
      make_run({{"heap", "keep", [](size_t) { return int64_t{16}; }}}, {.iterations = 100, .warm_up = 10});
  const json file = json::parse(written("dhat", analyse(run)));
  EXPECT_EQ(file["pps"][0]["tl"], 100);
  EXPECT_EQ(file["pps"][0]["tbk"], 1);
  EXPECT_EQ(file["tu"], "iterations");
}

TEST(Trace, CountersOfTheTagsAddUpToTheHeapAtEveryMoment) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const json file = json::parse(written("trace", report));
    size_t snapshot = 0;
    double latest = -1;
    for (const json& event : file["traceEvents"]) {
      if (event["ph"] == "M") continue;
      ASSERT_EQ(event["ph"], "C");
      EXPECT_TRUE(event["pid"].is_number_integer() && event["name"].is_string()) << event;
      for (const json& value : event["args"]) EXPECT_TRUE(value.is_number()) << event;
      EXPECT_GE(event["ts"].get<double>(), latest);
      latest = event["ts"].get<double>();
      if (event["name"] == "live heap by tag") {
        int64_t sum = 0;
        for (const json& bytes : event["args"]) sum += bytes.get<int64_t>();
        EXPECT_EQ(sum, report.growth.heap_bytes[snapshot]) << seed;
      } else {
        EXPECT_EQ(event["args"]["RSS"], run.snapshots[snapshot].rss_bytes);
        ++snapshot;
      }
    }
    EXPECT_EQ(snapshot, run.snapshots.size());
  }
}

TEST(OpenMetrics, IsReadByPrometheusOwnParser) {
  if (std::system("/usr/bin/python3 -c 'import prometheus_client.openmetrics.parser' 2> /dev/null") != 0)
    GTEST_SKIP() << "python3-prometheus-client is not installed; scripts/test installs it";
  for (uint32_t seed = 0; seed < kReaderSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const Read read = read_with(
        "/usr/bin/python3 -c \"from prometheus_client.openmetrics.parser import "
        "text_string_to_metric_families as p\n"
        "for family in p(open('FILE', encoding='utf-8', newline='').read()):\n"
        "  if family.name == 'leakhunt_allocations': print('allocations', "
        "int(sum(s.value for s in family.samples)))\"",
        "report.prom", written("openmetrics", report));
    ASSERT_EQ(read.status, 0) << read.out;
    EXPECT_EQ(
        number_after(read.out, "allocations "),
        static_cast<int64_t>(make_profile(report, moment_at_end(report), ProfiledKinds::kAll).allocations));
  }
}

// promtool lies where scripts/test has unpacked it, or is installed.
class Promtool : public testing::Test {
 protected:
  void SetUp() override {
    const char* path = getenv("PATH");
    setenv("PATH", ((path == nullptr ? "" : path) + std::string(":" LEAKHUNT_TOOLS)).c_str(), 1);
    SKIP_WITHOUT("promtool");
  }
};

TEST_F(Promtool, AcceptsTheOpenMetricsText) {
  for (uint32_t seed = 0; seed < kReaderSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Read read =
        read_with("promtool check metrics < FILE", "report.prom", written("openmetrics", analyse(run)));
    // It reads the older text, in which the words of a counter belong to the name with _total.
    EXPECT_EQ(read.out,
              "leakhunt_allocated_bytes_total no help text\nleakhunt_allocations_total no help text\n");
  }
}

TEST_F(Promtool, RefusesALabelThatBreaksOut) {
  const Read read = read_with("promtool check metrics < FILE", "report.prom",
                              "# TYPE leakhunt_live_bytes gauge\nleakhunt_live_bytes{tag=\"a\"b\"} 1\n");
  EXPECT_NE(read.status, 0) << read.out;
}

TEST(FlameGraph, ShowsEveryByteAndNeedsNothingElse) {
  const recording::Run run = training_run();
  const std::string svg = written("svg", analyse(run));
  EXPECT_NE(svg.find("<title>everything: 1.50 MB (100.00 %)</title>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("<title>Arena::new_chunk: 1.00 MB (66.67 %)</title>"), std::string::npos);
  EXPECT_NE(svg.find("live heap at the end: 1.50 MB"), std::string::npos);
  EXPECT_NE(svg.find("prefers-color-scheme: dark"), std::string::npos);
  for (const char* foreign : {"<script", "href", "url(", "http://www.w3.org/1999"})
    EXPECT_EQ(svg.find(foreign), std::string::npos) << foreign;
}

TEST(FlameGraph, BoxesStandOnTheirCallersAndNoLabelIsWiderThanItsBox) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    std::istringstream lines(written("svg", analyse(run)));
    for (std::string line; std::getline(lines, line);) {
      const size_t text = line.find("<text x=");
      if (!line.starts_with("  <g>") || text == std::string::npos) continue;
      const double width = std::stod(line.substr(line.find(" width=\"") + 8));
      std::string label = line.substr(line.find('>', text) + 1);
      label = label.substr(0, label.find("</text>"));
      for (const char* entity : {"&lt;", "&gt;", "&amp;", "&quot;"}) {
        for (size_t at = 0; (at = label.find(entity, at)) != std::string::npos; ++at)
          label.replace(at, std::string(entity).size(), "x");
      }
      EXPECT_LE(static_cast<double>(
                    std::count_if(label.begin(), label.end(), [](char c) { return (c & 0xC0) != 0x80; })) *
                    7.3,
                width);
    }
  }
}

// --- with their readers --------------------------------------------------------------------------

TEST(PprofText, TotalsAndNamesAreThoseOfGooglePprof) {
  SKIP_WITHOUT("google-pprof");
  const recording::Run run = training_run();
  const Report report = analyse(run);
  const std::string text = written("pprof-text", report);
  const Read read = read_with("google-pprof --text --show_bytes --inuse_space FILE", "program.heap", text);
  EXPECT_NE(read.out.find("Total: 1500000 B"), std::string::npos) << read.out;
  EXPECT_NE(read.out.find("1000000  66.7%  66.7%  1000000  66.7% Arena::new_chunk"), std::string::npos)
      << read.out;
  EXPECT_NE(read.out.find("tag optimizer.m"), std::string::npos) << read.out;
  const Read calls = read_with("google-pprof --text --alloc_objects FILE", "program.heap", text);
  EXPECT_NE(calls.out.find("Total: 401 objects"), std::string::npos) << calls.out;
}

TEST(PprofText, TotalsAgreeForHostileRunsToo) {
  SKIP_WITHOUT("google-pprof");
  for (uint32_t seed = 0; seed < kReaderSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const Profile profile = profile_at_end(report);
    if (profile.bytes == 0) continue;
    const Read read = read_with("google-pprof --text --show_bytes --inuse_space FILE", "program.heap",
                                written("pprof-text", report));
    EXPECT_EQ(number_after(read.out, "Total: "), profile.bytes) << seed << '\n' << read.out;
  }
}

// "value: 3" lines of a decoded message, by the order in their sample.
std::vector<int64_t> summed_values(const std::string& decoded) {
  std::vector<int64_t> sums(4);
  std::istringstream lines(decoded);
  size_t index = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line == "sample {") index = 0;
    if (line.starts_with("  value: ") && index < sums.size()) sums[index++] += std::stoll(line.substr(9));
  }
  return sums;
}

Read decoded_pprof(const std::string& bytes) {
  return read_with("gzip -dc < FILE | protoc --decode=Profile -I " LEAKHUNT_TEST_DIR " profile.proto",
                   "heap.pb.gz", bytes);
}

TEST(Pprof, TotalsAreTheRunsAsProtocDecodesThem) {
  SKIP_WITHOUT("protoc");
  for (uint32_t seed = 0; seed < kReaderSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const Profile profile = profile_at_end(report);
    const Read read = decoded_pprof(written("pprof", report));
    ASSERT_EQ(read.status, 0) << read.out;
    EXPECT_EQ(summed_values(read.out), (std::vector<int64_t>{static_cast<int64_t>(profile.allocations),
                                                             static_cast<int64_t>(profile.allocated_bytes),
                                                             profile.blocks, profile.bytes}))
        << seed;
  }
}

TEST(Pprof, HasItsSampleTypesInlinedFramesAndTags) {
  SKIP_WITHOUT("protoc");
  recording::Run run = training_run();
  auto& frames = run.symbols[run.sites[0].frames[1]].source_frames;
  frames.insert(frames.begin(), {"Arena::inlined", "/src/app/arena.h", 77, true});
  const Read read = decoded_pprof(written("pprof", analyse(run)));
  ASSERT_EQ(read.status, 0) << read.out;
  std::vector<std::string> strings;
  std::istringstream lines(read.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("string_table: ")) strings.push_back(line.substr(15, line.size() - 16));
  }
  ASSERT_FALSE(strings.empty());
  EXPECT_EQ(strings[0], "");
  for (const char* name : {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space", "tag",
                           "arena.chunk", "Arena::inlined", "Arena::new_chunk", "main", "/src/app/arena.h"})
    EXPECT_NE(std::find(strings.begin(), strings.end(), name), strings.end()) << name;
  EXPECT_EQ(strings.at(static_cast<size_t>(number_after(read.out, "\ndefault_sample_type: "))),
            "inuse_space");
  const size_t leaf = read.out.find("location {\n  id: 1\n");
  ASSERT_NE(leaf, std::string::npos);
  const std::string location = read.out.substr(leaf, read.out.find("\n}", leaf) - leaf);
  const size_t first = location.find("line: 77");
  EXPECT_NE(first, std::string::npos) << location;
  EXPECT_GT(location.find("line: 10"), first) << "the callee is first";
}

struct HeaptrackTotals {
  int64_t calls = 0;
  int64_t temporary = 0;
  std::string peak;
  std::string leaked;
};

HeaptrackTotals heaptrack_totals(const Report& report) {
  const Read read = read_with("heaptrack_print FILE", "heaptrack.gz", written("heaptrack", report));
  EXPECT_EQ(read.status, 0) << read.out;
  const auto word_after = [&](const std::string& words) {
    const size_t at = read.out.find(words);
    if (at == std::string::npos) return "no \"" + words + "\" in\n" + read.out;
    return read.out.substr(at + words.size(), read.out.find('\n', at) - at - words.size());
  };
  return {number_after(read.out, "calls to allocation functions: "),
          number_after(read.out, "temporary memory allocations: "),
          word_after("peak heap memory consumption: "), word_after("total memory leaked: ")};
}

TEST(Heaptrack, TotalsAreThoseOfHeaptrackPrint) {
  SKIP_WITHOUT("heaptrack_print");
  recording::Run run = training_run();
  const Report report = analyse(run);
  const HeaptrackTotals totals = heaptrack_totals(report);
  EXPECT_EQ(totals.calls, 100 + 1 + 300);
  EXPECT_EQ(totals.temporary, 300);
  EXPECT_EQ(totals.peak, "1.50M");
  EXPECT_EQ(totals.leaked, "1.50M");
}

// A snapshot at a peak cuts an iteration: blocks are freed as temporary behind it that were allocated before.
TEST(Heaptrack, BlocksThatOutliveAPeakWithinTheirIterationAreFreedOnce) {
  SKIP_WITHOUT("heaptrack_print");
  recording::Run run =
      make_run({{"heap", "f", [](size_t) { return int64_t{0}; }}}, {.iterations = 30, .warm_up = 5});
  run.snapshots[0].kind = recording::SnapshotKind::kPeak;
  run.sites[0].series = {{0, 1, {12, 120'000, 2, 20'000, 2, 20'000}},
                         {1, 1, {3, 31'000, 13, 131'000, 13, 131'000}}};
  run.sites[0].total = {15, 151'000, 15, 151'000, 15, 151'000};
  const HeaptrackTotals totals = heaptrack_totals(analyse(run));
  EXPECT_EQ(totals.calls, 15);
  EXPECT_EQ(totals.peak, "100.00K");
  EXPECT_EQ(totals.leaked, "0B");
}

TEST(Heaptrack, CallsAndTemporariesAgreeForHostileRunsToo) {
  SKIP_WITHOUT("heaptrack_print");
  for (uint32_t seed = 0; seed < kReaderSeeds; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    int64_t calls = 0;
    int64_t temporary = 0;
    for (const recording::CallSite& site : run.sites) {
      if (site.kind != recording::SiteKind::kBlock) continue;
      calls += static_cast<int64_t>(site.total.allocations);
      temporary += static_cast<int64_t>(site.total.temporary_blocks);
    }
    const HeaptrackTotals totals = heaptrack_totals(report);
    EXPECT_EQ(totals.calls, calls) << seed;
    EXPECT_EQ(totals.temporary, temporary) << seed;
  }
}

}  // namespace
}  // namespace leakhunt::reports
