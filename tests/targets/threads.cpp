// Claim: what each thread allocates is known in closed form, and a thread is with the tracker what it is
// without.
//
//   threads at_once N   N threads that wait for each other; thread k (from 1) is called w<k>, touches k * 16
//                       KiB of its stack, allocates 10 * k blocks of 16 bytes and frees all but k
//   threads short N     N threads one after the other; each allocates 3 blocks of 32 bytes and frees 2
//   threads leak N I    N threads; each keeps one more block of 48 bytes in each of I iterations
//   threads cpp         two std::threads that run named functions
//   threads semantics   prints what a program can see of its threads
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "instrument/leakhunt.hpp"

namespace {

pthread_barrier_t everybody;

__attribute__((noinline)) void touch_stack(size_t bytes) {
  volatile char* pages = static_cast<volatile char*>(__builtin_alloca(bytes));
  for (size_t i = 0; i < bytes; i += 512) pages[i] = 1;
}

__attribute__((noinline)) void* allocate_ten_times(void* argument) {
  const size_t k = reinterpret_cast<uintptr_t>(argument);
  pthread_setname_np(pthread_self(), ("w" + std::to_string(k)).c_str());
  touch_stack(k * (16 << 10));
  for (size_t i = 0; i < 10 * k; ++i) {
    void* volatile block = malloc(16);
    if (i >= k) free(block);
  }
  pthread_barrier_wait(&everybody);
  pthread_barrier_wait(&everybody);
  return argument;
}

int at_once(size_t count) {
  std::vector<pthread_t> threads(count);
  pthread_barrier_init(&everybody, nullptr, static_cast<unsigned>(count) + 1);
  for (size_t k = 1; k <= count; ++k) {
    if (pthread_create(&threads[k - 1], nullptr, allocate_ten_times, reinterpret_cast<void*>(k)) != 0)
      return 1;
  }
  pthread_barrier_wait(&everybody);
  leakhunt::iteration(0);
  pthread_barrier_wait(&everybody);
  for (size_t k = 1; k <= count; ++k) {
    void* result = nullptr;
    pthread_join(threads[k - 1], &result);
    if (reinterpret_cast<uintptr_t>(result) != k) return 2;
  }
  return 0;
}

__attribute__((noinline)) void* keep_one_of_three(void*) {
  void* volatile blocks[3] = {malloc(32), malloc(32), malloc(32)};
  free(blocks[0]);
  free(blocks[2]);
  return nullptr;
}

int one_after_the_other(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, keep_one_of_three, nullptr) != 0) return 1;
    pthread_join(thread, nullptr);
  }
  leakhunt::iteration(0);
  return 0;
}

size_t rounds = 0;

__attribute__((noinline)) void* keep_one_each_iteration(void*) {
  for (size_t i = 0; i < rounds; ++i) {
    pthread_barrier_wait(&everybody);
    [[maybe_unused]] void* volatile block = malloc(48);
    pthread_barrier_wait(&everybody);
  }
  return nullptr;
}

int leak(size_t count, size_t iterations) {
  rounds = iterations;
  std::vector<pthread_t> threads(count);
  pthread_barrier_init(&everybody, nullptr, static_cast<unsigned>(count) + 1);
  for (pthread_t& thread : threads) {
    if (pthread_create(&thread, nullptr, keep_one_each_iteration, nullptr) != 0) return 1;
    pthread_setname_np(thread, "leaker");
  }
  for (size_t i = 0; i < iterations; ++i) {
    pthread_barrier_wait(&everybody);
    pthread_barrier_wait(&everybody);
    leakhunt::iteration(i);
  }
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  return 0;
}

__attribute__((noinline)) void brew(int pots) {
  for (int i = 0; i < pots; ++i) free(malloc(static_cast<size_t>(i) + 1));
}

int cpp() {
  std::thread first(brew, 3);
  std::thread second([] { brew(4); });
  first.join();
  second.join();
  return 0;
}

// --- semantics

struct AllocatesAtItsEnd {
  char* text = static_cast<char*>(malloc(100));
  ~AllocatesAtItsEnd() {
    free(text);
    free(malloc(50));
    printf("thread_local destroyed\n");
  }
};
thread_local AllocatesAtItsEnd at_end;

void* uses_thread_local(void* argument) {
  at_end.text[0] = 'x';
  free(strerror(77'777) != nullptr ? malloc(1) : nullptr);  // libc keeps its text until the thread has ended
  pthread_exit(argument);
}

void* waits_to_be_cancelled(void*) {
  pthread_cleanup_push([](void*) { printf("cleanup\n"); }, nullptr);
  for (;;) pause();
  pthread_cleanup_pop(0);
  return nullptr;
}

sem_t detached_ran;
void* says_it_ran(void*) {
  sem_post(&detached_ran);
  return nullptr;
}

void* looks_at_its_stack(void* argument) {
  pthread_attr_t own;
  pthread_getattr_np(pthread_self(), &own);
  void* begin = nullptr;
  size_t bytes = 0;
  size_t guard = 0;
  pthread_attr_getstack(&own, &begin, &bytes);
  pthread_attr_getguardsize(&own, &guard);
  pthread_attr_destroy(&own);
  const char here = 0;
  const size_t used = static_cast<size_t>(static_cast<char*>(begin) + bytes - &here);
  printf("stack %zu, guard %zu, given %d, little used %d\n", bytes, guard, begin == argument, used < 16'384);
  return nullptr;
}

int semantics() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  pthread_t thread;
  void* result = nullptr;
  pthread_create(&thread, nullptr, uses_thread_local, reinterpret_cast<void*>(uintptr_t{42}));
  pthread_join(thread, &result);
  printf("result %zu\n", reinterpret_cast<uintptr_t>(result));

  pthread_create(&thread, nullptr, waits_to_be_cancelled, nullptr);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("cancelled %d\n", result == PTHREAD_CANCELED);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sem_init(&detached_ran, 0, 0);
  errno = 0;
  printf("detached %d\n", pthread_create(&thread, &attributes, says_it_ran, nullptr));
  sem_wait(&detached_ran);

  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 300 << 10);
  pthread_attr_setguardsize(&attributes, 16 << 10);
  pthread_create(&thread, &attributes, looks_at_its_stack, nullptr);
  pthread_join(thread, nullptr);
  void* own_stack = aligned_alloc(4096, 128 << 10);
  pthread_attr_setstack(&attributes, own_stack, 128 << 10);
  pthread_create(&thread, &attributes, looks_at_its_stack, own_stack);
  pthread_join(thread, nullptr);
  free(own_stack);

  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, size_t{1} << 46);
  errno = 1234;
  printf("too large: %s, errno %d\n",
         strerrorname_np(pthread_create(&thread, &attributes, says_it_ran, nullptr)), errno);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const size_t first = argc > 2 ? strtoull(argv[2], nullptr, 10) : 1;
  const size_t second = argc > 3 ? strtoull(argv[3], nullptr, 10) : 1;
  if (what == "at_once") return at_once(first);
  if (what == "short") return one_after_the_other(first);
  if (what == "leak") return leak(first, second);
  if (what == "cpp") return cpp();
  if (what == "semantics") return semantics();
  return 2;
}
