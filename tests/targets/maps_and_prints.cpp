// Takes memory once in EVERY lines that it prints, and nothing else: maps_and_prints LINES EVERY
// keep|unmap|brk|realloc [fork]. Waits until each line was read, as long as that is a pipe. With `fork` it
// is a child that does all this.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr size_t kBytes = 64 << 10;

void* take(const char* how) {
  if (strcmp(how, "brk") == 0) return sbrk(kBytes);
  if (strcmp(how, "realloc") == 0) return realloc(nullptr, kBytes);  // as Lua's allocator does
  return mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void wait_until_read() {
  const timespec moment{0, 100'000};
  int bytes = 0;
  do {
    nanosleep(&moment, nullptr);
  } while (ioctl(STDOUT_FILENO, FIONREAD, &bytes) == 0 && bytes > 0);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4 && count != 5) return 2;
  if (count == 5 && fork() != 0) return wait(nullptr) < 0 ? 1 : 0;
  const long lines = atol(arguments[1]);
  const long every = atol(arguments[2]);
  for (long i = 0; i < lines; ++i) {
    if (i % every == 0) {
      void* taken = take(arguments[3]);
      if (strcmp(arguments[3], "unmap") == 0) munmap(taken, kBytes);
    }
    char line[32];
    const int length = snprintf(line, sizeof line, "step %ld\n", i);
    if (write(STDOUT_FILENO, line, static_cast<size_t>(length)) != length) return 1;
    wait_until_read();
  }
  return 0;
}
