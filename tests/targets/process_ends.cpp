// Claim: however a process ends, its exit status or signal is its own, and what was recorded before is
// readable.
//
//   process_ends exit N | _exit N | quick_exit N | abort | segv | fork | vfork_exec | exec PROGRAM ARGS... |
//                exec_fails | return_after_threads
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "instrument/leakhunt.hpp"

namespace {

void* volatile kept;

void allocate(size_t blocks) {
  for (size_t i = 0; i < blocks; ++i) free(malloc(100));
  kept = malloc(1000);
}

// A child allocates and ends on its own; the parent's counters must not notice.
int fork_and_wait() {
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      allocate(10'000);
      leakhunt::iteration(77);  // in no recording
      exit(i);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != i) return 1;
  }
  return 0;
}

int vfork_and_exec() {
  const pid_t child = vfork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "exit 5", static_cast<char*>(nullptr));
    _exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 5 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  const char* how = argv[1];
  const int number = argc > 2 ? atoi(argv[2]) : 0;
  allocate(100);
  leakhunt::iteration(0);
  if (strcmp(how, "exit") == 0) exit(number);
  if (strcmp(how, "_exit") == 0) _exit(number);
  if (strcmp(how, "quick_exit") == 0) quick_exit(number);
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "segv") == 0) raise(SIGSEGV);
  if (strcmp(how, "fork") == 0) return fork_and_wait();
  if (strcmp(how, "vfork_exec") == 0) return vfork_and_exec();
  if (strcmp(how, "exec") == 0) execv(argv[2], argv + 2);
  if (strcmp(how, "exec_fails") == 0) {
    execl("/does/not/exist", "x", static_cast<char*>(nullptr));
    allocate(100);
    return 23;
  }
  if (strcmp(how, "return_after_threads") == 0) {
    for (int i = 0; i < 1000; ++i) std::thread(allocate, 5).join();
    return 0;
  }
  return 65;
}
