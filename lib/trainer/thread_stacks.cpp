#include "lib/trainer/thread_stacks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace leakhunt::trainer {
namespace {

class MappedStacks final : public std::pmr::memory_resource {
  // [guard page, PROT_NONE | block ....................]
  void* do_allocate(std::size_t bytes, std::size_t /*alignment: a page is more than any*/) override {
    const std::size_t whole = page_ + rounded(bytes);
    void* mapping = mmap(nullptr, whole, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    if (mprotect(mapping, page_, PROT_NONE) != 0) {
      munmap(mapping, whole);
      throw std::bad_alloc();
    }
    return static_cast<std::byte*>(mapping) + page_;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
    munmap(static_cast<std::byte*>(block) - page_, page_ + rounded(bytes));
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t rounded(std::size_t bytes) const { return (bytes + page_ - 1) & ~(page_ - 1); }

  std::size_t page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
};

}  // namespace

std::pmr::memory_resource& mapped_stacks() {
  static MappedStacks stacks;
  return stacks;
}

}  // namespace leakhunt::trainer
