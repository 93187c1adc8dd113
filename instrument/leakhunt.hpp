// leakhunt.hpp: the C++ face of leakhunt.h. Header only, and free when no tracker is in the process.
#pragma once

#include <memory_resource>

#include "instrument/leakhunt.h"

namespace leakhunt {

// The id of `name`, or 0 without a tracker.
inline leakhunt_tag_id tag(const char* name) {
  return leakhunt_tag != nullptr ? leakhunt_tag(name) : 0;
}

// Iteration `number` (from 0) has ended.
inline void iteration(uint64_t number) {
  if (leakhunt_iteration != nullptr) leakhunt_iteration(number);
}

// Allocations of this thread carry `tag` for the lifetime of the scope. Scopes nest.
class TagScope {
 public:
  explicit TagScope(leakhunt_tag_id tag)
      : previous_(leakhunt_tag_switch != nullptr ? leakhunt_tag_switch(tag) : 0) {}
  ~TagScope() {
    if (leakhunt_tag_switch != nullptr) leakhunt_tag_switch(previous_);
  }
  TagScope(const TagScope&) = delete;
  TagScope& operator=(const TagScope&) = delete;

 private:
  leakhunt_tag_id previous_;
};

// A memory resource whose allocations carry a tag; the bytes come from `upstream`, which must outlive it.
class TaggedResource final : public std::pmr::memory_resource {
 public:
  explicit TaggedResource(const char* name,
                          std::pmr::memory_resource* upstream = std::pmr::new_delete_resource())
      : tag_(tag(name)), upstream_(upstream) {}

 private:
  void* do_allocate(size_t bytes, size_t alignment) override {
    const TagScope scope(tag_);
    return upstream_->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, size_t bytes, size_t alignment) override {
    upstream_->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  leakhunt_tag_id tag_;
  std::pmr::memory_resource* upstream_;
};

// The sub-allocations of one custom allocator; see "pool" in leakhunt.h.
class Pool {
 public:
  explicit Pool(leakhunt_tag_id tag)
      : pool_(leakhunt_pool_create != nullptr ? leakhunt_pool_create(tag) : nullptr) {}
  ~Pool() {
    if (pool_ != nullptr) leakhunt_pool_destroy(pool_);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void allocated(size_t size) {
    if (pool_ != nullptr) leakhunt_pool_allocate(pool_, size);
  }
  void reset() {
    if (pool_ != nullptr) leakhunt_pool_reset(pool_);
  }

 private:
  leakhunt_pool* pool_;
};

}  // namespace leakhunt
