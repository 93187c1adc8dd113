// Whole programs of the machine, every allocation's stack taken by both (compare_preload.cpp): at least 99.9
// % are identical, none is different, and what is shorter says so.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <map>
#include <ostream>
#include <string>

namespace leakhunt::tracker {
namespace {

struct Counts {
  uint64_t events = 0, identical = 0, shorter = 0, different = 0, frames = 0, complete = 0;
};

// What the processes of a command counted, by program. Killed after some seconds, without harm: then nothing
// is counted.
std::map<std::string, Counts> compare(const std::string& command) {
  char directory[] = "/tmp/leakhunt-unwind-XXXXXX";
  if (mkdtemp(directory) == nullptr) return {};
  const std::string out = std::string(directory) + "/out";
  const std::string line = "cd " + std::string(directory) + " && UNWIND_COMPARE_OUT=" + out +
                           " UNWIND_COMPARE_SHOW=2 LD_PRELOAD=" UNWIND_COMPARE " timeout 20 " + command +
                           " >/dev/null 2>&1";
  const int status = std::system(line.c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << line;
  std::map<std::string, Counts> counted;
  std::ifstream file(out);
  for (std::string word, program; file >> word; program = word) {
    if (word != "events") continue;
    Counts counts;
    std::string label;
    file >> counts.events >> label >> counts.identical >> label >> counts.shorter >> label >>
        counts.different >> label >> counts.frames >> label >> counts.complete;
    Counts& sum = counted[program];
    sum.events += counts.events;
    sum.identical += counts.identical;
    sum.shorter += counts.shorter;
    sum.different += counts.different;
    sum.frames += counts.frames;
    sum.complete += counts.complete;
  }
  if (std::system(("cat " + out + " | grep -A80 -m3 -w -e ours >&2; rm -rf " + directory).c_str()) < 0)
    return {};
  return counted;
}

void expect_agreement(const char* program, const char* command) {
  if (std::system(("command -v " + std::string(program) + " >/dev/null").c_str()) != 0) {
    GTEST_SKIP() << program << " is not installed";
  }
  uint64_t events = 0;
  for (const auto& [name, counts] : compare(command)) {
    std::printf("%-10s %8llu stacks of %4.1f frames, %.4f %% identical, %llu shorter, %llu different\n",
                name.c_str(), static_cast<unsigned long long>(counts.events),
                counts.events == 0 ? 0.0 : double(counts.frames) / double(counts.events),
                counts.events == 0 ? 100.0 : 100.0 * double(counts.identical) / double(counts.events),
                static_cast<unsigned long long>(counts.shorter),
                static_cast<unsigned long long>(counts.different));
    events += counts.events;
    EXPECT_EQ(counts.different, 0u) << name;
    EXPECT_GE(double(counts.identical), 0.999 * double(counts.events)) << name;
  }
  EXPECT_GT(events, 100u);
}

struct Program {
  const char* name;
  const char* command;
};

void PrintTo(const Program& printed, std::ostream* out) {
  *out << printed.name;
}

const Program kPrograms[] = {
    {"sh", R"(sh -c 'for i in 1 2 3 4 5; do ls -l /usr/bin | sort -k5 -n | tail -3; done')"},
    {"awk", R"(awk 'BEGIN { for (i = 0; i < 20000; i++) a[i] = i "" i; print length(a) }')"},
    {"iconv", R"(sh -c 'ls -lR /usr/include | head -c 100000 | iconv -f latin1 -t utf16')"},
    {"python3",
     R"(env PYTHONMALLOC=malloc python3 -S -c 'import json, re; d = [{"k%d" % i: [str(j) for j in range(9)]} for i in range(400)]; s = json.dumps(d); json.loads(s); re.findall("[0-9]+", s); f = lambda n: [n] if n == 0 else f(n - 1) + [n]; f(60)')"},
    {"perl",
     R"(perl -e 'my %h; $h{"k$_"} = [$_, "x" x ($_ % 50)] for 1..20000; my @s = sort { $a cmp $b } keys %h; sub f { my $n = shift; return $n ? f($n - 1) . "a" : "" } print f(90)')"},
    {"sqlite3",
     R"(sqlite3 :memory: "create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 9000) insert into t select x, hex(randomblob(20)) from c; create index i on t(b); select count(*) from (select * from t order by b desc);")"},
    {"g++", R"(sh -c 'echo "#include <map>
#include <string>
int main() { std::map<std::string, int> m; return m[\"a\"]; }" > a.cpp && g++ -O1 -c a.cpp')"},
    {"git",
     R"(sh -c 'git init -q . && touch x && git add x && git -c user.name=a -c user.email=a@b commit -qm x && git log --stat')"},
};

class UnwindPrograms : public testing::TestWithParam<Program> {};

TEST_P(UnwindPrograms, AreWalkedAsByLibgcc) {
  expect_agreement(GetParam().name, GetParam().command);
}

INSTANTIATE_TEST_SUITE_P(, UnwindPrograms, testing::ValuesIn(kPrograms), [](const auto& program) {
  std::string name;
  for (const char* at = program.param.name; *at != '\0'; ++at) {
    if (std::isalnum(static_cast<unsigned char>(*at))) name += *at;
  }
  return name;
});

}  // namespace
}  // namespace leakhunt::tracker
