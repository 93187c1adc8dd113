#!/usr/bin/python3
"""Whole programs of the distribution under leakhunt, heaptrack, LeakSanitizer and massif, in turn.

    bench/programs/beside_others.py [--build build/release] [--rounds 5] [--massif] [sqlite3 python3 perl cc1plus]

Each round runs a program plain and under each tool, one after the other, so that noise meets all of them. What is compared
is the extra time: under the tool, minus plain, each the median over the rounds.

    target    the library alone: the program's own wall time
    command   as a user types it, with reading, names and reports afterwards

LeakSanitizer is its preload with stacks of all frames (fast_unwind_on_malloc=0) and with its default of two; no leak check
at the end. Also shown: bytes of the finished recording, ours and heaptrack's.
"""
import argparse
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PERL = r"""
my %h;
for my $i (1..700000) {
  my $k = "key".($i % 5000);
  push @{$h{$k}}, "value $i";
  next if @{$h{$k}} <= 20;
  my $s = join(",", @{$h{$k}});
  $s =~ s/value (\d)/$1x/g;
  $h{$k} = [split /,/, substr($s, 0, 40)];
}
print scalar(keys %h), "\n";
"""
PYTHON = """
import collections, json
d = collections.defaultdict(list)
for i in range(500000):
    d["k%d" % (i % 3000)].append({"i": i, "s": str(i)})
    if i % 500 == 0: json.loads(json.dumps(d["k%d" % (i % 3000)]))
print(len(d))
"""
SQL = """
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i+1 from n where i<400000)
  insert into t select i, 'text '||(i*7919%10007), i*0.5 from n;
create index x on t(b);
select b, count(*) from t group by b order by 2 desc, 1 limit 3;
select count(*) from t a join t b on a.b=b.b where a.a<3000;
select sum(length(g)) from (select group_concat(b||c) as g from t group by a%1000);
"""
THEIRS = "heaptrack's"
CPP = """
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
int main() {
  std::map<std::string, std::vector<int>> m;
  for (int i = 0; i < 10; ++i) m[std::to_string(i)].push_back(i);
  std::function<void()> sort = [&] { for (auto& p : m) std::sort(p.second.begin(), p.second.end()); };
  sort();
  std::cout << std::regex_match("abc", std::regex("a.*")) << m.size();
}
"""


def write(directory, name, text):
    (directory / name).write_text(text)
    return str(directory / name)


def workloads(directory):
    found = {}
    if shutil.which("sqlite3"):
        found["sqlite3"] = [shutil.which("sqlite3"), ":memory:", ".read " + write(directory, "w.sql", SQL)]
    if os.path.exists("/usr/bin/python3"):
        found["python3"] = ["/usr/bin/python3", write(directory, "w.py", PYTHON)]
    found["perl"] = ["/usr/bin/perl", write(directory, "w.pl", PERL)]
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], capture_output=True, text=True, check=False).stdout.strip()
    if compiler.startswith("/"):
        subprocess.run(["g++", "-E", "-std=c++17", write(directory, "w.cpp", CPP), "-o", str(directory / "w.ii")], check=True)
        found["cc1plus"] = [compiler, "-quiet", "-O1", "-std=c++17", str(directory / "w.ii"), "-o", "/dev/null"]
    return found


def tools(build, directory, with_massif):
    recording = directory / "r.lhr"
    library = build / "lib/libleakhunt.so"
    found = {
        "plain": [],
        "leakhunt target": ["env", f"LD_PRELOAD={library}", f"LEAKHUNT_RECORDING={recording}"],
        "leakhunt command": [build / "bin/leakhunt", "run", "--out", directory / "out", "--"],
    }
    if shutil.which("heaptrack"):
        preload = next(iter(pathlib.Path("/usr/lib").glob("**/libheaptrack_preload.so")), None)
        found["heaptrack target"] = ["env", f"LD_PRELOAD={preload}",
                                     f"DUMP_HEAPTRACK_OUTPUT={directory / 'h.raw'}"]
        found["heaptrack command"] = ["heaptrack", "-o", directory / "h"]
    lsan = next(iter(pathlib.Path("/usr/lib").glob("**/liblsan.so.0")), None)
    if lsan:
        found["lsan"] = ["env", f"LD_PRELOAD={lsan}", "LSAN_OPTIONS=detect_leaks=0"]
        found["lsan all frames"] = ["env", f"LD_PRELOAD={lsan}",
                                    "LSAN_OPTIONS=detect_leaks=0:fast_unwind_on_malloc=0"]
    if with_massif and shutil.which("valgrind"):
        found["massif"] = ["valgrind", "--tool=massif", f"--massif-out-file={directory / 'm'}"]
    return found


def seconds_of(prefix, command, directory):
    for old in directory.glob("h.*"):
        old.unlink()
    (directory / "r.lhr").unlink(missing_ok=True)
    begin = time.monotonic()
    done = subprocess.run([*map(str, prefix), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          cwd=directory, check=False, env={**os.environ, "PYTHONMALLOC": "malloc"})
    seconds = time.monotonic() - begin
    if done.returncode not in (0, 1, 4):  # 1 and 4 are leakhunt's verdicts
        print(f"failed with status {done.returncode}: {' '.join(map(str, prefix))} {' '.join(command)}", file=sys.stderr)
        return math.nan
    return seconds


def bytes_of(directory, pattern):
    return sum(file.stat().st_size for file in directory.glob(pattern))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--massif", action="store_true", help="massif as well, which takes long")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        ratios = []
        for name, command in workloads(directory).items():
            if options.programs and name not in options.programs:
                continue
            times, sizes = {}, {}
            for _ in range(options.rounds):
                for tool, prefix in tools(options.build.resolve(), directory, options.massif).items():
                    times.setdefault(tool, []).append(seconds_of(prefix, command, directory))
                    if tool == "leakhunt command":
                        sizes["ours"] = bytes_of(directory, "out/recording.lhr")
                    if tool == "heaptrack command":
                        sizes[THEIRS] = bytes_of(directory, "h.*")
            plain = statistics.median(times["plain"])
            share = f", {sizes['ours'] / sizes[THEIRS]:.2f} of it" if sizes.get(THEIRS) else ""
            print(f"{name}: plain {plain:.2f} s; recording {sizes}{share}")
            extra = {tool: statistics.median(seen) - plain for tool, seen in times.items() if tool != "plain"}
            for tool, seconds in extra.items():
                beside = extra.get(f"heaptrack {tool.split()[-1]}")
                ratio = f"   {seconds / beside:5.2f} of heaptrack's" if tool.startswith("leakhunt") and beside else ""
                print(f"  {tool:18} {seconds:+7.2f} s   {(seconds + plain) / plain:5.2f} times plain{ratio}", flush=True)
            if "heaptrack command" in extra:
                ratios.append(max(extra["leakhunt command"], 1e-3) / extra["heaptrack command"])
        if ratios:
            mean = math.exp(statistics.fmean(map(math.log, ratios)))
            print(f"extra time as a command, leakhunt to heaptrack, geometric mean: {mean:.2f}")


if __name__ == "__main__":
    main()
