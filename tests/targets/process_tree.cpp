// Claim: however a child comes to be, it is recorded by itself: a child of this program allocates in tag
// "child" BLOCKS blocks of 100 bytes and frees every fourth.
//
//   process_tree child BLOCKS                       does just that
//   process_tree HOW BLOCKS                         one child: fork, _fork, forkpty, thread_fork, vfork,
//                                                   spawn, spawnp, system, popen, nested (three generations),
//                                                   clone, sys_fork, sys_clone, sys_clone3, clone_vm,
//                                                   execveat, sys_execve, sys_execveat, fexecve, wordexp
//   process_tree raw BLOCKS                         one child behind libc's back
//   process_tree killed BLOCKS                      one child, which kills itself after its first iteration
//   process_tree threads CHILDREN                   beside 8 threads that allocate all the time
//   process_tree many CHILDREN                      all at once
//   process_tree leaks ITERATIONS                   one child, which loses 64 bytes in each iteration
//   process_tree daemon STOP                        one daemon, which lives until there is a file STOP
//   process_tree pool                               a pool and tags of the parent's are used by a child
//   process_tree run HOW PROGRAM ARGS...            HOW as above: the child becomes PROGRAM
#include <fcntl.h>
#include <linux/sched.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "instrument/leakhunt.hpp"

namespace {

const char* self = nullptr;
void* volatile kept;

void allocate(long blocks, const char* tag = "child") {
  const leakhunt::TagScope scope(leakhunt::tag(tag));
  for (long i = 0; i < blocks; ++i) {
    void* block = malloc(100);
    if (i % 4 == 3) {
      free(block);
    } else {
      kept = block;
    }
  }
}

int wait_for(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 99;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

template <typename Fork, typename Work>
int in_child(Fork fork_somehow, Work work) {
  const pid_t child = fork_somehow();
  if (child != 0) return wait_for(child);
  work();
  exit(0);
}

// --- children that begin with another program

std::string quoted(char** words) {
  std::string line;
  for (; *words != nullptr; ++words) line += std::string(line.empty() ? "'" : " '") + *words + "'";
  return line;
}

int vfork_and_exec(char** words) {
  const pid_t child = vfork();
  if (child == 0) {
    execvp(words[0], words);
    _exit(98);
  }
  return wait_for(child);
}

int spawn(char** words, bool search) {
  pid_t child = 0;
  const int error = search ? posix_spawnp(&child, words[0], nullptr, nullptr, words, environ)
                           : posix_spawn(&child, words[0], nullptr, nullptr, words, environ);
  return error != 0 ? 97 : wait_for(child);
}

int open_pipe(char** words) {
  FILE* output = popen(quoted(words).c_str(), "r");
  if (output == nullptr) return 96;
  char text[256];
  while (fgets(text, sizeof text, output) != nullptr) fputs(text, stdout);
  return WEXITSTATUS(pclose(output));
}

int exec_words(void* words) {
  execvp(*static_cast<char**>(words), static_cast<char**>(words));
  _exit(98);
}

// As vfork, on a stack of its own.
int clone_and_exec(char** words) {
  static char stack[64 << 10];
  return wait_for(clone(exec_words, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, words));
}

// An own system call in the child; `file` is open there.
int exec_by(const char* how, int file, char** words) {
  if (strcmp(how, "execveat") == 0) return execveat(AT_FDCWD, words[0], words, environ, 0);
  if (strcmp(how, "fexecve") == 0) return fexecve(file, words, environ);
  if (strcmp(how, "sys_execve") == 0) return static_cast<int>(syscall(SYS_execve, words[0], words, environ));
  return static_cast<int>(syscall(SYS_execveat, file, "", words, environ, AT_EMPTY_PATH));
}

int fork_and_exec(const char* how, char** words) {
  const int file = open(words[0], O_RDONLY | O_CLOEXEC);
  const pid_t child = fork();
  if (child == 0) {
    exec_by(how, file, words);
    _exit(98);
  }
  close(file);
  return wait_for(child);
}

int expand_words(char** words) {
  wordexp_t expanded{};
  if (wordexp(("$(" + quoted(words) + ")").c_str(), &expanded, 0) != 0) return 93;
  for (size_t i = 0; i < expanded.we_wordc; ++i) puts(expanded.we_wordv[i]);
  wordfree(&expanded);
  return 0;
}

int run(const char* how, char** words) {
  if (strcmp(how, "clone_vm") == 0) return clone_and_exec(words);
  if (strcmp(how, "wordexp") == 0) return expand_words(words);
  for (const char* exec : {"execveat", "sys_execve", "sys_execveat", "fexecve"}) {
    if (strcmp(how, exec) == 0) return fork_and_exec(how, words);
  }
  if (strcmp(how, "vfork") == 0) return vfork_and_exec(words);
  if (strcmp(how, "spawn") == 0) return spawn(words, false);
  if (strcmp(how, "spawnp") == 0) return spawn(words, true);
  if (strcmp(how, "system") == 0) return WEXITSTATUS(system(quoted(words).c_str()));
  if (strcmp(how, "popen") == 0) return open_pipe(words);
  if (strcmp(how, "fork") == 0) return in_child(fork, [&] { execvp(words[0], words); });
  return 64;
}

int run_self(const char* how, const char* blocks) {
  std::string words[] = {self, "child", blocks};
  char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  return run(how, pointers);
}

// --- children by fork

pid_t fork_with_terminal() {
  int terminal = -1;
  return forkpty(&terminal, nullptr, nullptr, nullptr);
}

pid_t fork_by_number() {
  return static_cast<pid_t>(syscall(SYS_fork));
}

pid_t clone_by_number() {
  return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

pid_t clone3_by_number() {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
}

pid_t fork_behind_libc() {
  long result = SYS_fork;
  __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
  return static_cast<pid_t>(result);
}

int clone_and_allocate(long blocks) {
  static char stack[256 << 10];
  const auto work = [](void* count) {
    allocate(*static_cast<long*>(count));
    exit(0);
    return 0;
  };
  return wait_for(clone(work, stack + sizeof stack, SIGCHLD, &blocks));
}

int fork_in_thread(long blocks) {
  int status = 95;
  std::thread([&] {
    const leakhunt::TagScope scope(leakhunt::tag("of the thread"));
    status = in_child(fork, [&] {
      kept = malloc(1000);
      allocate(blocks);
      std::thread([&] { allocate(blocks, "second thread"); }).join();
    });
  }).join();
  return status;
}

int fork_beside_threads(int children) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      std::vector<void*> blocks(64);
      for (size_t n = 0; !stop; ++n) {
        free(blocks[n % 64]);
        blocks[n % 64] = malloc(16 + (n * 37 + static_cast<size_t>(i)) % 2000);
        if (n % 256 == 0) usleep(100);  // otherwise fork waits for whoever was put to sleep in malloc
      }
      for (void* block : blocks) free(block);
    });
  }
  int failed = 0;
  for (int i = 0; i < children; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      allocate(100);
      if (i % 2 == 0) _exit(0);
      exit(0);
    }
    failed += wait_for(child) != 0 ? 1 : 0;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return failed == 0 ? 0 : 1;
}

int many_at_once(int children) {
  std::vector<pid_t> running;
  for (int i = 0; i < children; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      allocate(100);
      exit(0);
    }
    running.push_back(child);
  }
  int failed = 0;
  for (const pid_t child : running) failed += wait_for(child) != 0 ? 1 : 0;
  return failed == 0 ? 0 : 1;
}

void leak(long iterations) {
  for (long i = 0; i < iterations; ++i) {
    kept = malloc(64);
    leakhunt::iteration(static_cast<uint64_t>(i));
  }
}

int be_killed(long blocks) {
  const int status = in_child(fork, [&] {
    allocate(blocks);
    leakhunt::iteration(0);
    raise(SIGKILL);
  });
  return status == 128 + SIGKILL ? 0 : 1;
}

// The parent goes only when the daemon has allocated: it holds the last end of the pipe.
int start_daemon(const char* stop) {
  int ready[2];
  if (pipe(ready) != 0) return 94;
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    allocate(400);
    for (int file = 0; file < 100; ++file) close(file);
    for (int i = 0; i < 3000 && access(stop, F_OK) != 0; ++i) usleep(10'000);
    allocate(400);
    exit(0);
  }
  close(ready[1]);
  char byte = 0;
  while (read(ready[0], &byte, 1) > 0) {
  }
  wait(nullptr);
  return 0;
}

int use_pool() {
  leakhunt_pool* pool = leakhunt_pool_create(leakhunt::tag("pool"));
  for (int i = 0; i < 10; ++i) leakhunt_pool_allocate(pool, 1000);
  return in_child(fork, [&] {
    for (int i = 0; i < 5; ++i) leakhunt_pool_allocate(pool, 10);
    leakhunt_pool_reset(pool);
    for (int i = 0; i < 7; ++i) leakhunt_pool_allocate(pool, 10);
    leakhunt_pool_destroy(pool);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  self = argv[0];
  const char* how = argv[1];
  const char* word = argc > 2 ? argv[2] : "0";
  const int number = atoi(word);
  if (strcmp(how, "child") == 0) return allocate(number), 0;
  if (strcmp(how, "run") == 0) return argc > 3 ? run(word, argv + 3) : 64;
  allocate(10, "parent");
  if (strcmp(how, "fork") == 0) return in_child(fork, [&] { allocate(number); });
  if (strcmp(how, "_fork") == 0) return in_child(_Fork, [&] { allocate(number); });
  if (strcmp(how, "forkpty") == 0) return in_child(fork_with_terminal, [&] { allocate(number); });
  if (strcmp(how, "nested") == 0)
    return in_child(fork, [&] { in_child(fork, [&] { in_child(fork, [&] { allocate(number); }); }); });
  if (strcmp(how, "clone") == 0) return clone_and_allocate(number);
  if (strcmp(how, "sys_fork") == 0) return in_child(fork_by_number, [&] { allocate(number); });
  if (strcmp(how, "sys_clone") == 0) return in_child(clone_by_number, [&] { allocate(number); });
  if (strcmp(how, "sys_clone3") == 0) return in_child(clone3_by_number, [&] { allocate(number); });
  if (strcmp(how, "raw") == 0) return in_child(fork_behind_libc, [&] { allocate(number); });
  if (strcmp(how, "thread_fork") == 0) return fork_in_thread(number);
  if (strcmp(how, "threads") == 0) return fork_beside_threads(number);
  if (strcmp(how, "many") == 0) return many_at_once(number);
  if (strcmp(how, "leaks") == 0) return in_child(fork, [&] { leak(number); });
  if (strcmp(how, "killed") == 0) return be_killed(number);
  if (strcmp(how, "daemon") == 0) return start_daemon(word);
  if (strcmp(how, "pool") == 0) return use_pool();
  return run_self(how, word);
}
