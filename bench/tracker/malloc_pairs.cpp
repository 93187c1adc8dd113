// Times malloc+free of 64 bytes below 0, 5, 20 and 50 frames and prints "DEPTH NANOSECONDS" lines.
//
//   malloc_pairs [PAIRS]
#include <stdio.h>
#include <stdlib.h>

#include <array>
#include <chrono>

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

}  // namespace

int main(int argc, char** argv) {
  const long pairs = argc > 1 ? atol(argv[1]) : 2'000'000;
  for (const int depth : std::array{0, 5, 20, 50})
    printf("%d %.2f\n", depth, nanoseconds_per_pair(depth, pairs));
  return 0;
}
