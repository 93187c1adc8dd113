// How long a heap graph makes a program wait, and how long the scan takes: README.md.
//
//   graph_pause [BLOCKS THREADS [GRAPHS]]            runs itself, once for each size, with the tracker in it
//   graph_pause --target BLOCKS THREADS GRAPHS DO    what it runs; the threads DO allocate or compute
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

namespace {

constexpr double kMostPause_ms = 5;
constexpr double kLeastBlocksPerSecond = 1e6;

double milliseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Where a thread's time goes. What it neither ran nor waited for a processor it was kept waiting for
// something else, and that is what stands still.
struct Spent {
  double clock = 0;
  double processor = 0;
  double queued = 0;  // for a processor that somebody else had
  double stood() const { return std::max(0.0, clock - processor - queued); }
  Spent operator-(const Spent& before) const {
    return {clock - before.clock, processor - before.processor, queued - before.queued};
  }
};

// Of one thread: open in that thread.
class ThreadClock {
 public:
  ThreadClock() : file_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
  ~ThreadClock() { close(file_); }
  ThreadClock(const ThreadClock&) = delete;
  ThreadClock& operator=(const ThreadClock&) = delete;

  Spent now() const {
    char text[96] = {};
    if (pread(file_, text, sizeof text - 1, 0) <= 0) exit(1);
    char* second = nullptr;
    strtoull(text, &second, 10);
    return {milliseconds(CLOCK_MONOTONIC), milliseconds(CLOCK_THREAD_CPUTIME_ID),
            strtod(second, nullptr) / 1e6};
  }

 private:
  int file_;
};

// --- the program that is looked at

struct Block {
  Block* next;
  Block* across;
  char bytes[48];
};

enum Kind : size_t { kNothing, kFork, kGraph, kKinds };
struct alignas(64) Thread {
  Block* list = nullptr;
  std::array<std::atomic<double>, kKinds> longest{};  // stand, while that was measured
};

std::atomic<bool> over;
std::atomic<size_t> ready;
std::atomic<Kind> measured;

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
// what it sees leave.) What took long is looked at: had the thread a processor meanwhile?
void* volatile looked_at;
void keep_blocks(size_t count, Thread* self, bool pauses, bool allocates) {
  constexpr double kLong_ms = 0.2;
  make_blocks(count, &self->list);
  const ThreadClock clock;
  Spent before = clock.now();
  double last = before.clock;
  while (!over) {
    Block* block = allocates ? new Block{self->list, nullptr, {}} : nullptr;
    looked_at = block;
    delete block;
    const double now = milliseconds(CLOCK_MONOTONIC);
    if (now - last > kLong_ms) {
      const Spent after = clock.now();
      std::atomic<double>& longest = self->longest[measured];
      longest = std::max(longest.load(), (after - before).stood());
      before = after;
    }
    last = now;
    if (!pauses) continue;
    usleep(1000);
    before = clock.now();
    last = before.clock;
  }
}

// As much as everybody needs to have had his turn.
void print_longest(Kind kind, const Spent& own, std::vector<Thread>* threads, useconds_t moment) {
  usleep(moment);
  measured = kNothing;
  double longest = 0;
  for (Thread& thread : *threads) longest = std::max(longest, thread.longest[kind].exchange(0));
  printf("%.6f %.6f %.6f %.6f ", own.clock, own.processor, own.queued, longest);
}

// By a thread that has worked before, as the one that takes a graph has: its turn may soon be over.
Spent time_of_fork(const ThreadClock& clock) {
  constexpr double kWork_ms = 3;
  const double begin = milliseconds(CLOCK_THREAD_CPUTIME_ID);
  while (milliseconds(CLOCK_THREAD_CPUTIME_ID) - begin < kWork_ms) continue;
  const Spent before = clock.now();
  const long child = syscall(SYS_clone, SIGCHLD, 0L, 0L, 0L, 0L);
  if (child == 0) syscall(SYS_exit_group, 0);
  const Spent spent = clock.now() - before;
  waitpid(static_cast<pid_t>(child), nullptr, 0);
  return spent;
}

int be_target(size_t blocks, size_t threads, uint64_t graphs, bool allocates) {
  std::vector<Thread> all(threads);
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i)
    others.emplace_back(keep_blocks, blocks / threads, &all[i], i % 2 == 0, allocates);
  while (ready + 1 < threads) usleep(1000);
  make_blocks(blocks / threads, &all[0].list);
  const ThreadClock clock;
  for (uint64_t i = 0; i < graphs; ++i) {
    measured = kFork;
    const Spent fork = time_of_fork(clock);
    print_longest(kFork, fork, &all, 200'000);
    measured = kGraph;
    const Spent before = clock.now();
    if (leakhunt_iteration != nullptr) leakhunt_iteration(i);
    const Spent own = clock.now() - before;
    // The scan has the processor for itself.
    print_longest(kGraph, own, &all, static_cast<useconds_t>(200'000 + blocks * 2));
    printf("\n");
  }
  over = true;
  for (std::thread& other : others) other.join();
  return 0;
}

// --- measuring it

struct Times {
  std::vector<double> all;
  double least() const { return all.empty() ? 0 : *std::min_element(all.begin(), all.end()); }
  double most() const { return all.empty() ? 0 : *std::max_element(all.begin(), all.end()); }
  double median() const {
    if (all.empty()) return 0;
    std::vector<double> sorted = all;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

// What the target says of one kind: of the thread that did it, and of the one that stood still longest.
struct Measured {
  Times clock;
  Times processor;
  Times queued;
  Times stood;
  Times others;

  char* add(char* text) {
    double numbers[4];
    for (double& number : numbers) number = strtod(text, &text);
    clock.all.push_back(numbers[0]);
    processor.all.push_back(numbers[1]);
    queued.all.push_back(numbers[2]);
    stood.all.push_back(std::max(0.0, numbers[0] - numbers[1] - numbers[2]));
    others.all.push_back(numbers[3]);
    return text;
  }
};

void run_target(const std::string& command, Measured* fork, Measured* graph) {
  FILE* out = popen(command.c_str(), "r");
  char line[256];
  while (out != nullptr && fgets(line, sizeof line, out) != nullptr) graph->add(fork->add(line));
  if (out != nullptr) pclose(out);
}

void measure(size_t blocks, size_t threads, unsigned graphs, const std::string& what) {
  const std::string file = "/tmp/graph_pause." + std::to_string(getpid()) + ".lhr";
  const std::string target = "/proc/" + std::to_string(getpid()) + "/exe --target " + std::to_string(blocks) +
                             " " + std::to_string(threads) + " " + std::to_string(graphs) + " " + what;
  Measured fork;
  Measured graph_of;
  run_target("LEAKHUNT_GRAPH=every=1 LEAKHUNT_INTERVAL_MS=0 LEAKHUNT_RECORDING=" + file +
                 " LD_PRELOAD=" LEAKHUNT_LIBRARY_FILE " exec " + target,
             &fork, &graph_of);
  const auto run = leakhunt::recording::read_recording(file);
  unlink(file.c_str());
  Times pauses;
  Times scans;
  Times scanner;
  Times ran_on;
  uint64_t seen = 0;
  for (size_t i = 0; run && i < run->graphs.size(); ++i) {
    const leakhunt::recording::HeapGraph& graph = run->graphs[i];
    if (!graph.obstacle.empty() || graph.reason == leakhunt::recording::GraphReason::kExit) continue;
    pauses.all.push_back(static_cast<double>(graph.pause_ns) / 1e6);
    scans.all.push_back(static_cast<double>(graph.scan_ns) / 1e6);
    scanner.all.push_back(static_cast<double>(graph.scan_cpu_ns) / 1e6);
    seen = graph.blocks;
    ran_on.all.push_back(static_cast<double>(graph.threads - graph.threads_parked - graph.threads_waiting));
  }
  const double rest = graph_of.others.median() - fork.others.median();
  const double rate = scanner.least() > 0 ? static_cast<double>(seen) / scanner.least() * 1e3 : 0;
  printf(
      "%8zu %4zu %8s %3zu %8.2f %8.2f %8.2f %8.2f %8.2f %s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f ",
      blocks, threads, threads > 1 ? what.c_str() : "", pauses.all.size(), fork.others.median(),
      fork.others.most(), graph_of.others.median(), graph_of.others.most(), rest,
      !pauses.all.empty() && rest <= kMostPause_ms ? "ok " : "BAD", fork.clock.median(), fork.queued.median(),
      graph_of.clock.median(), graph_of.processor.median(), graph_of.queued.median(), graph_of.stood.median(),
      pauses.median(), scans.median());
  printf("%9.2e %s %5.0f\n", rate, rate >= kLeastBlocksPerSecond || blocks < 1'000'000 ? "ok " : "BAD",
         ran_on.median());
  fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int at, size_t otherwise) {
    return at < argc ? static_cast<size_t>(strtoull(argv[at], nullptr, 10)) : otherwise;
  };
  if (argc == 6 && strcmp(argv[1], "--target") == 0)
    return be_target(number(2, 0), number(3, 1), number(4, 1), strcmp(argv[5], "allocate") == 0);
  printf(
      "                           how long other threads stood still, ms           fork, ms      "
      "    the thread that takes the graph, ms                scan\n"
      "         threads            for a fork       for a graph     rest\n"
      "  blocks      that    graphs   median     most   median     most   median     "
      "   clock   queued    clock processor queued    stood    pause    clock  blocks/s     ran on\n");
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
