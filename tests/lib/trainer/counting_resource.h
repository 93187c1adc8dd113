// counting_resource: the heap, with its live bytes and blocks counted, in any number of threads.
#pragma once

#include <atomic>
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
    raise(peak_bytes_, live_bytes_ += bytes);
    raise(largest_block_, bytes);
    ++live_blocks_;
    ++allocations_;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    live_bytes_ -= bytes;
    --live_blocks_;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  static void raise(std::atomic<std::size_t>& largest, std::size_t value) {
    std::size_t seen = largest;
    while (value > seen && !largest.compare_exchange_weak(seen, value)) {
    }
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::atomic<std::size_t> live_bytes_ = 0;
  std::atomic<std::size_t> live_blocks_ = 0;
  std::atomic<std::uint64_t> allocations_ = 0;
  std::atomic<std::size_t> peak_bytes_ = 0;
  std::atomic<std::size_t> largest_block_ = 0;
};

}  // namespace leakhunt::trainer
