// counting_resource: the heap, with its live bytes and blocks counted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory_resource>

namespace leakhunt::trainer {

class CountingResource final : public std::pmr::memory_resource {
 public:
  std::size_t live_bytes() const { return live_bytes_; }
  std::size_t live_blocks() const { return live_blocks_; }
  std::uint64_t allocations() const { return allocations_; }
  std::size_t peak_bytes() const { return peak_bytes_; }
  std::size_t largest_block() const { return largest_block_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    live_bytes_ += bytes;
    ++live_blocks_;
    ++allocations_;
    peak_bytes_ = std::max(peak_bytes_, live_bytes_);
    largest_block_ = std::max(largest_block_, bytes);
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    live_bytes_ -= bytes;
    --live_blocks_;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t live_bytes_ = 0;
  std::size_t live_blocks_ = 0;
  std::uint64_t allocations_ = 0;
  std::size_t peak_bytes_ = 0;
  std::size_t largest_block_ = 0;
};

}  // namespace leakhunt::trainer
