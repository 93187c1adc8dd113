// Claim: whatever mix of allocation calls 8 threads make, the counters of every tag equal a simple model's,
// byte for byte, at every iteration.
//
// Each thread works under a tag of its own and hands a third of its blocks to the next thread, which frees
// them there. At a barrier the main thread marks an iteration and prints the model: "ITERATION TAG
// allocations bytes frees bytes".
//
//   random_mix [SEED] [ROUNDS] [EVENTS PER THREAD AND ROUND]
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <array>
#include <barrier>
#include <mutex>
#include <new>
#include <thread>

#include "instrument/leakhunt.hpp"

namespace {

constexpr size_t kThreads = 8;
constexpr size_t kSlots = 512;
constexpr size_t kPage = 4096;

struct Model {
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t frees = 0;
  uint64_t freed_bytes = 0;
};

enum class How : uint8_t { kNone, kFree, kNew, kNewArray, kNewAligned, kNewArrayAligned, kMapping };

struct Block {
  void* address = nullptr;
  size_t size = 0;  // as counted
  size_t alignment = 0;
  How how = How::kNone;
  size_t owner = 0;  // thread whose tag it carries
};

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545F4914F6CDD1Dull >> 16;
  }
  size_t below(size_t limit) { return next() % limit; }

 private:
  uint64_t state_;
};

std::array<Model, kThreads> heap_model;
std::array<Model, kThreads> mapping_model;
std::array<std::mutex, kThreads> model_locks;  // the model may be slow: the tracker may not

struct Mailbox {
  std::mutex lock;
  std::array<Block, 64> blocks;
  size_t count = 0;
};
std::array<Mailbox, kThreads> mailboxes;

Model& model_of(const Block& block) {
  return (block.how == How::kMapping ? mapping_model : heap_model)[block.owner];
}

void count_allocation(const Block& block) {
  const std::lock_guard guard(model_locks[block.owner]);
  ++model_of(block).allocations;
  model_of(block).allocated_bytes += block.size;
}

void count_free(const Block& block) {
  const std::lock_guard guard(model_locks[block.owner]);
  ++model_of(block).frees;
  model_of(block).freed_bytes += block.size;
}

size_t random_size(Random& random) {
  switch (random.below(8)) {
    case 0:
      return random.below(3);  // 0 is a size too
    case 1:
      return 1 + random.below(200'000);
    default:
      return 1 + random.below(600);
  }
}

void* checked(void* address) {
  if (address == nullptr || address == MAP_FAILED) {
    fprintf(stderr, "random_mix: an allocation failed\n");
    abort();
  }
  return address;
}

Block take_from_heap(Random& random, size_t owner) {
  Block block{nullptr, random_size(random), size_t{16} << random.below(6), How::kFree, owner};
  const size_t size = block.size;
  switch (random.below(9)) {
    case 0:
      block.address = checked(malloc(size));
      break;
    case 1:
      block.size = (size / 7 + 1) * 7;
      block.address = checked(calloc(size / 7 + 1, 7));
      break;
    case 2:
      block.address = checked(realloc(nullptr, size));
      break;
    case 3:
      block.size = (size / 3 + 1) * 3;
      block.address = checked(reallocarray(nullptr, size / 3 + 1, 3));
      break;
    case 4:
      block.address = checked(aligned_alloc(block.alignment, size));
      break;
    case 5:
      if (posix_memalign(&block.address, block.alignment, size) != 0) abort();
      break;
    case 6:
      block.address = checked(memalign(block.alignment, size));
      break;
    case 7:
      block.address = checked(valloc(size));
      break;
    default:
      block.address = checked(pvalloc(size));
      break;
  }
  return block;
}

Block take_from_operators(Random& random, size_t owner) {
  Block block{nullptr, random_size(random), size_t{32} << random.below(6), How::kNew, owner};
  const std::align_val_t alignment{block.alignment};
  const size_t size = block.size;
  switch (random.below(8)) {
    case 0:
      block.address = ::operator new(size);
      break;
    case 1:
      block.address = checked(::operator new(size, std::nothrow));
      break;
    case 2:
      block.address = ::operator new[](size);
      block.how = How::kNewArray;
      break;
    case 3:
      block.address = checked(::operator new[](size, std::nothrow));
      block.how = How::kNewArray;
      break;
    case 4:
      block.address = ::operator new(size, alignment);
      block.how = How::kNewAligned;
      break;
    case 5:
      block.address = checked(::operator new(size, alignment, std::nothrow));
      block.how = How::kNewAligned;
      break;
    case 6:
      block.address = ::operator new[](size, alignment);
      block.how = How::kNewArrayAligned;
      break;
    default:
      block.address = checked(::operator new[](size, alignment, std::nothrow));
      block.how = How::kNewArrayAligned;
      break;
  }
  return block;
}

Block take_mapping(Random& random, size_t owner) {
  Block block{nullptr, (1 + random.below(6)) * kPage, 0, How::kMapping, owner};
  block.address =
      checked(mmap(nullptr, block.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  return block;
}

Block take(Random& random, size_t owner) {
  const size_t kind = random.below(20);
  const Block block = kind == 0   ? take_mapping(random, owner)
                      : kind < 10 ? take_from_heap(random, owner)
                                  : take_from_operators(random, owner);
  count_allocation(block);
  return block;
}

void give_back(Random& random, const Block& block) {
  const bool sized = random.below(2) == 0;
  const std::align_val_t alignment{block.alignment};
  switch (block.how) {
    case How::kNone:
      return;
    case How::kFree:
      free(block.address);
      break;
    case How::kNew:
      sized ? ::operator delete(block.address, block.size) : ::operator delete(block.address);
      break;
    case How::kNewArray:
      sized ? ::operator delete[](block.address, block.size) : ::operator delete[](block.address);
      break;
    case How::kNewAligned:
      sized ? ::operator delete(block.address, block.size, alignment)
            : ::operator delete(block.address, alignment);
      break;
    case How::kNewArrayAligned:
      sized ? ::operator delete[](block.address, block.size, alignment)
            : ::operator delete[](block.address, alignment);
      break;
    case How::kMapping:
      munmap(block.address, block.size);
      break;
  }
  count_free(block);
}

// realloc: the old block is freed, a new one is born under the tag of the thread that asked.
Block resize(Random& random, const Block& old, size_t owner) {
  if (old.how == How::kMapping) {
    Block moved = old;
    moved.size = (1 + random.below(8)) * kPage;
    moved.address = checked(mremap(old.address, old.size, moved.size, MREMAP_MAYMOVE));
    moved.owner = owner;
    count_free(old);
    count_allocation(moved);
    return moved;
  }
  if (old.how != How::kFree) return old;
  if (random.below(10) == 0) {
    count_free(old);
    if (realloc(old.address, 0) != nullptr) abort();
    return {};
  }
  if (random.below(10) == 0) {  // refused: nothing changes
    void* volatile refused = realloc(old.address, PTRDIFF_MAX);
    if (refused != nullptr) abort();
    return old;
  }
  Block moved = old;
  moved.size = 1 + random_size(random);
  moved.owner = owner;
  moved.address = checked(realloc(old.address, moved.size));
  count_free(old);
  count_allocation(moved);
  return moved;
}

// A hole in a mapping of three pages: two pieces are left, of which one block more is counted.
void cut_a_hole(size_t owner) {
  const Block block{checked(mmap(nullptr, 3 * kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
                    3 * kPage, 0, How::kMapping, owner};
  count_allocation(block);
  char* const begin = static_cast<char*>(block.address);
  munmap(begin + kPage, kPage);
  munmap(begin, kPage);
  munmap(begin + 2 * kPage, kPage);
  count_allocation({nullptr, 0, 0, How::kMapping, owner});
  count_free({nullptr, kPage, 0, How::kMapping, owner});
  count_free({nullptr, 2 * kPage, 0, How::kMapping, owner});
}

void refused_requests() {
  void* volatile refused = malloc(PTRDIFF_MAX);
  void* address = nullptr;
  if (refused != nullptr || posix_memalign(&address, 3, 10) == 0) abort();
  refused = calloc(SIZE_MAX / 2, 3);
  if (refused != nullptr) abort();
  try {
    refused = ::operator new(PTRDIFF_MAX);
    abort();
  } catch (const std::bad_alloc&) {
  }
}

bool post(Mailbox& mailbox, const Block& block) {
  const std::lock_guard guard(mailbox.lock);
  if (mailbox.count == mailbox.blocks.size()) return false;
  mailbox.blocks[mailbox.count++] = block;
  return true;
}

Block fetch(Mailbox& mailbox) {
  const std::lock_guard guard(mailbox.lock);
  return mailbox.count != 0 ? mailbox.blocks[--mailbox.count] : Block{};
}

using Slots = std::array<Block, kSlots>;

void one_event(Random& random, Slots& slots, size_t self) {
  Block& slot = slots[random.below(kSlots)];
  switch (random.below(8)) {
    case 0:
      slot = slot.how == How::kNone ? take(random, self) : resize(random, slot, self);
      return;
    case 1:
      if (slot.how != How::kNone && post(mailboxes[(self + 1) % kThreads], slot)) slot = {};
      return;
    case 2:
      give_back(random, fetch(mailboxes[self]));
      return;
    default:
      give_back(random, slot);
      slot = take(random, self);
  }
}

void print_models(size_t round) {
  for (size_t i = 0; i < kThreads; ++i) {
    const Model& heap = heap_model[i];
    const Model& mapped = mapping_model[i];
    printf("%zu mix.%zu %lu %lu %lu %lu\n", round, i, heap.allocations + mapped.allocations,
           heap.allocated_bytes + mapped.allocated_bytes, heap.frees + mapped.frees,
           heap.freed_bytes + mapped.freed_bytes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? strtoull(argv[1], nullptr, 10) : 1;
  const size_t rounds = argc > 2 ? strtoull(argv[2], nullptr, 10) : 5;
  const size_t events = argc > 3 ? strtoull(argv[3], nullptr, 10) : 20'000;

  std::barrier gate(kThreads + 1);
  std::array<std::thread, kThreads> threads;
  for (size_t self = 0; self < kThreads; ++self) {
    threads[self] = std::thread([&, self] {
      static std::array<Slots, kThreads> all_slots;
      char name[16];
      snprintf(name, sizeof name, "mix.%zu", self);
      Random random(seed * kThreads + self);
      for (size_t round = 0; round < rounds; ++round) {
        {
          const leakhunt::TagScope scope(leakhunt::tag(name));
          for (size_t i = 0; i < events; ++i) one_event(random, all_slots[self], self);
          cut_a_hole(self);
        }
        refused_requests();
        gate.arrive_and_wait();  // everybody is quiet
        gate.arrive_and_wait();  // the iteration is marked
      }
    });
  }
  for (size_t round = 0; round < rounds; ++round) {
    gate.arrive_and_wait();
    leakhunt::iteration(round);
    print_models(round);
    gate.arrive_and_wait();
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}
