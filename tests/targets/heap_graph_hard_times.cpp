// Programs that make heap graphs difficult, by their first argument. Each prints what it saw of itself; that
// must be the same with heap graphs and without.
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "instrument/leakhunt.h"

namespace {

void iteration(uint64_t number) {
  if (leakhunt_iteration != nullptr) leakhunt_iteration(number);
}

struct Node {
  Node* next;
  char bytes[56];
};
Node* kept;

void keep_one() {
  Node* node = static_cast<Node*>(malloc(sizeof(Node)));
  node->next = kept;
  kept = node;
}

std::atomic<int> child_signals;

// No child of ours, no SIGCHLD, no descriptor more.
int sees_no_child() {
  signal(SIGCHLD, [](int) { ++child_signals; });
  int children = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    keep_one();
    iteration(i);
    if (waitpid(-1, nullptr, __WALL | WNOHANG) != -1 || errno != ECHILD) ++children;
    usleep(2000);
  }
  if (waitpid(-1, nullptr, __WALL) != -1 || errno != ECHILD) ++children;
  const int descriptor = dup(0);
  printf("children %d signals %d descriptor %d\n", children, child_signals.load(), descriptor);
  return 0;
}

// Ends whoever scans: there is a process of this name.
bool end_scanner() {
  DIR* processes = opendir("/proc");
  bool ended = false;
  for (dirent* entry = readdir(processes); entry != nullptr; entry = readdir(processes)) {
    const int pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    char name[32] = {};
    FILE* file = fopen((std::string("/proc/") + entry->d_name + "/comm").c_str(), "r");
    if (file == nullptr) continue;
    const size_t bytes = fread(name, 1, sizeof name - 1, file);
    fclose(file);
    if (bytes == 0 || strcmp(name, "leakhunt graph\n") != 0) continue;
    // Tests may run beside each other: only one of this very program.
    char mine[256] = {};
    char its[256] = {};
    if (readlink("/proc/self/exe", mine, sizeof mine - 1) < 0) continue;
    if (readlink((std::string("/proc/") + entry->d_name + "/exe").c_str(), its, sizeof its - 1) < 0) continue;
    if (strcmp(mine, its) == 0) ended = kill(pid, SIGKILL) == 0 || ended;
  }
  closedir(processes);
  return ended;
}

int kills_the_scanner() {
  constexpr size_t kBytes = size_t{192} << 20;
  char* large = static_cast<char*>(malloc(kBytes));  // takes a while to scan
  memset(large, 0x55, kBytes);
  iteration(0);
  bool ended = false;
  for (int i = 0; i < 1000 && !ended; ++i) ended = end_scanner();
  iteration(1);
  printf("%s\n", ended ? "killed" : "not there");
  return large[kBytes / 2] == 0x55 ? 0 : 1;
}

std::atomic<bool> over;
void* allocates(void*) {
  uint64_t allocated = 0;
  while (!over.load()) {
    void* block = malloc(64 + allocated % 512);
    memset(block, 0, 64);
    free(block);
    ++allocated;
  }
  return nullptr;
}

int many_threads() {
  constexpr int kThreads = 64;
  pthread_t threads[kThreads];
  for (pthread_t& thread : threads) pthread_create(&thread, nullptr, allocates, nullptr);
  for (uint64_t i = 0; i < 12; ++i) {
    keep_one();
    iteration(i);
  }
  over = true;
  for (pthread_t& thread : threads) pthread_join(thread, nullptr);
  printf("%d threads\n", kThreads);
  return 0;
}

// Children of its own, made while graphs are taken: of the iterations that come faster than a scan, some have
// none.
int forks() {
  int bad = 0;
  for (uint64_t i = 0; i < 60; ++i) {
    keep_one();
    iteration(i);
    const pid_t child = fork();
    if (child == 0) {
      free(malloc(100));
      _exit(7);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7) ++bad;
  }
  printf("bad %d\n", bad);
  return 0;
}

// A list whose head moves on: the last reference to the block before is the head's next.
struct Arena {
  Node* first;
  Node* spare;
};
Arena arena;

int overwrites_next() {
  Node* first = static_cast<Node*>(malloc(128));
  first->next = nullptr;
  arena.first = first;
  for (uint64_t i = 0; i < 40; ++i) {
    Node* node = static_cast<Node*>(malloc(sizeof(Node)));
    node->next = nullptr;
    arena.first->next = node;
    node = nullptr;
    iteration(i);
  }
  return 0;
}

int keeps_a_list() {
  for (uint64_t i = 0; i < 40; ++i) {
    keep_one();
    iteration(i);
  }
  return 0;
}

int is_healthy() {
  for (uint64_t i = 0; i < 100; ++i) {
    free(malloc(100));
    iteration(i);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const struct {
    const char* name;
    int (*run)();
  } kinds[] = {{"sees_no_child", sees_no_child},
               {"kills_the_scanner", kills_the_scanner},
               {"many_threads", many_threads},
               {"forks", forks},
               {"overwrites_next", overwrites_next},
               {"keeps_a_list", keeps_a_list},
               {"is_healthy", is_healthy}};
  for (const auto& kind : kinds) {
    if (count > 1 && strcmp(kind.name, arguments[1]) == 0) return kind.run();
  }
  return 2;
}
