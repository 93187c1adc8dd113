// Claim: of everything that happens in an iteration, only the 48 bytes kept by remember() are growth.
//
//   steady_leak [ITERATIONS]
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

}  // namespace

int main(int argc, char** argv) {
  const size_t iterations = argc > 1 ? strtoull(argv[1], nullptr, 10) : 200;
  size_t sum = 0;
  for (size_t i = 0; i < iterations; ++i) {
    sum += work_that_is_given_back(i);
    remember();
    leakhunt::iteration(i);
  }
  printf("%zu lines\n", sum);
  return 0;
}
