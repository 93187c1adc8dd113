// Claim: at unusual moments and under limits of its own making, the program does what it does without us.
//
//   hard_times signals         a timer's handler allocates while main does, with signal_safe_malloc
//   hard_times jumps           leaves a timer's handler by longjmp, out of mmap, munmap and iterations, and
//                              makes threads
//   hard_times nested_maps     maps in a timer's handler while main does
//   hard_times early_and_late  allocates before main, after it, and in the destructors of threads
//   hard_times descriptors     closes and covers every descriptor, opens files again, makes threads
//   hard_times limits          RLIMIT_NOFILE, RLIMIT_FSIZE and RLIMIT_AS of nearly nothing, as it runs
//   hard_times data FILE       has a file of its own as descriptor 2, and may not open others
//   hard_times chroot DIR      goes into an empty directory for good
//   hard_times seccomp         allows itself read, write and exit only
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "instrument/leakhunt.hpp"

namespace {

void allocate(size_t times, uint64_t iteration) {
  for (size_t i = 0; i < times; ++i) {
    void* volatile block = malloc(i % 300 + 1);
    free(block);
  }
  leakhunt::iteration(iteration);
}

// --- signals

volatile size_t handled = 0;
leakhunt_tag_id handlers_tag = 0;

void on_timer(int) {
  const leakhunt::TagScope scope(handlers_tag);
  for (int i = 0; i < 5; ++i) free(malloc(64));
  handled = handled + 1;
}

int signals() {
  handlers_tag = leakhunt::tag("handler");
  struct sigaction action {};
  action.sa_handler = on_timer;
  sigaction(SIGALRM, &action, nullptr);
  itimerval often{{0, 100}, {0, 100}};
  setitimer(ITIMER_REAL, &often, nullptr);
  uint64_t iteration = 0;
  while (handled < 500) {
    void* blocks[20];
    for (void*& block : blocks) block = malloc(100);
    for (void* block : blocks) free(block);
    if (++iteration % 100 == 0) leakhunt::iteration(iteration / 100);
  }
  itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  printf("done\n");
  return 0;
}

// --- handlers that do not come back, or come to the same place

sigjmp_buf back;
volatile int interruptions = 0;

void map_a_page() {
  void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page, 4096);
}

void jump_back(int) {
  interruptions = interruptions + 1;
  siglongjmp(back, 1);
}

void map_again(int) {
  interruptions = interruptions + 1;
  map_a_page();
}

// One interruption at a time: who waits for a lock for good is not thrown out of that by the next one.
int interrupt_maps(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(SIGALRM, &action, nullptr);
  volatile int round = 0;
  while (round < 200) {
    round = round + 1;
    const int before = interruptions;
    if (sigsetjmp(back, 1) == 0) {
      const itimerval once{{0, 0}, {0, 20 + round % 50}};
      setitimer(ITIMER_REAL, &once, nullptr);
      while (interruptions == before) {
        map_a_page();
        leakhunt::iteration(0);
      }
    }
    for (int k = 0; k < 5; ++k) map_a_page();
    leakhunt::iteration(1);
    std::thread([] { map_a_page(), leakhunt::iteration(2); }).join();
  }
  printf("%d\n", interruptions);
  return 0;
}

// --- early and late

void* early = nullptr;

__attribute__((constructor(101))) void first_constructor() {
  early = malloc(11);
  strcpy(static_cast<char*>(early), "early");
}
void before_constructors() {
  free(malloc(7));
}
__attribute__((section(".preinit_array"), used)) void (*const preinit)() = before_constructors;

bool says_late = false;
__attribute__((destructor(101))) void last_destructor() {
  if (!says_late) return;
  char* text = strdup("late\n");
  if (write(1, text, 5) != 5) abort();
  free(text);
  free(early);
}

struct Late {
  std::string text = std::string(100, 'l');
  ~Late() { text += std::string(1000, 'x'); }
};
thread_local Late late;
pthread_key_t key;
int rounds_left = 3;

void again(void*) {  // a destructor that keeps coming, as long as it is let
  free(malloc(33));
  if (--rounds_left > 0) pthread_setspecific(key, &key);
}

int early_and_late() {
  says_late = true;
  pthread_key_create(&key, again);
  std::thread([] {
    late.text += "y";
    pthread_setspecific(key, &key);
  }).join();
  late.text += "z";
  atexit([] { free(malloc(44)); });
  printf("%s %d\n", static_cast<char*>(early), rounds_left);
  return 17;
}

// --- descriptors

int next_descriptor() {
  const int file = open("/dev/null", O_RDONLY);
  if (file >= 0) close(file);
  return file;
}

int descriptors() {
  const int out = dup(1);
  std::string seen = std::to_string(next_descriptor());
  for (int file = 0; file < 1024; ++file) {
    if (file != out) close(file);
  }
  allocate(1000, 0);
  seen += " " + std::to_string(next_descriptor());
  std::thread([] { allocate(1000, 1); }).join();
  const int null = open("/dev/null", O_RDWR);
  for (int file = null + 1; file < 1024; ++file) {
    if (file != out) dup2(null, file);
  }
  for (uint64_t i = 2; i < 500; ++i) allocate(20, i);
  std::thread([] { allocate(1000, 500); }).join();
  close(700);
  seen += " " + std::to_string(next_descriptor()) + "\n";
  return write(out, seen.data(), seen.size()) == static_cast<ssize_t>(seen.size()) ? 0 : 1;
}

// --- limits

void set_limit(__rlimit_resource_t resource, rlim_t value) {
  const rlimit limit{value, value};
  setrlimit(resource, &limit);
}

int limits() {
  allocate(1000, 0);
  set_limit(RLIMIT_NOFILE, 0);
  for (uint64_t i = 1; i < 100; ++i) allocate(100, i);
  set_limit(RLIMIT_FSIZE, 0);
  for (uint64_t i = 100; i < 200; ++i) allocate(100, i);
  set_limit(RLIMIT_AS, 1 << 20);  // less than it has
  for (uint64_t i = 200; i < 5000; ++i) {
    const std::string name = "tag " + std::to_string(i % 50);
    const leakhunt::TagScope scope(leakhunt::tag(name.c_str()));
    allocate(i % 30, i);
  }
  pthread_t thread;
  const int error = pthread_create(
      &thread, nullptr, [](void* same) { return same; }, nullptr);
  if (open("/dev/null", O_RDONLY) >= 0 || errno != EMFILE) return 1;
  return error == EAGAIN ? 30 : error;  // nothing may be written any more, so it is said by the status
}

int keep_data(const char* path) {
  close(2);
  if (open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) != 2) return 1;
  set_limit(RLIMIT_NOFILE, 0);
  for (uint64_t i = 0; i < 5000; ++i) {
    const leakhunt::TagScope scope(leakhunt::tag(("tag " + std::to_string(i % 50)).c_str()));
    allocate(i % 30, i);
  }
  return write(2, "data\n", 5) == 5 ? 0 : 1;
}

// --- shut in

int shut_in(const char* directory) {
  allocate(1000, 0);
  if (chroot(directory) != 0 || chdir("/") != 0) return 77;
  setgid(65534);
  setuid(65534);
  for (uint64_t i = 1; i < 1000; ++i) allocate(100, i);
  std::thread([] { allocate(100, 1000); }).join();
  printf("still here as %u\n", getuid());
  return 0;
}

int restrict_calls() {
  allocate(1000, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) return 77;
  allocate(1000, 1);
  if (write(1, "still here\n", 11) != 11) syscall(SYS_exit, 1);
  syscall(SYS_exit, 5);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "signals") return signals();
  if (what == "jumps") return interrupt_maps(jump_back);
  if (what == "nested_maps") return interrupt_maps(map_again);
  if (what == "early_and_late") return early_and_late();
  if (what == "descriptors") return descriptors();
  if (what == "limits") return limits();
  if (what == "data" && argc > 2) return keep_data(argv[2]);
  if (what == "chroot" && argc > 2) return shut_in(argv[2]);
  if (what == "seccomp") return restrict_calls();
  return 2;
}
