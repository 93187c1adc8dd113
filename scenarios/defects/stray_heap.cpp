// stray-heap: operations take their scratch from malloc instead of the arena, and forget it.
//
// The operations never give scratch back, because the arena takes everything back at its reset; nobody does
// that here. Per iteration: one small block for each scratch request, from several operations, without a tag,
// unreachable.
#include <stdlib.h>

#include <new>

#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class HeapScratch final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = nullptr;
    if (posix_memalign(&block, alignment, bytes) != 0) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

void apply_stray_heap(trainer::Seams& seams, std::uint64_t) {
  static HeapScratch heap;
  seams.memory.scratch = &heap;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
