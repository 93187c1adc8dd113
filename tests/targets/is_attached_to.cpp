// Claim: a program that leakhunt attaches to, and leaves again, notices nothing.
//
//   is_attached_to leaks             one thread: every 0.2 ms a block of 48 bytes that grow_later() keeps,
//   and work
//                                    that is given back
//   is_attached_to threads N         N threads and the first one allocate, fill, check and free, with hardly
//   a
//                                    pause, while every one of them is sent signals (SIGRTMIN) that it counts
//   is_attached_to holds             every millisecond a block of 1777 bytes; what holds them was made before
//   is_attached_to waits WHERE       in read, sleep, epoll, poll, futex, pause or sigsuspend; says what it
//   came
//                                    back with, and whether it took as long as it should
//
// It ends by itself: leaks and threads when a line comes on stdin or that is closed, waits when what it waits
// for comes (a byte on stdin, SIGUSR1, its time). "ready" is printed first. Status 7 when all its checks were
// right.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace {

constexpr int kAllRight = 7;
constexpr int kWrong = 8;

bool is_over() {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  return poll(&in, 1, 0) > 0;
}

void say_ready() {
  puts("ready");
  fflush(stdout);
}

// --- leaks

struct Entry {
  Entry* next;
  char payload[40];
};
Entry* kept = nullptr;

__attribute__((noinline)) void grow_later() {
  Entry* entry = static_cast<Entry*>(malloc(sizeof(Entry)));
  entry->next = kept;
  kept = entry;
}

__attribute__((noinline)) size_t work_that_is_given_back() {
  std::vector<std::string> lines;
  for (size_t i = 0; i < 5; ++i) lines.emplace_back(100 + i, 'x');
  return lines.size();
}

int leaks() {
  void* before[1000];
  for (void*& block : before) block = malloc(1000);
  say_ready();
  size_t freed = 0;
  while (!is_over()) {
    grow_later();
    if (work_that_is_given_back() != 5) return kWrong;
    if (freed < 100) free(before[freed++]);
    usleep(200);
  }
  return kAllRight;
}

// --- holds

struct Slots {
  void* of[10'000];
};

int holds() {
  Slots** slots = static_cast<Slots**>(malloc(sizeof(Slots*)));
  *slots = static_cast<Slots*>(calloc(1, sizeof(Slots)));
  say_ready();
  for (size_t i = 0; !is_over(); ++i) {
    if (i < 10'000) (*slots)->of[i] = malloc(1777);
    usleep(1000);
  }
  return kAllRight;
}

// --- threads

volatile bool threads_end = false;
volatile bool signals_end = false;
volatile sig_atomic_t signals = 0;
uint64_t handled = 0;

void count_signal(int) {
  signals = signals + 1;
  __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
}

// Every block holds its own address, and is as its thread left it. Signals that were queued are all handled.
void* allocate_furiously(void* seed) {
  const bool is_first = seed == nullptr;
  uint64_t random = reinterpret_cast<uintptr_t>(seed) * 2654435761u + 1;
  std::vector<uintptr_t*> blocks(200, nullptr);
  for (uint64_t round = 1; !threads_end && !(is_first && signals_end); ++round) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    uintptr_t*& block = blocks[(random >> 33) % blocks.size()];
    if (block != nullptr && *block != reinterpret_cast<uintptr_t>(block)) abort();
    const size_t bytes = 8 + (random >> 50) % 2000;
    if ((random >> 20) % 4 == 0 && block != nullptr) {
      block = static_cast<uintptr_t*>(realloc(block, bytes));
    } else {
      free(block);
      block = static_cast<uintptr_t*>(malloc(bytes));
    }
    *block = reinterpret_cast<uintptr_t>(block);
    if (round % 200 == 0) usleep(100);
    if (is_first && round % 200 == 0) signals_end = is_over();
  }
  for (uintptr_t* block : blocks) free(block);
  return nullptr;
}

// How many it could queue. The threads outlive it, by long enough to handle them.
void* send_signals(void* threads) {
  uintptr_t sent = 0;
  while (!signals_end) {
    for (const pthread_t thread : *static_cast<std::vector<pthread_t>*>(threads)) {
      if (pthread_kill(thread, SIGRTMIN) == 0) ++sent;
    }
    usleep(500);
  }
  return reinterpret_cast<void*>(sent);
}

int threads(uintptr_t count) {
  struct sigaction action {};
  action.sa_handler = count_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGRTMIN, &action, nullptr);
  std::vector<pthread_t> all(count);
  for (uintptr_t i = 0; i < count; ++i)
    pthread_create(&all[i], nullptr, allocate_furiously, reinterpret_cast<void*>(i + 1));
  pthread_t sender{};
  pthread_create(&sender, nullptr, send_signals, &all);
  say_ready();
  allocate_furiously(nullptr);
  void* sent = nullptr;
  pthread_join(sender, &sent);
  usleep(100'000);  // the last ones are handled
  threads_end = true;
  for (pthread_t& each : all) pthread_join(each, nullptr);
  return handled == reinterpret_cast<uintptr_t>(sent) ? kAllRight : kWrong;
}

// --- waits

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

constexpr double kSleep = 2.0;
long wait_in(const std::string& where) {
  char byte = 0;
  if (where == "read") return read(STDIN_FILENO, &byte, 1);
  if (where == "poll") {
    pollfd in{STDIN_FILENO, POLLIN, 0};
    return poll(&in, 1, 20'000);
  }
  if (where == "epoll") {
    const int set = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(set, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    return epoll_wait(set, &event, 1, -1);
  }
  if (where == "futex") {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    pthread_mutex_lock(&mutex);
    const int result = pthread_cond_timedwait(&condition, &mutex, &until);
    return result == ETIMEDOUT ? 0 : -1;
  }
  if (where == "pause") return pause();
  if (where == "sigsuspend") {
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none);
  }
  const timespec sleep{2, 0};
  timespec left{};
  return nanosleep(&sleep, &left);
}

int waits(const std::string& where) {
  struct sigaction action {};
  action.sa_handler = count_signal;
  sigaction(SIGUSR1, &action, nullptr);
  if (where == "sigsuspend") {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
  }
  say_ready();
  errno = 0;
  const double begin = now();
  const long result = wait_in(where);
  const int error = errno;
  const double waited = now() - begin;
  printf("result %ld errno %d signals %d\n", result, error, static_cast<int>(signals));
  const bool is_for_a_time = where == "sleep" || where == "futex";
  // Not shorter; and not as if it had begun anew, which would be half as long again.
  const bool as_long = !is_for_a_time || (waited > kSleep - 0.01 && waited < kSleep + 1.0);
  if (!as_long) printf("took %.3f s\n", waited);
  const bool by_signal = where == "pause" || where == "sigsuspend";
  const bool is_right = by_signal ? result == -1 && error == EINTR && signals > 0 : result >= 0 && error == 0;
  return is_right && as_long ? kAllRight : kWrong;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "leaks";
  if (what == "holds") return holds();
  if (what == "threads") return threads(argc > 2 ? strtoul(argv[2], nullptr, 10) : 8);
  if (what == "waits") return waits(argc > 2 ? argv[2] : "read");
  return leaks();
}
