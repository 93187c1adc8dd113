// Nothing is ever lost here: threads hand blocks from registers to stacks, to each other's mailboxes, to
// globals, to other blocks and back, without a word in between, while heap graphs are taken. Some compute and
// never allocate, some do nothing else, some move the holders about with realloc. Whatever a graph calls lost
// is wrong.
//
// At the end every block is freed, and the sum of what was in them printed: it is the same every time.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "instrument/leakhunt.h"

namespace {

constexpr size_t kThreads = 6;
constexpr size_t kBlocks = 64;  // of each thread
constexpr size_t kMailboxes = 32;

struct Item {
  Item* below;
  uint64_t value;
};

std::atomic<Item*> mailboxes[kMailboxes];  // a pointer lies in one of them or with a thread, never in both
bool all_allocate;
std::atomic<bool> over;
std::atomic<uint64_t> sum;
std::atomic<uint64_t> freed;

uint64_t next_random(uint64_t* seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  return *seed ^= *seed << 17;
}

Item* make_chain(uint64_t value) {
  Item* chain = nullptr;
  for (uint64_t i = 0; i < 4; ++i) {
    Item* item = static_cast<Item*>(malloc(sizeof(Item)));
    *item = {chain, value + i};
    chain = item;
  }
  return chain;
}

void free_chain(Item* chain) {
  while (chain != nullptr) {
    Item* const below = chain->below;
    sum += chain->value;
    ++freed;
    free(chain);
    chain = below;
  }
}

// In the register for a while, and nowhere else.
Item* keep_in_hand(Item* item) {
  __asm__ volatile(
      "mov %0, %%r15\n\t"
      "xor %0, %0\n\t"
      "mov $2000, %%ecx\n"
      "1: dec %%ecx\n\t"
      "jnz 1b\n\t"
      "mov %%r15, %0\n\t"
      "xor %%r15d, %%r15d"
      : "+r"(item)
      :
      : "r15", "rcx", "cc", "memory");
  return item;
}

// Held by nobody else: blocks are always taken out of one place and put into another by one instruction.
void* shuffle(void* argument) {
  const uint64_t number = reinterpret_cast<uintptr_t>(argument);
  const bool allocates = number % 3 != 0;
  const bool moves_holders = number % 3 == 2 || all_allocate;
  uint64_t seed = number * 0x9E3779B97F4A7C15u + 1;
  size_t capacity = kBlocks;
  std::atomic<Item*>* own = static_cast<std::atomic<Item*>*>(calloc(capacity, sizeof(Item*)));
  for (size_t i = 0; i < kBlocks; ++i) own[i] = make_chain(number * 1000 + i * 4);
  while (!over) {
    Item* item = own[next_random(&seed) % kBlocks].exchange(nullptr);
    item = mailboxes[next_random(&seed) % kMailboxes].exchange(item);
    item = keep_in_hand(item);
    std::atomic<Item*>& place = own[next_random(&seed) % kBlocks];
    item = place.exchange(item);
    // What was there may not be dropped: to the first place that is empty.
    for (size_t i = 0; item != nullptr; i = (i + 1) % kBlocks) {
      Item* expected = nullptr;
      if (own[i].compare_exchange_strong(expected, item)) item = nullptr;
    }
    if (moves_holders) {
      capacity = kBlocks + next_random(&seed) % 4096;
      void* moved = realloc(static_cast<void*>(own), capacity * sizeof(Item*));
      if (moved == nullptr) abort();
      own = static_cast<std::atomic<Item*>*>(moved);
    } else if (allocates) {
      free(malloc(16 + next_random(&seed) % 64));
    }
  }
  for (size_t i = 0; i < kBlocks; ++i) free_chain(own[i]);
  free(static_cast<void*>(own));
  return nullptr;
}

}  // namespace

int main(int count, char**) {
  all_allocate = count > 1;
  pthread_t threads[kThreads];
  for (uintptr_t i = 0; i < kThreads; ++i)
    pthread_create(&threads[i], nullptr, shuffle, reinterpret_cast<void*>(i));
  for (uint64_t i = 0; i < 40; ++i) {
    if (leakhunt_iteration != nullptr) leakhunt_iteration(i);
    usleep(10000);
  }
  over = true;
  for (pthread_t& thread : threads) pthread_join(thread, nullptr);
  for (std::atomic<Item*>& mailbox : mailboxes) free_chain(mailbox);
  printf("%llu blocks, %llu\n", static_cast<unsigned long long>(freed), static_cast<unsigned long long>(sum));
  return 0;
}
