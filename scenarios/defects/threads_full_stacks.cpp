// threads-full-stacks: every thread gets a stack of 8 MB, and all of it is touched.
//
// Reserving 8 MB costs nothing; it is the touching that makes them resident. At the start, once: workers x
// 8 MiB, however many of the workers ever run.
#include <cstring>

#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class TouchedStacks final : public std::pmr::memory_resource {
 public:
  explicit TouchedStacks(std::pmr::memory_resource& upstream) : upstream_(upstream) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return std::memset(upstream_.allocate(bytes, alignment), 0xa5, bytes);
  }
  void do_deallocate(void* stack, std::size_t bytes, std::size_t alignment) override {
    upstream_.deallocate(stack, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::memory_resource& upstream_;
};

}  // namespace

void apply_threads_full_stacks(trainer::Seams& seams, std::uint64_t) {
  static TouchedStacks stacks(*seams.memory.threads.stacks);
  seams.memory.threads.stacks = &stacks;
  seams.threads.stack_bytes = 8 * 1024 * 1024;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
