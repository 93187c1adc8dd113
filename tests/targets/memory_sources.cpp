// Claim: whatever gives memory is counted, under the tag that was current, and answers as it would without
// us.
//
//   memory_sources calls     the malloc family and every C++ operator, in four threads; prints "TAG
//                            allocations bytes frees bytes" for each tag
//   memory_sources libc      what libc allocates for its callers: "TAG allocations", at least so many
//   memory_sources break     brk and sbrk, as `calls`
//   memory_sources corners   what the functions answer to odd requests, and errno after each
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <string>
#include <thread>
#include <vector>

#include "instrument/leakhunt.hpp"

namespace {

constexpr size_t kRounds = 500;

// --- calls

void count_c() {
  const leakhunt::TagScope scope(leakhunt::tag("c"));
  for (size_t i = 1; i <= kRounds; ++i) {
    void* blocks[8] = {malloc(i),       calloc(i, 3), realloc(nullptr, i), aligned_alloc(64, 64 * i),
                       memalign(32, i), nullptr,      valloc(i),           reallocarray(nullptr, i, 2)};
    if (posix_memalign(&blocks[5], 128, i) != 0) abort();
    blocks[2] = realloc(blocks[2], 2 * i);
    if (i % 2 == 0) blocks[0] = realloc(blocks[0], i);
    memset(blocks[0], 1, malloc_usable_size(blocks[0]));  // all of it may be used
    for (void* block : blocks) free(block);
    free(nullptr);
  }
}

void count_cpp() {
  const leakhunt::TagScope scope(leakhunt::tag("cpp"));
  constexpr std::align_val_t kAligned{64};
  for (size_t i = 1; i <= kRounds; ++i) {
    void* block = operator new(i);
    operator delete(block);
    block = operator new(i);
    operator delete(block, i);
    block = operator new[](i);
    operator delete[](block);
    block = operator new[](i);
    operator delete[](block, i);
    block = operator new(64 * i, kAligned);
    operator delete(block, kAligned);
    block = operator new[](64 * i, kAligned);
    operator delete[](block, kAligned);
    block = operator new(64 * i, kAligned);
    operator delete(block, 64 * i, kAligned);
    block = operator new(i, std::nothrow);
    operator delete(block);
    block = operator new[](i, std::nothrow);
    operator delete[](block);
  }
}

// One thread's last blocks, freed by main.
void* left_over[4];

void in_thread(size_t thread) {
  count_c();
  count_cpp();
  const leakhunt::TagScope scope(leakhunt::tag("handed_over"));
  left_over[thread] = thread % 2 == 0 ? malloc(1000) : operator new(1000);
}

int calls() {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i) threads.emplace_back(in_thread, i);
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < 4; ++i) i % 2 == 0 ? free(left_over[i]) : operator delete(left_over[i]);
  const size_t sum = kRounds * (kRounds + 1) / 2;
  const size_t even = (kRounds / 2) * (kRounds / 2 + 1);  // 2 + 4 + ... + kRounds
  const size_t c_calls = 4 * (kRounds * 9 + kRounds / 2);
  const size_t c_bytes = 4 * (sum * (1 + 3 + 1 + 2 + 64 + 1 + 1 + 1 + 2) + even);
  const size_t cpp_calls = 4 * kRounds * 9;
  const size_t cpp_bytes = 4 * sum * (6 + 3 * 64);
  printf("c %zu %zu %zu %zu\n", c_calls, c_bytes, c_calls, c_bytes);
  printf("cpp %zu %zu %zu %zu\n", cpp_calls, cpp_bytes, cpp_calls, cpp_bytes);
  printf("handed_over 4 4000 4 4000\n");
  return 0;
}

// --- libc

template <typename Call>
void count_libc(const char* name, size_t at_least, Call call) {
  {
    const leakhunt::TagScope scope(leakhunt::tag(name));
    call();
  }
  printf("%s %zu\n", name, at_least);
}

int libc() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  count_libc("strdup", 1, [] { free(strdup("text")); });
  count_libc("strndup", 1, [] { free(strndup("text", 2)); });
  count_libc("asprintf", 1, [] {
    char* text = nullptr;
    if (asprintf(&text, "%0200d", 7) == 200) free(text);
  });
  count_libc("getline", 2, [] {  // the stream's buffer, or the stream, and the line
    FILE* file = fopen("/proc/self/maps", "r");
    char* line = nullptr;
    size_t size = 0;
    if (file == nullptr || getline(&line, &size, file) < 0) abort();
    free(line);
    fclose(file);
  });
  count_libc("open_memstream", 2, [] {
    char* text = nullptr;
    size_t size = 0;
    FILE* stream = open_memstream(&text, &size);
    for (int i = 0; i < 1000; ++i) fprintf(stream, "%d", i);
    fclose(stream);
    free(text);
  });
  count_libc("realpath", 1, [] { free(realpath("/proc/..", nullptr)); });
  return 0;
}

// --- break

int move_break() {
  char* before = static_cast<char*>(sbrk(0));
  char* given = static_cast<char*>(sbrk(10'001));
  if (given != before) return 1;
  memset(given, 1, 10'001);
  if (sbrk(-4'001) != given + 10'001) return 2;
  if (brk(given + 8'000) != 0 || sbrk(0) != given + 8'000) return 3;
  if (brk(given + 5'000) != 0) return 4;
  if (sbrk(INTPTR_MAX) != reinterpret_cast<void*>(-1) || errno != ENOMEM) return 5;
  // 10,001 - 4,001 + 2,000 - 3,000. The last step takes all of the second piece and a part of the first.
  printf("mapping 2 12001 1 7001\n");
  return 0;
}

// --- corners

void say(const char* what, const void* result) {
  printf("%s: %s, %s\n", what, result == nullptr ? "null" : "a block", strerrorname_np(errno));
  errno = E2BIG;
}

int corners() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  volatile size_t huge = SIZE_MAX - 100;
  volatile size_t half = SIZE_MAX / 2 + 2;
  volatile size_t large = size_t{1} << 46;
  errno = E2BIG;
  void* block = malloc(0);
  say("malloc(0)", block);
  free(block);
  say("free", block);
  free(nullptr);
  say("free(null)", nullptr);
  say("malloc(huge)", malloc(huge));
  say("malloc(2^46)", malloc(large));
  say("calloc that overflows", calloc(half, 2));
  say("reallocarray that overflows", reallocarray(nullptr, half, 2));
  block = malloc(100);
  say("realloc(block, huge)", realloc(block, huge));
  memset(block, 7, 100);
  say("reallocarray(block, overflow)", reallocarray(block, half, 2));
  say("realloc(block, 0)", realloc(block, 0));
  say("realloc(null, 0)", block = realloc(nullptr, 0));
  free(block);
  say("aligned_alloc(3, 8)", block = aligned_alloc(3, 8));
  free(block);
  say("aligned_alloc(huge)", aligned_alloc(64, huge));
  for (const size_t alignment : {size_t{0}, size_t{4}, size_t{24}, size_t{16}}) {
    block = &block;
    const int error = posix_memalign(&block, alignment, 100);
    printf("posix_memalign(%zu): %s, %s\n", alignment, error == 0 ? "0" : strerrorname_np(error),
           block == &block ? "untouched" : "a block");
    if (error == 0) free(block);
  }
  printf("posix_memalign(huge): %s\n", strerrorname_np(posix_memalign(&block, 64, huge)));
  say("valloc(huge)", valloc(huge));
  say("pvalloc(huge)", pvalloc(huge));
  try {
    say("new huge", operator new(huge));
  } catch (const std::bad_alloc&) {
    printf("new huge: bad_alloc\n");
  }
  say("new(nothrow) huge", operator new(huge, std::nothrow));
  say("new 0", block = operator new(0));
  operator delete(block);
  errno = E2BIG;
  free(malloc(1 << 20));  // unmapped by libc
  say("free of a mapping", nullptr);
  say("mmap of nothing",
      mmap(nullptr, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? nullptr : &block);
  printf("munmap of an odd address: %d, %s\n", munmap(reinterpret_cast<void*>(1), 1), strerrorname_np(errno));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "calls") return calls();
  if (what == "libc") return libc();
  if (what == "break") return move_break();
  if (what == "corners") return corners();
  return 2;
}
