// Times malloc+free of 64 bytes below 0, 5, 20 and 50 frames and prints "DEPTH NANOSECONDS" lines. With
// several threads they do the same at once, and the time is the mean of what a pair took each of them.
//
//   malloc_pairs [PAIRS [THREADS]]
#include <stdio.h>
#include <stdlib.h>

#include <array>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

__attribute__((noinline)) double nanoseconds_per_pair(int frames_above, long pairs) {
  if (frames_above > 0) {
    const double result = nanoseconds_per_pair(frames_above - 1, pairs);
    asm volatile("");  // keeps the frame: no tail call
    return result;
  }
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < pairs; ++i) {
    void* volatile block = malloc(64);
    free(block);
  }
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count() / static_cast<double>(pairs);
}

double mean_over_threads(size_t threads, int depth, long pairs) {
  if (threads == 1) return nanoseconds_per_pair(depth, pairs);
  std::vector<double> times(threads);
  std::vector<std::thread> running;
  for (double& time : times)
    running.emplace_back([&time, depth, pairs] { time = nanoseconds_per_pair(depth, pairs); });
  for (std::thread& thread : running) thread.join();
  return std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(threads);
}

}  // namespace

int main(int argc, char** argv) {
  const long pairs = argc > 1 ? atol(argv[1]) : 2'000'000;
  const size_t threads = argc > 2 ? strtoull(argv[2], nullptr, 10) : 1;
  for (const int depth : std::array{0, 5, 20, 50})
    printf("%d %.2f\n", depth, mean_over_threads(threads, depth, pairs));
  return 0;
}
