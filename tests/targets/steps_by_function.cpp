// Claim: step() is entered exactly as often as said, and keeps 64 bytes each time; nothing here marks an
// iteration.
//
//   steps_by_function ENTRIES [THREADS]    entries by each thread
#include <stdio.h>
#include <stdlib.h>

#include <thread>
#include <vector>

struct Kept {
  Kept* next;
  char rest[56];
};

extern "C" __attribute__((noinline)) Kept* step(Kept* before, int i) {
  Kept* kept = static_cast<Kept*>(malloc(sizeof(Kept)));
  kept->next = before;
  kept->rest[0] = static_cast<char>(i);
  free(malloc(static_cast<size_t>(100 + i % 5)));
  return kept;
}

namespace shapes {
__attribute__((noinline)) int area(int side) {
  return side * side + 1;
}
__attribute__((noinline)) int area(int a, int b) {
  return a * b + 1;
}
}  // namespace shapes

namespace {

Kept* all[64];

void work(size_t thread, int entries) {
  for (int i = 0; i < entries; ++i) all[thread] = step(all[thread], i);
}

}  // namespace

int main(int argc, char** argv) {
  const int entries = argc > 1 ? atoi(argv[1]) : 100;
  const size_t count = argc > 2 ? strtoul(argv[2], nullptr, 10) : 1;
  std::vector<std::thread> threads;
  for (size_t i = 1; i < count; ++i) threads.emplace_back(work, i, entries);
  work(0, entries);
  for (std::thread& thread : threads) thread.join();
  printf("%d %d\n", shapes::area(argc), shapes::area(argc, entries));
  return 7;
}
