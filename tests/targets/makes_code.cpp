// makes_code [named]: writes a function into memory and calls it; it calls back, and what it calls keeps 3
// blocks of 1000 bytes. With `named` it tells `perf` the function's name, as just-in-time compilers do.
// Claim: the function is in the blocks' stack, as [anonymous code 0x...] or by its name.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

void* volatile kept;

void keep() {
  for (int i = 0; i < 3; ++i) kept = malloc(1000);
}

void tell_perf(const void* code, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
  FILE* map = fopen(path, "w");
  if (map == nullptr) return;
  fprintf(map, "%lx %zx made_at_run_time\n", reinterpret_cast<unsigned long>(code), size);
  fclose(map);
}

}  // namespace

int main(int count, char**) {
  // push rbp; mov rbp, rsp; call rdi; pop rbp; ret
  const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return 1;
  memcpy(page, code, sizeof code);
  if (mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0) return 1;
  if (count > 1) tell_perf(page, sizeof code);
  void (*made)(void (*)()) = nullptr;
  memcpy(&made, &page, sizeof made);
  made(keep);
  puts("made");
  return 0;
}
