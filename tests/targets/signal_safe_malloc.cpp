// Not a program: a malloc to preload, one atomic addition in size, so that a signal handler may call it.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace {

constexpr size_t kBytes = size_t{1} << 30;
alignas(16) char memory[kBytes];
size_t used = 0;

}  // namespace

extern "C" void* malloc(size_t size) {
  const size_t bytes = (size + 31) / 16 * 16;
  const size_t at = __atomic_fetch_add(&used, bytes + 16, __ATOMIC_RELAXED);
  if (at + bytes + 16 > kBytes) return nullptr;
  *reinterpret_cast<size_t*>(memory + at) = size;
  return memory + at + 16;
}

extern "C" void free(void*) {}

extern "C" void* calloc(size_t count, size_t size) {
  return malloc(count * size);  // zero: never used before
}

extern "C" void* realloc(void* block, size_t size) {
  void* larger = malloc(size);
  if (block != nullptr && larger != nullptr) {
    const size_t before = *reinterpret_cast<size_t*>(static_cast<char*>(block) - 16);
    memcpy(larger, block, before < size ? before : size);
  }
  return larger;
}
