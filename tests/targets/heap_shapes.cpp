// Blocks that are held or lost in every way there is, each told by its size: what a heap graph must say of
// them stands in tests/end_to_end/heap_graph_test.cpp. Nothing is freed.
//
// LeakSanitizer and memcheck are asked about the same program.
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <list>
#include <map>
#include <memory>
#include <string>
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

// --- as others write them

// Of the kernel's kind: links point to links.
struct Links {
  Links* next;
  Links* previous;
};
struct Item {
  char bytes[2088];
  Links links;
};
Links items{&items, &items};

void make_items() {
  for (int i = 0; i < 2; ++i) {
    Item* item = static_cast<Item*>(block(sizeof(Item)));
    item->links = {items.next, &items};
    items.next->previous = &item->links;
    items.next = &item->links;
  }
}

// A queue with a pointer to its last link, not to its last block.
struct Message {
  Message* next;
  char bytes[2200];
};
Message* first_message;
Message** last_link = &first_message;

void queue_message() {
  *last_link = static_cast<Message*>(block(sizeof(Message)));
  (*last_link)->next = nullptr;
  last_link = &(*last_link)->next;
}

struct Plain {
  char bytes[96] = {};
};
struct Other {
  char bytes[96] = {};
};
struct PlainBoth : Plain, Other {
  char bytes[2208] = {};
};
struct Shared {
  virtual ~Shared() = default;
  char bytes[96] = {};
};
struct Left : virtual Shared {};
struct Right : virtual Shared {};
struct Diamond : Left, Right {
  char bytes[2384] = {};
};

struct Knot {
  std::shared_ptr<Knot> other;
  char bytes[2584];
};

template <size_t kSize>
struct Value {
  char bytes[kSize] = {};
};

struct Pooled {
  Pooled* next;
  char* text;
};

char* behind_the_end;
uintptr_t tagged;
Other* plain_second;
Shared* virtual_base;
std::weak_ptr<Knot> weak;
char* value_of_counted;
Pooled* in_pool;
uintptr_t hidden_shared_mapping;
pthread_key_t keys[40];  // the last ones are not in glibc's first array

void tie_a_knot(bool keep_weak) {
  auto one = std::make_shared<Knot>();
  auto other = std::make_shared<Knot>();
  one->other = other;
  other->other = one;
  if (keep_weak) weak = one;
}

void lose_containers() {
  auto* lost_list = new std::list<Value<3000>>(2);
  auto* lost_map = new std::map<int, Value<3100>>;
  (*lost_map)[1];
  auto* names = new std::vector<std::string>;
  names->reserve(100);  // 3200
  names->emplace_back(3299, 'x');
  static_cast<void>(lost_list);
}

void lose_what_libc_gave() {
  static_cast<void>(!strdup(std::string(3499, 'x').c_str()));
}

void use_a_pool() {
  char* memory = static_cast<char*>(block(3600));
  for (int i = 0; i < 2; ++i) {
    Pooled* made = new (memory + 64 + i * 64) Pooled{in_pool, static_cast<char*>(block(3704))};
    in_pool = made;
  }
}

void* ends(void*) {
  pthread_setspecific(keys[0], block(3808));  // without a destructor
  void* volatile forgotten = block(3904);
  forgotten = nullptr;
  return forgotten;
}

void* hide_in_shared_memory(size_t size) {
  void* memory = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  point(memory, 512 << 10, block(size));
  return memory;
}

void fill_as_others() {
  make_items();
  queue_message();
  queue_message();
  behind_the_end = static_cast<char*>(block(2304)) + 2304;
  tagged = reinterpret_cast<uintptr_t>(block(2304 + 16)) | 3;
  plain_second = new PlainBoth;  // 2400
  virtual_base = new Diamond;    // 2504
  tie_a_knot(true);              // 2616
  value_of_counted = static_cast<char*>(block(2816)) + 16;
  lose_containers();
  lose_what_libc_gave();
  use_a_pool();
  hidden_shared_mapping = reinterpret_cast<uintptr_t>(hide_in_shared_memory(4008)) ^ kMask;
  pthread_setspecific(keys[1], block(4104));
  pthread_setspecific(keys[39], block(4208));
  pthread_t thread;
  pthread_create(&thread, nullptr, ends, nullptr);
  pthread_join(thread, nullptr);
}

// A block at the beginning of a page, with a freed one behind it. In glibc's list of free chunks lies the
// address at which the freed one begins, and that is within the block's last word: it holds nothing.
char* kept_behind;
void lose_in_front_of_a_freed_block() {
  constexpr size_t kSize = 4416 - 8;  // all of a chunk
  for (int tries = 0; tries < 100; ++tries) {
    char* lost = static_cast<char*>(memalign(4096, kSize));
    char* behind = static_cast<char*>(malloc(2 * kSize));
    kept_behind = static_cast<char*>(malloc(16));  // so that the freed one is not joined with what is free
    const bool beside = behind == lost + 4416;
    free(behind);
    if (beside || tries == 99) return;
    free(lost);
    free(kept_behind);
  }
}

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
  for (pthread_key_t& key : keys) pthread_key_create(&key, nullptr);
  fill_as_others();
  lose_in_front_of_a_freed_block();
  scrub();
  return 0;
}
