// Claim: a program that brings a malloc of its own keeps it, for everything that allocates in the process;
// the tracker says that it does not see that heap, and counts the mappings.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <string>

namespace {

alignas(16) char memory[8 << 20];
size_t used = 0;
size_t foreign_frees = 0;

size_t* size_before(void* block) {
  return reinterpret_cast<size_t*>(static_cast<char*>(block) - 16);
}

}  // namespace

extern "C" void* malloc(size_t size) {
  const size_t bytes = (size + 31) / 16 * 16;
  const size_t at = __atomic_fetch_add(&used, bytes + 16, __ATOMIC_RELAXED);
  if (at + bytes + 16 > sizeof memory) return nullptr;
  void* block = memory + at + 16;
  *size_before(block) = size;
  return block;
}

extern "C" void free(void* block) {
  if (block != nullptr && (block < memory || block >= memory + sizeof memory)) ++foreign_frees;
}

extern "C" void* calloc(size_t count, size_t size) {
  return malloc(count * size);  // never used before
}

extern "C" void* realloc(void* block, size_t size) {
  void* larger = malloc(size);
  if (block != nullptr && larger != nullptr) {
    const size_t before = *size_before(block);
    memcpy(larger, block, before < size ? before : size);
  }
  return larger;
}

int main() {
  std::string text;
  for (int i = 0; i < 100; ++i) text += std::to_string(i) + std::string(30, 'x');
  char* copy = strdup(text.c_str());
  const bool mine = copy >= memory && copy < memory + sizeof memory;
  free(copy);
  void* mapped = mmap(nullptr, 3 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("%zu letters, mine %d, foreign frees %zu, mapped %d\n", text.size(), mine, foreign_frees,
         mapped != MAP_FAILED);
  return 0;
}
