/* steps ITERATIONS LEAK PAUSE [stubborn | remove | replace FILE]: marks so many iterations, leaks LEAK
 * touched bytes in each, and pauses PAUSE milliseconds behind each. `stubborn` ignores SIGTERM; `remove` and
 * `replace` do that to the program's own file. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instrument/leakhunt.h"

static void* volatile last;

static void leak(size_t bytes) {
  if (bytes == 0) return;
  last = malloc(bytes);
  if (last != NULL) memset(last, 1, bytes);
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const unsigned long iterations = strtoul(argv[1], NULL, 10);
  const size_t bytes = strtoul(argv[2], NULL, 10);
  const useconds_t pause = (useconds_t)strtoul(argv[3], NULL, 10) * 1000;
  if (argc > 4 && strcmp(argv[4], "stubborn") == 0) signal(SIGTERM, SIG_IGN);
  if (argc > 4 && strcmp(argv[4], "remove") == 0 && unlink(argv[0]) != 0) return 2;
  if (argc > 5 && strcmp(argv[4], "replace") == 0 && rename(argv[5], argv[0]) != 0) return 2;
  for (unsigned long i = 0; i < iterations; ++i) {
    leak(bytes);
    if (leakhunt_iteration) leakhunt_iteration(i);
    if (pause != 0) usleep(pause);
  }
  printf("%lu steps\n", iterations);
  return 0;
}
