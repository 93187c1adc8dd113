// A thread waits in a system call with the only pointer to a block in a register that functions must keep:
// the kernel has it, and nobody else. It is used and freed afterwards. What earlier calls left below the
// stack pointer may have it as well; not if there is an argument.
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "instrument/leakhunt.h"

namespace {

int ends[2];
long wiped = 16;  // words right below the stack pointer, which may be a function's own
std::atomic<long> reader;

// read(2), with the pointer in rbx and nowhere else.
long read_and_keep(int file, char* byte, uintptr_t* pointer) {
  long result = SYS_read;
  uintptr_t kept = *pointer;
  long word = -wiped;
  *pointer = 0;
  __asm__ volatile(
      "movq %1, %%rbx\n\t"
      "xorl %k1, %k1\n\t"
      "1: movq $0, (%%rsp,%%rcx,8)\n\t"
      "incq %%rcx\n\t"
      "jnz 1b\n\t"
      "syscall\n\t"
      "movq %%rbx, %1\n\t"
      "xorl %%ebx, %%ebx"
      : "+a"(result), "+r"(kept), "+c"(word)
      : "D"(file), "S"(byte), "d"(1L)
      : "rbx", "r11", "cc", "memory");
  *pointer = kept;
  return result;
}

void* read_one(void*) {
  char byte = 0;
  reader = syscall(SYS_gettid);
  uintptr_t pointer = reinterpret_cast<uintptr_t>(malloc(1234));
  const long bytes = read_and_keep(ends[0], &byte, &pointer);
  memset(reinterpret_cast<void*>(pointer), byte, 1234);
  free(reinterpret_cast<void*>(pointer));
  return reinterpret_cast<void*>(bytes);
}

bool waits(long thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/syscall";
  char call[8] = {};
  const int file = open(path.c_str(), O_RDONLY);
  const bool is_read = read(file, call, 2) == 2 && memcmp(call, "0 ", 2) == 0;
  close(file);
  return is_read;
}

}  // namespace

int main(int count, char**) {
  if (count > 1) wiped = 4096;
  pthread_t thread;
  if (pipe(ends) != 0 || pthread_create(&thread, nullptr, read_one, nullptr) != 0) return 1;
  while (reader == 0 || !waits(reader)) usleep(1000);
  for (uint64_t i = 0; i < 2; ++i) {
    if (leakhunt_iteration != nullptr) leakhunt_iteration(i);
    usleep(50000);
  }
  void* bytes = nullptr;
  if (write(ends[1], "x", 1) != 1 || pthread_join(thread, &bytes) != 0) return 1;
  printf("read %ld byte\n", reinterpret_cast<long>(bytes));
  return 0;
}
