// Keeps 20,000 bytes for every line it prints, for some milliseconds each, and gives all back at its end:
// keeps_and_prints LINES MICROSECONDS
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <memory>
#include <vector>

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const long lines = atol(arguments[1]);
  const timespec pause{0, atol(arguments[2]) * 1000};
  std::vector<std::unique_ptr<char[]>> kept;
  for (long i = 0; i < lines; ++i) {
    kept.push_back(std::make_unique<char[]>(20'000));
    nanosleep(&pause, nullptr);
    printf("step %ld\n", i);
    fflush(stdout);
  }
  return 0;
}
