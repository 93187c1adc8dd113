// Claim: what is live is known, however little memory there is for whoever counts it.
//
//   short_memory threads N   4 threads allocate N blocks each, of 16 to 4,096 bytes, under the tag "live";
//                            every second one is freed again, every fourth grows to twice its size. Says how
//                            many bytes are live then
//   short_memory takes_all   asks for blocks of 64 KiB until one is refused, and says how many came
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <string>
#include <thread>
#include <vector>

#include "instrument/leakhunt.hpp"

namespace {

struct Block {
  Block* next;
};
Block* kept[4];

size_t allocate(size_t thread, size_t count) {
  const leakhunt::TagScope scope(leakhunt::tag("live"));
  size_t live = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = 16 + (i * 7919 + thread * 31) % 1024 * (i % 16 == 0 ? 4 : i % 4 == 0 ? 1 : 0);
    void* block = malloc(size);
    if (i % 2 == 1) {
      free(block);
      continue;
    }
    const size_t grown = i % 4 == 2 ? 2 * size : size;
    Block* node = static_cast<Block*>(grown != size ? realloc(block, grown) : block);
    if (node == nullptr) abort();
    live += grown;
    node->next = kept[thread];
    kept[thread] = node;
  }
  return live;
}

int in_threads(size_t count) {
  size_t live[4] = {};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i) threads.emplace_back([&live, i, count] { live[i] = allocate(i, count); });
  for (std::thread& thread : threads) thread.join();
  leakhunt::iteration(0);
  printf("%zu\n", live[0] + live[1] + live[2] + live[3]);
  return 0;
}

int take_all() {
  size_t count = 0;
  Block* all = nullptr;
  while (Block* block = static_cast<Block*>(malloc(64 << 10))) {
    block->next = all;
    all = block;
    ++count;
  }
  while (all != nullptr) {
    Block* next = all->next;
    free(all);
    all = next;
  }
  printf("%zu\n", count);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "threads" && argc > 2) return in_threads(strtoull(argv[2], nullptr, 10));
  if (what == "takes_all") return take_all();
  return 2;
}
