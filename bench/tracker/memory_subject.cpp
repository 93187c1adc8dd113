// Claim: what is resident here is the tracker's, but for the blocks themselves.
//
//   memory_subject blocks N     N blocks of 24 bytes, all alive
//   memory_subject stacks N     a block is taken and given back below each of N different stacks: the ways
//   through a
//                               binary tree of calls as high as N needs
//
// Prints the resident anonymous memory in bytes, and how many nodes the tree of all stacks has: the frames
// behind the calls, equal ways from the outside counted once.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

// An instruction behind each call, so that it is one.
#define STAYS_A_CALL() __asm__ volatile("" ::: "memory")

void take_way(uint64_t way, unsigned levels);

__attribute__((noinline)) void turn_left(uint64_t way, unsigned levels) {
  take_way(way, levels);
  STAYS_A_CALL();
}

__attribute__((noinline)) void turn_right(uint64_t way, unsigned levels) {
  take_way(way, levels);
  STAYS_A_CALL();
}

__attribute__((noinline)) void take_way(uint64_t way, unsigned levels) {
  if (levels == 0) {
    free(malloc(24));
  } else if ((way & 1) != 0) {
    turn_left(way >> 1, levels - 1);
  } else {
    turn_right(way >> 1, levels - 1);
  }
  STAYS_A_CALL();
}

long resident_bytes() {
  char line[256];
  long kilobytes = 0;
  FILE* status = fopen("/proc/self/status", "r");
  while (status != nullptr && fgets(line, sizeof line, status) != nullptr) {
    if (strncmp(line, "RssAnon:", 8) == 0) kilobytes = atol(line + 8);
  }
  if (status != nullptr) fclose(status);
  return kilobytes * 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const uint64_t count = strtoull(argv[2], nullptr, 10);
  uint64_t nodes = 0;
  if (strcmp(argv[1], "blocks") == 0) {
    for (uint64_t i = 0; i < count; ++i) *static_cast<volatile char*>(malloc(24)) = 1;
  } else {
    unsigned levels = 0;
    while (uint64_t{1} << levels < count) ++levels;
    for (uint64_t way = 0; way < count; ++way) take_way(way, levels);
    // Below each turn, which is one of two: the frame of the turn and the frame that it went on in.
    for (unsigned level = 1; level <= levels; ++level)
      nodes += 2 * (uint64_t{1} << level < count ? uint64_t{1} << level : count);
  }
  printf("%ld %llu\n", resident_bytes(), static_cast<unsigned long long>(nodes));
  return 0;
}
