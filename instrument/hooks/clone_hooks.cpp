// Children by clone() and by system calls that go through libc's syscall(): fork, clone and clone3 without
// shared memory behave as fork does, execve and execveat as those of libc. With shared memory a child is one
// of vfork's kind, or a thread: nothing is to be done for it here.
//
// Not seen is a system call by an instruction of the program's own.
//
// syscall() passes on whatever is not of these without a frame, a change of registers or a return of its own:
// a call that returns twice on one stack would find what the child left there. This file is compiled without
// link-time optimisation, which does not see the names that the assembler refers to.
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "instrument/hooks/real_functions.h"
#include "instrument/os/system_call.h"
#include "instrument/runtime.h"

using leakhunt::hooks::ready;
using leakhunt::hooks::real;

namespace {

struct Start {
  int (*routine)(void*);
  void* argument;
};

// In the child, on a copy of what the parent's stack holds.
int begin(void* kept) {
  const Start start = *static_cast<Start*>(kept);
  leakhunt::runtime::in_child_without_handlers();
  return start.routine(start.argument);
}

}  // namespace

LEAKHUNT_HOOK int clone(int (*routine)(void*), void* stack, int flags, void* argument, ...) noexcept {
  ready();
  void* more[3];  // where the child's number goes, its thread's storage, its number again
  va_list rest;
  va_start(rest, argument);
  for (void*& each : more) each = va_arg(rest, void*);
  va_end(rest);
  Start start{routine, argument};
  if (routine == nullptr || (flags & CLONE_VM) != 0 || !leakhunt::runtime::follows_children())
    return real.clone(routine, stack, flags, argument, more[0], more[1], more[2]);
  leakhunt::runtime::before_fork_without_handlers();
  return real.clone(begin, stack, flags, &start, more[0], more[1], more[2]);
}

extern "C" {

__attribute__((visibility("hidden"), used)) long leakhunt_watched_syscall(long number, long a, long b, long c,
                                                                          long d, long e, long f) {
  if (!ready() || real.syscall == nullptr) {  // the loader's own, while it looks up what is behind us
    const long result = leakhunt::tracker::system_call(number, a, b, c, d, e, f);
    if (!leakhunt::tracker::is_error(result)) return result;
    errno = static_cast<int>(-result);
    return -1;
  }
  if (number == SYS_execve) {
    return execve(reinterpret_cast<const char*>(a), reinterpret_cast<char**>(b), reinterpret_cast<char**>(c));
  }
  if (number == SYS_execveat) {
    return execveat(static_cast<int>(a), reinterpret_cast<const char*>(b), reinterpret_cast<char**>(c),
                    reinterpret_cast<char**>(d), static_cast<int>(e));
  }
  const bool forks = number == SYS_fork || number == SYS_clone || number == SYS_clone3;
  if (forks) leakhunt::runtime::before_fork_without_handlers();
  const long result = real.syscall(number, a, b, c, d, e, f);
  if (forks && result == 0) leakhunt::runtime::in_child_without_handlers();
  return result;
}

// Until the real one is known: see resolve().
__attribute__((visibility("hidden"), used)) void* leakhunt_real_syscall =
    reinterpret_cast<void*>(&leakhunt_watched_syscall);

}  // extern "C"

// Of clone and clone3 those are watched that share no memory (CLONE_VM is bit 8 of the flags) and go on with
// the parent's stack.
LEAKHUNT_HOOK __attribute__((naked)) long syscall(long, ...) noexcept {
  __asm__(
      "cmpq $59, %rdi\n\t"  // execve
      "je 2f\n\t"
      "cmpq $322, %rdi\n\t"  // execveat
      "je 2f\n\t"
      "cmpq $57, %rdi\n\t"  // fork
      "je 2f\n\t"
      "cmpq $435, %rdi\n\t"  // clone3(flags..., size)
      "je 3f\n\t"
      "cmpq $56, %rdi\n\t"  // clone(flags, stack...)
      "jne 1f\n\t"
      "testl $0x100, %esi\n\t"
      "jnz 1f\n\t"
      "testq %rdx, %rdx\n\t"
      "jz 2f\n"
      "1:\n\t"
      "jmp *leakhunt_real_syscall(%rip)\n"
      "3:\n\t"
      "testq %rsi, %rsi\n\t"
      "jz 1b\n\t"
      "cmpq $64, %rdx\n\t"  // the least that the kernel takes
      "jb 1b\n\t"
      "testb $1, 1(%rsi)\n\t"
      "jnz 1b\n\t"
      "cmpq $0, 40(%rsi)\n\t"  // the stack
      "jne 1b\n"
      "2:\n\t"
      "jmp leakhunt_watched_syscall");
}
