// Claim: of everything that happens in an iteration, only the 48 bytes kept by remember() are growth.
//
//   steady_leak [ITERATIONS [huge]]
//
// huge: iteration i also takes, and gives back at once, 7 * i % 13 and 3 * i % 11 blocks of 512 MiB at two
// places, so that some places pass 4 GiB in one iteration and not in the next.
#include <stdio.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "instrument/leakhunt.hpp"

namespace {

struct Entry {
  Entry* next;
  char payload[40];
};
Entry* remembered = nullptr;

__attribute__((noinline)) void remember() {
  Entry* entry = static_cast<Entry*>(malloc(sizeof(Entry)));
  entry->next = remembered;
  remembered = entry;
}

__attribute__((noinline)) size_t work_that_is_given_back(size_t iteration) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < 20 + iteration % 7; ++i) lines.emplace_back(100 + i, 'x');
  return lines.size();
}

__attribute__((noinline)) void pass_huge(size_t blocks) {
  for (size_t i = 0; i < blocks; ++i) free(malloc(size_t{512} << 20));
}

__attribute__((noinline)) void pass_other_huge(size_t blocks) {
  for (size_t i = 0; i < blocks; ++i) free(malloc(size_t{512} << 20));
}

}  // namespace

int main(int argc, char** argv) {
  const size_t iterations = argc > 1 ? strtoull(argv[1], nullptr, 10) : 200;
  size_t sum = 0;
  for (size_t i = 0; i < iterations; ++i) {
    sum += work_that_is_given_back(i);
    remember();
    if (argc > 2) {
      pass_huge(7 * i % 13);
      pass_other_huge(3 * i % 11);
    }
    leakhunt::iteration(i);
  }
  printf("%zu lines\n", sum);
  return 0;
}
