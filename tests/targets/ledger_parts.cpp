// ledger_parts: memory of every sort, of known size, touched in part. It says what the kernel finds resident,
// "rss BYTES", and how many bytes of each sort it touched, "NAME BYTES", a line each; and ends at once, with
// all of it still there and its threads alive.
//
// ledger_parts [MAPPINGS]: so many mappings more, of which every second has one page touched.
// ledger_parts ended: four threads have ended that nobody joins, and four newer ones live.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "instrument/leakhunt.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMega = 1 << 20;

void touch(void* memory, size_t bytes) {
  for (size_t at = 0; at < bytes; at += kPage) static_cast<volatile char*>(memory)[at] = 1;
}

char* map(size_t bytes, int flags, int file) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (memory == MAP_FAILED) abort();
  return static_cast<char*>(memory);
}

// --- threads whose stacks are touched by 1 MB each

pthread_barrier_t touched;

void* touch_stack(void*) {
  volatile char on_stack[kMega];
  for (size_t at = 0; at < sizeof on_stack; at += kPage) on_stack[at] = 1;
  free(malloc(100));
  pthread_barrier_wait(&touched);
  for (;;) pause();
}

void start_threads(pthread_t* threads, unsigned count) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 4 * kMega);
  pthread_barrier_init(&touched, nullptr, count + 1);
  for (unsigned i = 0; i < count; ++i) pthread_create(&threads[i], &attributes, touch_stack, nullptr);
  pthread_barrier_wait(&touched);
}

pid_t last_to_end;

void* touch_stack_and_end(void*) {
  volatile char on_stack[kMega];
  for (size_t at = 0; at < sizeof on_stack; at += kPage) on_stack[at] = 1;
  free(malloc(100));
  last_to_end = gettid();
  return nullptr;
}

// One after the other; each is gone before the next thread begins.
void end_threads(unsigned count) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 2 * kMega);
  for (unsigned i = 0; i < count; ++i) {
    pthread_t thread;
    last_to_end = 0;
    pthread_create(&thread, &attributes, touch_stack_and_end, nullptr);
    volatile pid_t* const ended = &last_to_end;
    while (*ended == 0 || tgkill(getpid(), *ended, 0) == 0) usleep(1000);
  }
}

// --- the heap

void* tagged(const char* tag, size_t bytes) {
  const bool tracked = leakhunt_tag != nullptr;
  const leakhunt_tag_id previous = tracked ? leakhunt_tag_switch(leakhunt_tag(tag)) : 0;
  void* block = malloc(bytes);
  if (tracked) leakhunt_tag_switch(previous);
  return block;
}

constexpr size_t kSmall = 1000;
constexpr size_t kSmallBlocks = 8192;
void* small_blocks[kSmallBlocks];

// 8 MB of small blocks; the first half goes again: pages in the middle that libc does not give back.
void make_small_blocks() {
  for (void*& block : small_blocks) {
    block = malloc(kSmall);
    memset(block, 1, kSmall);
  }
  for (size_t i = 0; i < kSmallBlocks / 2; ++i) {
    free(small_blocks[i]);
    small_blocks[i] = nullptr;
  }
}

// --- the kernel's word

uint64_t resident_bytes() {
  char text[4096];
  const int file = open("/proc/self/smaps_rollup", O_RDONLY);
  const ssize_t bytes = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  if (bytes <= 0) return 0;
  text[bytes] = '\0';
  const char* rss = strstr(text, "Rss:");
  return rss == nullptr ? 0 : strtoull(rss + 4, nullptr, 10) * 1024;
}

}  // namespace

int main(int count, char** arguments) {
  const size_t mappings = count > 1 ? strtoul(arguments[1], nullptr, 10) : 0;
  // Protections that differ keep the kernel from making one of two neighbours.
  for (size_t i = 0; i < mappings; ++i) {
    char* page = map(kPage, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (i % 2 == 0) page[0] = 1;
    if (i % 2 == 1) mprotect(page, kPage, PROT_READ);
  }
  if (count > 1 && strcmp(arguments[1], "ended") == 0) end_threads(4);
  char name[] = "/tmp/ledger_parts.XXXXXX";
  const int file = mkstemp(name);
  unlink(name);
  if (file < 0 || ftruncate(file, 4 * kMega) != 0) return 1;
  char* written = map(4 * kMega, MAP_SHARED, file);
  touch(written, kMega);
  char* anonymous = map(16 * kMega, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  touch(anonymous, 5 * kMega);
  char* shared = map(4 * kMega, MAP_SHARED | MAP_ANONYMOUS, -1);
  touch(shared, 2 * kMega);
  char* large = static_cast<char*>(tagged("large", 24 * kMega));
  touch(large, 7 * kMega);
  make_small_blocks();
  pthread_t threads[4];
  start_threads(threads, 4);

  static char out[4096];
  setvbuf(stdout, out, _IOFBF, sizeof out);
  const uint64_t rss = resident_bytes();
  printf("rss %llu\nlarge %zu\nsmall %zu\nfreed %zu\nmapped %zu\nwritten %zu\nstacks %zu\n",
         static_cast<unsigned long long>(rss), 7 * kMega, kSmall * kSmallBlocks / 2,
         kSmall * kSmallBlocks / 2, 7 * kMega, kMega, 4 * kMega);
  fflush(stdout);
  _exit(0);
}
