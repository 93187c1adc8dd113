// A heap graph is taken, and right before the process is copied the thread that takes it is stopped, by a
// child with ptrace, until the other thread
//   allocates    has allocated again: nobody may stand still for as long as somebody else has no processor
//   wakes        has come back from the system call that it waited in, and taken the only pointer to a block
//                into a register: where it stood is not where it is
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "instrument/leakhunt.h"

namespace {

// Between the two processes.
struct Shared {
  std::atomic<bool> seized;
  std::atomic<bool> refused;
  std::atomic<bool> over;
  std::atomic<unsigned long> steps;  // of the other thread
};
Shared* shared;
int ends[2];
uintptr_t kept;

void* allocates(void*) {
  while (!shared->over.load()) {
    free(malloc(64));
    ++shared->steps;
  }
  return nullptr;
}

// Counts its steps with the pointer in a register and nowhere else.
void* wakes(void*) {
  char byte = 0;
  kept = reinterpret_cast<uintptr_t>(malloc(1234));
  shared->steps = 1000;
  if (read(ends[0], &byte, 1) != 1) return nullptr;
  __asm__ volatile(
      "xorl %%r15d, %%r15d\n\t"
      "xchgq %%r15, %0\n"
      "1: lock incq %1\n\t"
      "cmpb $0, %2\n\t"
      "je 1b\n\t"
      "movq %%r15, %0"
      : "+m"(kept), "+m"(*reinterpret_cast<unsigned long*>(&shared->steps))
      : "m"(*reinterpret_cast<bool*>(&shared->over))
      : "r15", "cc", "memory");
  free(reinterpret_cast<void*>(kept));
  return nullptr;
}

bool is_about_to_copy(pid_t process) {
  user_regs_struct registers{};
  return ptrace(PTRACE_GETREGS, process, nullptr, &registers) == 0 && registers.orig_rax == SYS_clone &&
         (registers.rdi & CLONE_UNTRACED) != 0 && (registers.rdi & CLONE_VM) == 0;
}

// The child.
int stop_at_copy(pid_t process) {
  int status = 0;
  if (ptrace(PTRACE_SEIZE, process, nullptr, nullptr) != 0 ||
      ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr) != 0 ||
      waitpid(process, &status, __WALL) != process) {
    shared->refused = true;
    return 1;
  }
  shared->seized = true;
  do {
    if (ptrace(PTRACE_SYSCALL, process, nullptr, nullptr) != 0 ||
        waitpid(process, &status, __WALL) != process)
      return 1;
  } while (!is_about_to_copy(process));
  if (write(ends[1], "x", 1) != 1) return 1;
  const unsigned long before = shared->steps;
  for (int i = 0; i < 20000 && shared->steps < before + 1000; ++i) usleep(1000);
  const bool goes_on = shared->steps >= before + 1000;
  ptrace(PTRACE_DETACH, process, nullptr, nullptr);
  return goes_on ? 0 : 2;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || pipe(ends) != 0) return 1;
  shared = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  const pid_t process = getpid();
  const pid_t child = fork();
  if (child == 0) _exit(stop_at_copy(process));
  while (!shared->seized && !shared->refused) usleep(1000);
  pthread_t thread;
  pthread_create(&thread, nullptr, strcmp(arguments[1], "wakes") == 0 ? wakes : allocates, nullptr);
  while (shared->steps < 1000) usleep(1000);
  usleep(20000);  // it waits
  if (!shared->refused && leakhunt_iteration != nullptr) leakhunt_iteration(0);
  int status = 0;
  waitpid(child, &status, 0);
  shared->over = true;
  pthread_join(thread, nullptr);
  puts(shared->refused ? "not allowed" : WEXITSTATUS(status) == 0 ? "went on" : "stood still");
  return 0;
}
