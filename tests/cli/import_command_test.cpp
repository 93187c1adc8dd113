// report and diff on files of other tools, which are run here: their own figures are the oracle.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/cli/command_line.h"

namespace leakhunt::cli {
namespace {

bool installed(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null").c_str()) == 0;
}

// A hundred iterations that keep a block of 1,000 bytes each.
constexpr const char* kProgram = LEAKHUNT_STEPS " 100 1000 0";

TEST(ImportCommand, ReadsMassifAndComparesItWithARecording) {
  if (!installed("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  const CommandLine command;
  command.shell(std::string("valgrind -q --tool=massif --massif-out-file=massif.out.7 ") + kProgram);
  const Called report = command.call("report massif.out.7");
  EXPECT_EQ(report.status, 4) << report.err;
  EXPECT_TRUE(
      contains(report.out, "growth was not judged: this is a file of massif, which has no iterations"))
      << report.out;
  command.call(std::string("run --out ours -- ") + kProgram);
  const Called diff = command.call("diff massif.out.7@peak ours@peak");
  EXPECT_EQ(diff.status, 0) << diff.err;
  EXPECT_TRUE(contains(diff.out, "\n  before  massif.out.7: ")) << diff.out;
}

TEST(ImportCommand, HasMemchecksLeaks) {
  if (!installed("valgrind")) GTEST_SKIP() << "valgrind is not installed";
  const CommandLine command;
  command.shell(std::string("valgrind --leak-check=full --log-file=memcheck.log ") + kProgram);
  const std::string log = command.file("memcheck.log");
  const Called report = command.call("report memcheck.log");
  EXPECT_EQ(report.status, contains(log, "definitely lost: 0 bytes") ? 4 : 1) << log << report.out;
  EXPECT_TRUE(contains(report.out, "Tags ")) << report.out;
}

TEST(ImportCommand, HasHeaptracksTotals) {
  if (!installed("heaptrack") || !installed("heaptrack_print")) GTEST_SKIP() << "heaptrack is not installed";
  const CommandLine command;
  command.shell(std::string("heaptrack -o ht ") + kProgram);
  const Called theirs = command.shell("heaptrack_print -f ht.*st | grep 'calls to allocation functions'");
  const Called ours = command.call("report ht.zst --format csv");
  if (ours.status == 2 && command.has("ht.gz")) GTEST_SKIP() << "this heaptrack writes gzip";
  EXPECT_EQ(ours.status, 4) << ours.err;
  const std::string words = "calls to allocation functions: ";
  const size_t at = theirs.out.find(words);
  ASSERT_NE(at, std::string::npos) << theirs.out;
  const long long calls = std::strtoll(theirs.out.c_str() + at + words.size(), nullptr, 10);
  const Called json = command.call("diff ht.zst@0 ht.zst --format json");
  EXPECT_EQ(json.status, 2) << "it has no iteration 0";
  const Called same = command.call("diff ht.zst ht.zst --format json");
  EXPECT_TRUE(contains(same.out, "\"allocations\": " + std::to_string(calls) + ","))
      << calls << same.out.substr(0, 900);
}

// The figures of both sides, a line each, as heaptrack_print writes them. It takes the freeing of the first
// allocation in a file (number 0, which also means none to it) for a temporary one when a free stands before
// it: so many are added to ours.
constexpr const char* kBothSides = R"SH(
heaptrack_print -f ht.zst --disable-builtin-suppressions --disable-embedded-suppressions | sed -n \
  's/^\(calls to allocation functions\|temporary memory allocations\): \([0-9]*\).*/\2/p
   s/^\(peak heap memory consumption\|total memory leaked\): //p' | tr '\n' ' ' && echo
zero=$(zstd -dc ht.zst | awk '/^[+-] / { if ($1 == "-" && $2 == "0" && before == "-") ++n; before = $1 } END { print n + 0 }')
"$leakhunt" report ht.zst --format json > ours.json
/usr/bin/python3 -c "
import json, sys
def words(n): return next(('%.2f%s' % (n / s, u) for u, s in (('M', 1e6), ('K', 1e3)) if n >= s), '%dB' % n)
report = json.load(open('ours.json'))
sites = report['call_sites']
assert report['call_sites_left_out'] == 0
heap = next(tag for tag in report['tags'] if tag['name'] == 'heap')
print(sum(site['allocations'] for site in sites), sum(site['temporary_blocks'] for site in sites) + $zero,
      words(heap['peak_live_bytes']), words(sum(site['live_bytes_end'] for site in sites)), '')"
)SH";

TEST(ImportCommand, HasTheFiguresOfHeaptrackPrintForStockPrograms) {
  for (const char* needed : {"heaptrack", "heaptrack_print", "zstd", "sqlite3", "xmllint"}) {
    if (!installed(needed)) GTEST_SKIP() << needed << " is not installed";
  }
  for (const char* program :
       {"sqlite3 :memory: 'create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 "
        "from c where "
        "x < 3000) insert into t select x, hex(randomblob(20)) from c; select count(*) from t'",
        "/usr/bin/python3 -c 'import json; print(len([json.dumps({str(i): i}) for i in range(3000)]))'",
        "xmllint --noout --xpath 'count(//x)' in.xml"}) {
    SCOPED_TRACE(program);
    const CommandLine command;
    command.shell(
        "{ echo '<r>'; for i in $(seq 500); do echo \"<x i='$i'><y>text</y></x>\"; done; echo '</r>'; } > "
        "in.xml");
    command.shell(std::string("heaptrack -o ht ") + program);
    if (command.has("ht.gz")) GTEST_SKIP() << "this heaptrack writes gzip";
    const Called sides = command.shell(std::string("leakhunt=" LEAKHUNT_BIN "/leakhunt") + kBothSides);
    const size_t line = sides.out.find('\n');
    ASSERT_NE(line, std::string::npos) << sides.err;
    EXPECT_EQ(sides.out.substr(0, line + 1), sides.out.substr(line + 1)) << sides.err;
    EXPECT_GT(std::atoi(sides.out.c_str()), 100) << sides.out;
  }
}

TEST(ImportCommand, SaysInOneLineWhatIsWrongWithAFile) {
  const CommandLine command;
  command.shell("printf 'desc: x\\ncmd: y\\ntime_unit: i\\n#-----------\\nsnapshot=0\\n' > massif.out");
  const Called cut = command.call("report massif.out");
  EXPECT_EQ(cut.status, 2);
  EXPECT_EQ(cut.err, "leakhunt: massif.out:5: the snapshot is cut off\n");
  command.shell("printf 'hello\\n' > other");
  EXPECT_TRUE(contains(command.call("report other").err,
                       "other: neither a recording of leakhunt nor a file of massif"));
}

}  // namespace
}  // namespace leakhunt::cli
