// Claim: a program that grows without end is stopped at the ceiling, and the report says what was growing.
//
// 1 MB, touched, every millisecond, an iteration each; gives up by itself after 2,000.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instrument/leakhunt.hpp"

namespace {

__attribute__((noinline)) void grow() {
  void* volatile block = malloc(1 << 20);
  memset(block, 1, 1 << 20);
}

}  // namespace

int main() {
  for (uint64_t i = 0; i < 2000; ++i) {
    grow();
    usleep(1000);
    leakhunt::iteration(i);
  }
  return 0;
}
