// How long a heap graph makes a program wait, and how long the scan takes: README.md.
//
//   graph_pause [BLOCKS THREADS [GRAPHS]]            runs itself, once for each size, with the tracker in it
//   graph_pause --target BLOCKS THREADS GRAPHS DO    what it runs; the threads DO allocate or compute
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "instrument/leakhunt.h"
#include "lib/recording/reader.h"

extern char** environ;

namespace {

constexpr double kMostPause_ms = 5;
constexpr double kLeastBlocksPerSecond = 1e6;

double milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// --- the program that is looked at

struct Block {
  Block* next;
  Block* across;
  char bytes[48];
};

std::atomic<bool> over;
std::atomic<size_t> ready;

// Its part of the blocks.
void make_blocks(size_t count, Block** list) {
  Block* across = nullptr;
  for (size_t i = 0; i < count; ++i) {
    *list = new Block{*list, across, {}};
    if (i % 7 == 0) across = *list;
  }
  ++ready;
}

// And a little work, of every second thread with pauses. (A compiler leaves out new with its delete, but not
// what it sees leave.)
void* volatile looked_at;
void keep_blocks(size_t count, Block** list, bool pauses, bool allocates) {
  make_blocks(count, list);
  while (!over) {
    Block* block = allocates ? new Block{*list, nullptr, {}} : nullptr;
    looked_at = block;
    delete block;
    if (pauses) usleep(1000);
  }
}

double own_processor_time() {
  rusage use{};
  getrusage(RUSAGE_THREAD, &use);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(use.ru_utime) + ms(use.ru_stime);
}

double time_of_fork() {
  const double begin = milliseconds();
  const long child = syscall(SYS_clone, SIGCHLD, 0L, 0L, 0L, 0L);
  const double time = milliseconds() - begin;
  if (child == 0) syscall(SYS_exit_group, 0);
  waitpid(static_cast<pid_t>(child), nullptr, 0);
  return time;
}

int be_target(size_t blocks, size_t threads, uint64_t graphs, bool allocates) {
  std::vector<Block*> lists(threads);
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i)
    others.emplace_back(keep_blocks, blocks / threads, &lists[i], i % 2 == 0, allocates);
  while (ready + 1 < threads) usleep(1000);
  make_blocks(blocks / threads, lists.data());
  for (uint64_t i = 0; i < graphs; ++i) {
    const double fork = time_of_fork();
    const double before = own_processor_time();
    if (leakhunt_iteration != nullptr) leakhunt_iteration(i);
    printf("%.6f %.6f\n", fork, own_processor_time() - before);
    usleep(static_cast<useconds_t>(20'000 + blocks * 2));  // the scan has the processor for itself
  }
  over = true;
  for (std::thread& other : others) other.join();
  return 0;
}

// --- measuring it

struct Times {
  std::vector<double> all;
  double least() const { return all.empty() ? 0 : *std::min_element(all.begin(), all.end()); }
  double median() const {
    if (all.empty()) return 0;
    std::vector<double> sorted = all;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

// The forks that it timed, and the processor time of what marked the iterations.
void run_target(const std::string& command, Times* forks, Times* own) {
  FILE* out = popen(command.c_str(), "r");
  char line[64];
  while (out != nullptr && fgets(line, sizeof line, out) != nullptr) {
    char* end = nullptr;
    forks->all.push_back(strtod(line, &end));
    own->all.push_back(strtod(end, nullptr));
  }
  if (out != nullptr) pclose(out);
}

void measure(size_t blocks, size_t threads, unsigned graphs, const std::string& what) {
  const std::string file = "/tmp/graph_pause." + std::to_string(getpid()) + ".lhr";
  const std::string target = "/proc/" + std::to_string(getpid()) + "/exe --target " + std::to_string(blocks) +
                             " " + std::to_string(threads) + " " + std::to_string(graphs) + " " + what;
  Times forks;
  Times own;
  run_target("LEAKHUNT_GRAPH=every=1 LEAKHUNT_RECORDING=" + file +
                 " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " exec " + target,
             &forks, &own);
  const auto run = leakhunt::recording::read_recording(file);
  unlink(file.c_str());
  Times pauses;
  Times scans;
  Times scanner;
  uint64_t seen = 0;
  uint64_t ran_on = 0;
  for (size_t i = 0; run && i < run->graphs.size(); ++i) {
    const leakhunt::recording::HeapGraph& graph = run->graphs[i];
    if (!graph.obstacle.empty() || graph.reason == leakhunt::recording::GraphReason::kExit) continue;
    if (graph.blocks < blocks / 10 * 9) continue;  // of a tick, while they were made
    pauses.all.push_back(static_cast<double>(graph.pause_ns) / 1e6);
    scans.all.push_back(static_cast<double>(graph.scan_ns) / 1e6);
    scanner.all.push_back(static_cast<double>(graph.scan_cpu_ns) / 1e6);
    seen = graph.blocks;
    ran_on = std::max(ran_on, graph.threads - graph.threads_parked - graph.threads_waiting);
  }
  const double rest = pauses.least() - forks.least();
  const double rate = scanner.least() > 0 ? static_cast<double>(seen) / scanner.least() * 1e3 : 0;
  printf("%8zu %4zu %8s %3zu %8.2f %8.2f %8.2f %8.2f %8.2f %s %8.2f %8.1f %8.1f %8.1f %9.2e %s %4zu\n",
         blocks, threads, threads > 1 ? what.c_str() : "", pauses.all.size(), pauses.least(), pauses.median(),
         forks.least(), forks.median(), rest, !pauses.all.empty() && rest <= kMostPause_ms ? "ok " : "BAD",
         own.median(), scans.least(), scans.median(), scanner.least(), rate,
         rate >= kLeastBlocksPerSecond || blocks < 1'000'000 ? "ok " : "BAD", static_cast<size_t>(ran_on));
  fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int at, size_t otherwise) {
    return at < argc ? static_cast<size_t>(strtoull(argv[at], nullptr, 10)) : otherwise;
  };
  if (argc == 6 && strcmp(argv[1], "--target") == 0)
    return be_target(number(2, 0), number(3, 1), number(4, 1), strcmp(argv[5], "allocate") == 0);
  printf("         threads               pause, ms          fork, ms     rest     processor, scan, ms\n");
  printf(
      "  blocks      that    graphs    least   median    least   median    least            least    least   "
      "median");
  printf(" processor  blocks/s  ran on\n");
  const auto graphs = static_cast<unsigned>(number(3, 7));
  if (argc > 2) {
    for (const char* what : {"allocate", "compute"})
      measure(number(1, 0), std::max<size_t>(number(2, 1), 1), graphs, what);
    return 0;
  }
  for (const size_t blocks : std::array<size_t, 3>{10'000, 100'000, 1'000'000}) {
    measure(blocks, 1, graphs, "allocate");
    for (const size_t threads : std::array<size_t, 2>{8, 64}) {
      for (const char* what : {"allocate", "compute"}) measure(blocks, threads, graphs, what);
    }
  }
  return 0;
}
