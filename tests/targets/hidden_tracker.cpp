// Claim: a program sees nothing of the tracker: its environment, its descriptors and errno are as without it,
// and it may close every descriptor there is.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instrument/leakhunt.hpp"

int main() {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (strstr(*variable, "leakhunt") != nullptr || strncmp(*variable, "LEAKHUNT_", 9) == 0)
      printf("%s\n", *variable);
  }
  if (getenv("LD_PRELOAD") != nullptr) printf("LD_PRELOAD=%s\n", getenv("LD_PRELOAD"));

  int open_files = 0;
  for (int file = 0; file < 4096; ++file) open_files += fcntl(file, F_GETFD) != -1 ? 1 : 0;
  printf("%d descriptors\n", open_files);

  errno = 1234;
  free(malloc(100'000));
  for (size_t i = 0; i < 10'000; ++i) free(malloc(i));
  leakhunt::iteration(0);
  printf("errno %d\n", errno);

  for (int file = 3; file < 1024; ++file) close(file);
  for (uint64_t i = 1; i < 2000; ++i) {
    void* volatile block = malloc(50 + i);
    free(block);
    leakhunt::iteration(i);
  }
  const int next = open("/dev/null", O_RDONLY);
  printf("next descriptor %d\n", next);
  return 0;
}
