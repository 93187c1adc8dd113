/* regresses ITERATIONS: marks so many iterations; with LEAK_EVERY=N in the environment it loses a block of 16
 * bytes in every Nth. A program whose command line stays the same while it gets worse. */
#include <stdlib.h>

#include "instrument/leakhunt.h"

static void* volatile lost;

__attribute__((noinline)) static void lose_one(void) {
  lost = malloc(16);
}

int main(int argc, char** argv) {
  const unsigned long iterations = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
  const char* text = getenv("LEAK_EVERY");
  const unsigned long every = text != NULL ? strtoul(text, NULL, 10) : 0;
  for (unsigned long i = 0; i < iterations; ++i) {
    if (every != 0 && i % every == 0) lose_one();
    if (leakhunt_iteration) leakhunt_iteration(i);
  }
  return 0;
}
