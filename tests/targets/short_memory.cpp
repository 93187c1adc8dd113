// Claim: what is live is known, however little memory there is for whoever counts it.
//
//   short_memory threads N   4 threads allocate N blocks each, of 16 to 4,096 bytes, under the tag "live";
//                            every second one is freed again, every fourth grows to twice its size. Says how
//                            many bytes are live then
//   short_memory fills MB T  T threads fill so many MB (10^6 bytes) with blocks of 64 to 1,024 bytes, write
//   to
//                            them all, and free them
//   short_memory at_once MB  many small blocks, half of the MB; then the other half as one, which is written
//   to short_memory forks MB    half of the MB itself, then two children that fill a quarter each at once
//   short_memory maps MB     the same as at_once, but the one is mapped
//   short_memory takes_all   asks for blocks of 64 KiB until one is refused, and says how many came
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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

struct Filled {
  Filled* next;
  size_t sum;
};

// glibc's own sixteen bytes a block are part of it.
Filled* fill(size_t bytes) {
  Filled* all = nullptr;
  for (size_t used = 0, i = 0; used < bytes; ++i) {
    const size_t size = 64 + i * 7919 % 960;
    Filled* block = static_cast<Filled*>(malloc(size));
    if (block == nullptr) abort();
    memset(block, 1, size);
    block->next = all;
    block->sum = all != nullptr ? all->sum + size : size;
    all = block;
    used += size + 16;
  }
  return all;
}

size_t let_go(Filled* all) {
  const size_t sum = all != nullptr ? all->sum : 0;
  while (all != nullptr) {
    Filled* next = all->next;
    free(all);
    all = next;
  }
  return sum;
}

int fill_in_threads(size_t megabytes, size_t count) {
  std::vector<std::thread> threads;
  std::vector<Filled*> filled(count);
  for (size_t i = 0; i < count; ++i)
    threads.emplace_back([&filled, i, megabytes, count] { filled[i] = fill(megabytes * 1'000'000 / count); });
  size_t sum = 0;
  for (std::thread& thread : threads) thread.join();
  for (Filled* all : filled) sum += let_go(all);
  printf("%zu\n", sum);
  return 0;
}

int fill_at_once(size_t megabytes, bool map) {
  const size_t half = megabytes * 500'000;
  Filled* small = fill(half);
  void* large =
      map ? mmap(nullptr, half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : malloc(half);
  if (large == nullptr || large == MAP_FAILED) return 1;
  memset(large, 1, half);
  printf("%zu\n", let_go(small));
  if (!map) free(large);
  return 0;
}

int fill_in_children(size_t megabytes) {
  Filled* own = fill(megabytes * 500'000);
  int failed = 0;
  for (int i = 0; i < 2; ++i) {
    if (fork() == 0) {
      let_go(fill(megabytes * 250'000));
      _exit(0);
    }
  }
  int status = 0;
  while (wait(&status) > 0) failed += status != 0 ? 1 : 0;
  printf("%zu %d\n", let_go(own), failed);
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "threads" && argc > 2) return in_threads(strtoull(argv[2], nullptr, 10));
  if (what == "takes_all") return take_all();
  const size_t megabytes = argc > 2 ? strtoull(argv[2], nullptr, 10) : 0;
  if (what == "fills" && argc > 3) return fill_in_threads(megabytes, strtoull(argv[3], nullptr, 10));
  if (what == "at_once" || what == "maps") return fill_at_once(megabytes, what == "maps");
  if (what == "forks") return fill_in_children(megabytes);
  return 2;
}
