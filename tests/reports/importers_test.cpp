// Files of massif, heaptrack, memcheck and LeakSanitizer become Runs with the same totals; what is wrong with
// a file is said with its line.
#include "reports/importers/importer.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "reports/formats/profile.h"
#include "reports/importers/decompression.h"
#include "reports/importers/text_lines.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/import_samples.h"
#include "tests/reports/reader_program.h"
#include "tests/reports/synthetic_run.h"
#include "tests/reports/written.h"

namespace leakhunt::reports {
namespace {

Imported import_as(Foreign foreign, std::string_view text) {
  switch (foreign) {
    case Foreign::kMassif:
      return import_massif(text);
    case Foreign::kHeaptrack:
      return import_heaptrack(text);
    case Foreign::kMemcheck:
      return import_memcheck(text);
    case Foreign::kMemcheckXml:
      return import_memcheck_xml(text);
    default:
      return import_leak_sanitizer(text);
  }
}

Import imported(Foreign foreign, std::string_view text) {
  Imported result = import_as(foreign, text);
  EXPECT_TRUE(result) << result.error().line << ": " << result.error().what;
  return result ? std::move(*result) : Import{};
}

struct Sum {
  int64_t bytes = 0;
  int64_t blocks = 0;
  bool operator==(const Sum&) const = default;
};

Sum of_tag(const recording::Run& run, std::string_view tag) {
  Sum sum;
  for (const recording::CallSite& site : run.sites) {
    if (run.tags[static_cast<size_t>(site.tag)].name != tag) continue;
    sum.bytes += site.live_bytes_end();
    sum.blocks += site.live_blocks_end();
  }
  return sum;
}

// The function that answers for the site with the most live bytes at `moment`.
std::string heaviest(const Report& report, const char* moment) {
  const Profile profile = make_profile(report, parse_moment(report, moment).value());
  const auto heavier = [](const ProfileRow& a, const ProfileRow& b) { return a.bytes < b.bytes; };
  const ProfileRow& row = *std::max_element(profile.rows.begin(), profile.rows.end(), heavier);
  const StackFrame* frame = report.growth.sites[static_cast<size_t>(row.site)].attribution.frame();
  return frame == nullptr ? "" : frame->function;
}

TEST(Importers, RecogniseAFileByItsContent) {
  for (const auto& [text, foreign] : kSamples) EXPECT_EQ(recognise(text), foreign) << to_string(foreign);
  for (const std::string_view other :
       {"", "v", "v x", "hello\n", "<?xml version=\"1.0\"?>\n<html/>", "LEAKHUNT"})
    EXPECT_EQ(recognise(other), Foreign::kNone) << other;
}

TEST(MassifImport, HasTheTotalOfEverySnapshotAndTheCallSitesOfDetailedOnes) {
  const Import import = imported(Foreign::kMassif, kMassif);
  const Report report = analyse(import.run);
  EXPECT_EQ(report.growth.heap_bytes, (std::vector<int64_t>{0, 3000, 500}));
  EXPECT_EQ(heaviest(report, "peak"), "keep(unsigned long)");
  EXPECT_EQ(make_profile(report, moment_at_peak(report)).rows.size(), 3u);
  EXPECT_EQ(import.run.process.command_line, (std::vector<std::string>{"./program", "--small"}));
  EXPECT_EQ(import.limits.size(), 2u);
}

TEST(HeaptrackImport, HasEveryCallAndTheTruePeak) {
  const Import import = imported(Foreign::kHeaptrack, kHeaptrack);
  const Report report = analyse(import.run);
  const Profile peak = make_profile(report, moment_at_peak(report));
  EXPECT_EQ(peak.bytes, 0x190 + 2 * 0x64);
  const Profile end = make_profile(report, moment_at_end(report));
  EXPECT_EQ(end.allocations, 4u);
  EXPECT_EQ(end.bytes, 0x190 + 0x64);
  EXPECT_EQ(report.peak_rss_bytes, 0x10u * 4096);
  ASSERT_EQ(import.run.sites.size(), 2u);
  const Attribution& lose = report.growth.sites[1].attribution;
  ASSERT_EQ(lose.frames.size(), 3u);
  EXPECT_EQ(lose.frames[0].function, "lose");
  EXPECT_TRUE(lose.frames[0].inlined);
  EXPECT_EQ(lose.frames[1].line, 9u);
  EXPECT_EQ(import.run.sites[1].total.temporary_blocks, 2u);
}

TEST(HeaptrackImport, ReadsOlderFilesAndRefusesRawOnes) {
  std::string older(kHeaptrack);
  older.replace(older.find("10400 3"), 7, "10200 2");
  for (const char* length : {"s 6 ", "s 4 ", "s 8 ", "s 4 "}) older.replace(older.find(length), 4, "s ");
  EXPECT_EQ(imported(Foreign::kHeaptrack, older).run.sites.size(), 2u);
  const Imported raw = import_heaptrack("v 10400 3\nx 6 /bin/p\n");
  ASSERT_FALSE(raw);
  EXPECT_EQ(raw.error().line, 2u);
  EXPECT_NE(raw.error().what.find("heaptrack_interpret"), std::string::npos);
}

TEST(MemcheckImport, HasTheSumsOfTheSummary) {
  const Import import = imported(Foreign::kMemcheck, kMemcheck);
  EXPECT_EQ(of_tag(import.run, kDefinitelyLost), (Sum{6201, 49})) << "listed or not";
  EXPECT_EQ(of_tag(import.run, kIndirectlyLost), (Sum{24, 1}));
  EXPECT_EQ(of_tag(import.run, kStillReachable), (Sum{25400, 26}));
  const Report report = analyse(import.run);
  const Profile end = make_profile(report, moment_at_end(report));
  EXPECT_EQ(end.bytes, 31625);
  EXPECT_EQ(end.allocations, 102u);
  EXPECT_EQ(end.allocated_bytes, 60721u);
  EXPECT_EQ(import.limits.size(), 2u);
}

TEST(MemcheckImport, RefusesTwoProcessesInOneLog) {
  std::string two(kMemcheck);
  two += "==78== Command: ./child\n";
  const Imported import = import_memcheck(two);
  ASSERT_FALSE(import);
  EXPECT_NE(import.error().what.find("another process begins here"), std::string::npos);
}

TEST(MemcheckXmlImport, HasTheLeaksAndNotTheOtherErrors) {
  const Import import = imported(Foreign::kMemcheckXml, kMemcheckXml);
  EXPECT_EQ(of_tag(import.run, kDefinitelyLost), (Sum{5601, 40}));
  ASSERT_EQ(import.run.sites.size(), 1u);
  const Report report = analyse(import.run);
  EXPECT_EQ(report.growth.sites[0].attribution.frame()->function, "lose<int>");
  EXPECT_EQ(report.growth.sites[0].attribution.frame()->file, "/src/p.c");
  EXPECT_EQ(import.run.process.command_line.back(), "--a&b");
}

TEST(LeakSanitizerImport, HasDirectAndIndirectLeaks) {
  const Import import = imported(Foreign::kLeakSanitizer, kLeakSanitizer);
  EXPECT_EQ(of_tag(import.run, kDefinitelyLost), (Sum{6200, 49}));
  EXPECT_EQ(of_tag(import.run, kIndirectlyLost), (Sum{24, 1}));
  const Report report = analyse(import.run);
  const Attribution& site = report.growth.sites[0].attribution;
  ASSERT_EQ(site.frames.size(), 4u);
  EXPECT_EQ(site.frame()->function, "lose(int)");
  EXPECT_EQ(site.frame()->line, 5u);
  EXPECT_EQ(site.frames[3].module, "/lib/libfoo.so");
  EXPECT_EQ(site.frames[3].offset, 0x2cu);
}

// --- what a report says of it --------------------------------------------------------------------

TEST(ImportedReport, FailsForWhatIsLostAndNeverPassesAsJudged) {
  for (const auto& [text, foreign] : kSamples) {
    const Import import = imported(foreign, text);
    Report report = analyse(import.run);
    take_in_import(report, import);
    const bool leaks = foreign != Foreign::kMassif && foreign != Foreign::kHeaptrack;
    EXPECT_EQ(report.verdict(), leaks ? Verdict::kFail : Verdict::kInconclusive) << to_string(foreign);
    const std::string page = written("text", report);
    EXPECT_NE(page.find("growth was not judged: this is a file of " + std::string(to_string(foreign))),
              std::string::npos)
        << page;
    EXPECT_EQ(page.find("ticks of the clock"), std::string::npos) << page;
    for (const Format& format : all_formats()) EXPECT_FALSE(written(format, report).empty()) << format.name;
  }
}

TEST(ImportedReport, WithoutLeaksIsInconclusive) {
  const Import import = imported(Foreign::kMemcheck,
                                 "==7== Command: x\n==7== HEAP SUMMARY:\n"
                                 "==7==     in use at exit: 0 bytes in 0 blocks\n"
                                 "==7==   total heap usage: 2 allocs, 2 frees, 30 bytes allocated\n"
                                 "==7== All heap blocks were freed -- no leaks are possible\n");
  Report report = analyse(import.run);
  take_in_import(report, import);
  EXPECT_EQ(report.verdict(), Verdict::kInconclusive);
  EXPECT_EQ(make_profile(report, moment_at_end(report)).allocations, 2u);
}

// --- round trips, and the tools' own readers ------------------------------------------------------

TEST(ImportRoundTrip, MassifGivesTheSameCurve) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const Import again = imported(Foreign::kMassif, written("massif", report));
    const Report report_again = analyse(again.run);
    const auto peak = [](const Report& each) { return make_profile(each, moment_at_peak(each)).bytes; };
    EXPECT_EQ(peak(report_again), peak(report)) << seed;
    EXPECT_EQ(report_again.growth.heap_bytes.back(), report.growth.heap_bytes.back()) << seed;
  }
}

TEST(ImportRoundTrip, HeaptrackGivesTheSameTotalsTagsAndSites) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const recording::Run run = hostile_run(seed);
    const Report report = analyse(run);
    const auto opened = decompressed(written("heaptrack", report));
    ASSERT_TRUE(opened) << opened.error();
    const Import again = imported(Foreign::kHeaptrack, *opened);
    const Report report_again = analyse(again.run);
    const auto at_exit = [](const Report& each) {
      return make_profile(each, {each.run->snapshots.size() - 1, {}, "", false});
    };
    const Profile before = at_exit(report);
    const Profile after = at_exit(report_again);
    EXPECT_EQ(after.bytes, before.bytes);
    EXPECT_EQ(after.blocks, before.blocks);
    EXPECT_EQ(after.allocations, before.allocations);
    EXPECT_EQ(after.allocated_bytes, before.allocated_bytes);
  }
}

TEST(ImportRoundTrip, KeepsTagsAndFunctions) {
  const recording::Run run =
      make_run({{"arena.chunk", "grow", [](size_t i) { return int64_t(i + 1) * 64; }, {}, 64},
                {"heap", "stay", [](size_t) { return int64_t{320}; }}},
               {.iterations = 40, .warm_up = 4});
  const Report report = analyse(run);
  for (const auto& [format, foreign] :
       {std::pair{"massif", Foreign::kMassif}, {"heaptrack", Foreign::kHeaptrack}}) {
    const auto opened = decompressed(written(format, report));
    const Import again = imported(foreign, opened.value());
    EXPECT_EQ(of_tag(again.run, "arena.chunk").bytes, 40 * 64) << format;
    EXPECT_EQ(of_tag(again.run, "heap").bytes, 320) << format;
    EXPECT_EQ(heaviest(analyse(again.run), "end"), "grow") << format;
  }
}

TEST(ImportOracle, HeaptrackPrintFindsTheSameTotals) {
  SKIP_WITHOUT("heaptrack_print");
  for (uint32_t seed = 0; seed < 3; ++seed) {
    const recording::Run run = hostile_run(seed);
    const std::string file = written("heaptrack", analyse(run));
    const Read read = read_with("heaptrack_print -f FILE", "heaptrack.gz", file);
    ASSERT_EQ(read.status, 0) << read.out;
    const Import import = imported(Foreign::kHeaptrack, decompressed(file).value());
    const Report report = analyse(import.run);
    const Profile end = make_profile(report, moment_at_end(report));
    EXPECT_EQ(number_after(read.out, "calls to allocation functions: "),
              static_cast<int64_t>(end.allocations));
  }
}

// --- damage --------------------------------------------------------------------------------------

// Whatever came of it can be shown, or is one line.
void expect_sound(Foreign foreign, const std::string& text) {
  const Imported result = import_as(foreign, text);
  if (!result) {
    EXPECT_FALSE(result.error().what.empty());
    EXPECT_EQ(result.error().what.find('\n'), std::string::npos);
    return;
  }
  Report report = analyse(result->run);
  take_in_import(report, *result);
  EXPECT_FALSE(report.judgement.checks.empty());
}

TEST(DamagedImport, CutOffAtAnyByteIsAnErrorOrARun) {
  for (const auto& [text, foreign] : kSamples) {
    SCOPED_TRACE(to_string(foreign));
    for (size_t length = 0; length < text.size(); ++length)
      expect_sound(foreign, std::string(text.substr(0, length)));
  }
}

TEST(DamagedImport, OfALeakCheckerThatWasCutOffIsAnError) {
  for (const auto& [text, foreign] : kSamples) {
    if (foreign == Foreign::kHeaptrack || foreign == Foreign::kMassif) continue;
    const size_t cut = text.rfind('\n', text.size() * 3 / 4) + 1;
    const Imported half = import_as(foreign, text.substr(0, cut));
    ASSERT_FALSE(half) << to_string(foreign);
    EXPECT_NE(half.error().what.find("cut off"), std::string::npos) << half.error().what;
    EXPECT_GT(half.error().line, 5u);
  }
  const Imported massif = import_massif(kMassif.substr(0, kMassif.find(" n0: 900")));
  ASSERT_FALSE(massif);
  EXPECT_EQ(massif.error().line, 22u);
}

TEST(DamagedImport, WithBytesAndLinesChangedIsAnErrorOrARun) {
  const std::string_view pieces[] = {"999999999999999999999",
                                     "-1",
                                     "\n",
                                     "n4096: 1 x",
                                     "ffffffffffffffff",
                                     "<frame>",
                                     "#0 0x",
                                     "==77=",
                                     " ",
                                     "t 1 1\n",
                                     "</error>",
                                     "+ 0\n"};
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    std::mt19937 dice(seed);
    const auto& [sample, foreign] = kSamples[seed % std::size(kSamples)];
    std::string text(sample);
    for (uint32_t changes = 1 + dice() % 4; changes > 0; --changes) {
      const size_t at = dice() % text.size();
      switch (dice() % 4) {
        case 0:
          text[at] = static_cast<char>(dice());
          break;
        case 1:
          text.erase(at, 1 + dice() % 20);
          break;
        case 2:
          text.insert(at, pieces[dice() % std::size(pieces)]);
          break;
        default:
          text.insert(at, text.substr(dice() % text.size(), 1 + dice() % 60));
      }
      if (text.empty()) text = "x";
    }
    SCOPED_TRACE(seed);
    expect_sound(foreign, text);
  }
}

TEST(DamagedImport, DeepAndWideTreesAreRefusedNotFollowed) {
  std::string deep(kMassif.substr(0, kMassif.find("n3: 3000")));
  for (int i = 0; i < 6000; ++i) deep += "n1: 3000 0x1: f (a.c:1)\n";
  const Imported import = import_massif(deep);
  ASSERT_FALSE(import);
  EXPECT_NE(import.error().what.find("deeper than any stack"), std::string::npos);
  std::string wide(kMassif.substr(0, kMassif.find("n3: 3000")));
  EXPECT_FALSE(import_massif(wide + "n99999999999: 3000 x\n"));
}

class ImportFile : public testing::Test {
 protected:
  ImportFile() { std::filesystem::create_directories(folder_); }
  ~ImportFile() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  const std::filesystem::path folder_ = testing::TempDir() + "leakhunt_import_" + std::to_string(getpid());
};

TEST_F(ImportFile, SaysFileAndLine) {
  std::string wrong(kMassif);
  wrong.replace(wrong.find("mem_heap_B=3000"), 15, "mem_heap_B=many");
  const std::string path = file("massif.out.1", wrong);
  const auto import = import_file(path);
  ASSERT_FALSE(import);
  EXPECT_EQ(import.error(), path + ":16: mem_heap_B= has no number, or one that cannot be");
  const auto other = import_file(file("other", "hello\n"));
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().find("neither a recording of leakhunt nor a file of massif"), std::string::npos);
  EXPECT_FALSE(import_file(path + "x"));
}

TEST_F(ImportFile, OpensGzipAndZstdAndSaysWhenTheyAreCutOff) {
  SKIP_WITHOUT("zstd");
  const std::string plain = file("heaptrack.1", std::string(kHeaptrack));
  ASSERT_EQ(std::system(("gzip -k " + plain + " && zstd -q " + plain).c_str()), 0);
  for (const char* extension : {".gz", ".zst"}) {
    const auto import = import_file(plain + extension);
    ASSERT_TRUE(import) << import.error();
    EXPECT_EQ(import->foreign, Foreign::kHeaptrack);
    const auto size = std::filesystem::file_size(plain + extension);
    std::filesystem::resize_file(plain + extension, size - 6);
    const auto cut = import_file(plain + extension);
    ASSERT_FALSE(cut) << extension;
    EXPECT_NE(cut.error().find("ends in the middle, or is damaged"), std::string::npos) << cut.error();
  }
}

TEST(Decompression, RefusesWhatOpensToTooMuch) {
  std::string bomb(200, '\0');
  const std::string zeros(1 << 20, '\0');
  uLongf size = bomb.size() * 10;
  bomb.resize(size);
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(bomb.data());
  stream.avail_out = static_cast<uInt>(size);
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  bomb.resize(stream.total_out);
  deflateEnd(&stream);
  EXPECT_TRUE(decompressed(bomb, 1 << 20));
  const auto refused = decompressed(bomb, (1 << 20) - 1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("too much"), std::string::npos);
}

TEST(TextLines, CountsLinesAndTakesNumbers) {
  TextLines lines("a\r\n\nb");
  EXPECT_EQ(lines.next(), "a");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), "b");
  EXPECT_EQ(lines.number(), 3u);
  EXPECT_FALSE(lines.next());
  std::string_view text = "1,234,567 bytes";
  EXPECT_EQ(take_grouped_number(text), 1'234'567u);
  EXPECT_EQ(text, " bytes");
  text = "12,34";
  EXPECT_FALSE(take_grouped_number(text));
  text = "99999999999999999999";
  EXPECT_FALSE(take_number(text));
  text = "-1";
  EXPECT_FALSE(take_number(text));
}

}  // namespace
}  // namespace leakhunt::reports
