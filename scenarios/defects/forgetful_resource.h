// forgetful_resource: hands on every allocation and no deallocation.
#pragma once

#include <cstddef>
#include <memory_resource>

namespace leakhunt::defects {

class ForgetfulResource final : public std::pmr::memory_resource {
 public:
  explicit ForgetfulResource(std::pmr::memory_resource& upstream) : upstream_(upstream) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return upstream_.allocate(bytes, alignment);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::memory_resource& upstream_;
};

}  // namespace leakhunt::defects
