// Claim: however many blocks live at once, and however many come and go, the counters are exact.
//
//   many_blocks live N    N blocks of 16 to 48 bytes at once (the sizes repeat: 16, 32, 48), under the tag
//                         "live"; every third is freed at the end of iteration 0
//   many_blocks calls N   N blocks of 40 bytes one after the other, under the tag "calls"
//   many_blocks stacks N  a block of 16 bytes from each of N different stacks, under the tag "stacks"
//   many_blocks steps N   N iterations; in each 800 blocks take the place of others, from 4,000 stacks, some
//                         oftener than others: a recording of some 16 kB an iteration
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <random>
#include <string>

#include "instrument/leakhunt.hpp"

namespace {

int live(size_t count) {
  void** blocks = static_cast<void**>(mmap(nullptr, count * sizeof(void*), PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (blocks == MAP_FAILED) return 1;
  const leakhunt::TagScope scope(leakhunt::tag("live"));
  for (size_t i = 0; i < count; ++i) {
    blocks[i] = malloc(16 * (i % 3 + 1));
    if (blocks[i] == nullptr) return 1;
  }
  leakhunt::iteration(0);
  for (size_t i = 0; i < count; i += 3) free(blocks[i]);
  leakhunt::iteration(1);
  return 0;
}

int calls(size_t count) {
  const leakhunt::TagScope scope(leakhunt::tag("calls"));
  for (size_t i = 0; i < count; ++i) {
    void* volatile block = malloc(40);
    free(block);
  }
  leakhunt::iteration(0);
  return 0;
}

// The bits of `path` choose between two calls at each of 20 depths.
__attribute__((noinline)) void descend(uint32_t path, int depth) {
  if (depth == 0) {
    [[maybe_unused]] void* volatile block = malloc(16);
  } else if (path & 1) {
    descend(path >> 1, depth - 1);
    __asm__ volatile("");
  } else {
    descend(path >> 1, depth - 1);
    __asm__ volatile("nop");
  }
}

int stacks(size_t count) {
  const leakhunt::TagScope scope(leakhunt::tag("stacks"));
  for (size_t i = 0; i < count; ++i) descend(static_cast<uint32_t>(i), 20);
  leakhunt::iteration(0);
  return 0;
}

// As descend(), of other sizes.
__attribute__((noinline)) void* allocate_from(uint32_t path, int depth, size_t size) {
  if (depth == 0) {
    void* volatile block = malloc(size);
    return block;
  }
  void* block = nullptr;
  if (path & 1) {
    block = allocate_from(path >> 1, depth - 1, size);
    __asm__ volatile("");
  } else {
    block = allocate_from(path >> 1, depth - 1, size);
    __asm__ volatile("nop");
  }
  return block;
}

int steps(size_t count) {
  constexpr uint32_t kStacks = 4000;
  constexpr size_t kBlocks = 4096;
  constexpr size_t kInEach = 800;
  static void* kept[kBlocks];
  std::minstd_rand random(1);
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < kInEach; ++k) {
      void*& block = kept[random() % kBlocks];
      free(block);
      const auto stack = static_cast<uint32_t>(random() % kStacks * (random() % kStacks) / kStacks);
      block = allocate_from(stack, 12, 16 + random() % 400);
    }
    leakhunt::iteration(i);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const size_t count = argc > 2 ? strtoull(argv[2], nullptr, 10) : 1'000'000;
  if (what == "live") return live(count);
  if (what == "calls") return calls(count);
  if (what == "stacks") return stacks(count);
  if (what == "steps") return steps(count);
  return 2;
}
