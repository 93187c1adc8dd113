// Blocks that are held or lost in every way there is, each told by its size: what a heap graph must say of
// them stands in tests/end_to_end/heap_graph_test.cpp. Nothing is freed.
//
// LeakSanitizer and memcheck are asked about the same program.
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

namespace {

constexpr uintptr_t kMask = 0x5555555555555555;

// Filled, so that no pointer of an earlier owner is left in it.
void* block(size_t size) {
  void* made = malloc(size);
  memset(made, 0x11, size);
  return made;
}

void point(void* from, size_t offset, void* to) {
  memcpy(static_cast<char*>(from) + offset, &to, sizeof to);
}

struct Counted {
  ~Counted() { touched = 0; }
  volatile int touched = 0;
};
struct First {
  virtual ~First() = default;
  char bytes[992] = {};
};
struct Second {
  virtual ~Second() = default;
  char bytes[992] = {};
};
struct Both : First, Second {};

void* list;
void* inner;
std::vector<void*>& numbers = *new std::vector<void*>;
Counted* counted;
Second* second;
void* pool;
uintptr_t hidden_mapping;
uintptr_t hidden;
thread_local void* of_thread;
pthread_barrier_t thread_is_ready;

void make_list() {
  for (int i = 0; i < 3; ++i) {
    void* node = block(1008);
    point(node, 0, list);
    list = node;
  }
}

void lose_a_chain() {
  void* head = block(1104);
  void* middle = block(1120);
  point(head, 8, middle);
  point(middle, 16, block(1136));
}

void lose_a_circle() {
  void* one = block(1312);
  void* other = block(1312);
  point(one, 0, other);
  point(other, 0, one);
}

void lose_a_doubly_linked_pair() {
  void* one = block(1712);
  void* other = block(1712);
  point(one, 0, other);
  point(other, 8, one);
}

// A chunk that mmap gave, with pointers to blocks in it.
void* chunk_of(size_t size) {
  void* chunk = mmap(nullptr, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  point(chunk, 64, block(size));
  return chunk;
}

void* other_thread(void*) {
  void* volatile on_stack = block(1408);
  of_thread = block(1520);
  pthread_barrier_wait(&thread_is_ready);
  for (;;) pause();
  return on_stack;
}

void fill() {
  make_list();
  lose_a_chain();
  inner = static_cast<char*>(block(1200)) + 100;
  lose_a_circle();
  of_thread = block(1504);
  numbers.reserve(200);  // 1600
  numbers.push_back(block(1616));
  lose_a_doubly_linked_pair();
  hidden = reinterpret_cast<uintptr_t>(block(1808)) ^ kMask;
  pool = chunk_of(1904);
  hidden_mapping = reinterpret_cast<uintptr_t>(chunk_of(1920)) ^ kMask;
  counted = new Counted[500];  // 2008, with its length in front
  second = new Both;           // 2000
}

// Writes over what the calls before left below this frame.
void scrub() {
  volatile char space[16384];
  for (volatile char& byte : space) byte = 0;
}

}  // namespace

int main() {
  pthread_barrier_init(&thread_is_ready, nullptr, 2);
  pthread_t thread;
  pthread_create(&thread, nullptr, other_thread, nullptr);
  pthread_barrier_wait(&thread_is_ready);
  fill();
  scrub();
  return 0;
}
