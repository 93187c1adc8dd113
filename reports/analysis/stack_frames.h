// stack_frames: the stacks of a run in source frames, each frame kept once. A compiler has a hundred thousand
// stacks of sixty frames, made of a few thousand frames.
//
//   StackFrames   the frames
//   FrameList    one stack: numbers of frames, and a share in their table
//   FrameSpan    a part of a stack, as std::span<const StackFrame> would be
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace leakhunt::reports {

// One source frame of a stack, inlined ones included. Strings are as in the recording: escape them when
// printing.
struct StackFrame {
  std::string function;  // empty when unknown
  std::string file;      // empty when unknown
  uint32_t line = 0;
  bool inlined = false;
  std::string module;   // path, or as in recording::Symbol
  uint64_t offset = 0;  // of the return address in the module, or the bare address
  uint64_t address = 0;
  std::string note = {};  // why there is no better name, or empty
};

// A frame stays where it is, whatever is added.
using StackFrames = std::deque<StackFrame>;

// Innermost first. The table and the numbers are not owned.
class FrameSpan {
 public:
  class iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = StackFrame;
    using difference_type = std::ptrdiff_t;
    using pointer = const StackFrame*;
    using reference = const StackFrame&;

    iterator() = default;
    iterator(const StackFrames* table, const uint32_t* at) : table_(table), at_(at) {}
    reference operator*() const { return (*table_)[*at_]; }
    pointer operator->() const { return &**this; }
    reference operator[](difference_type n) const { return *(*this + n); }
    iterator& operator++() { return *this += 1; }
    iterator& operator--() { return *this -= 1; }
    iterator operator++(int) { return {table_, at_++}; }
    iterator operator--(int) { return {table_, at_--}; }
    iterator& operator+=(difference_type n) {
      at_ += n;
      return *this;
    }
    iterator& operator-=(difference_type n) { return *this += -n; }
    friend iterator operator+(iterator from, difference_type n) { return from += n; }
    friend iterator operator+(difference_type n, iterator from) { return from += n; }
    friend iterator operator-(iterator from, difference_type n) { return from -= n; }
    friend difference_type operator-(const iterator& a, const iterator& b) { return a.at_ - b.at_; }
    friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }
    friend auto operator<=>(const iterator& a, const iterator& b) { return a.at_ <=> b.at_; }

   private:
    const StackFrames* table_ = nullptr;
    const uint32_t* at_ = nullptr;
  };
  using value_type = StackFrame;
  using const_iterator = iterator;
  using reverse_iterator = std::reverse_iterator<iterator>;

  FrameSpan() = default;
  FrameSpan(const StackFrames* table, std::span<const uint32_t> numbers) : table_(table), numbers_(numbers) {}

  size_t size() const { return numbers_.size(); }
  bool empty() const { return numbers_.empty(); }
  const StackFrame& operator[](size_t i) const { return (*table_)[numbers_[i]]; }
  const StackFrame& front() const { return (*this)[0]; }
  const StackFrame& back() const { return (*this)[size() - 1]; }
  iterator begin() const { return {table_, numbers_.data()}; }
  iterator end() const { return {table_, numbers_.data() + numbers_.size()}; }
  reverse_iterator rbegin() const { return reverse_iterator(end()); }
  reverse_iterator rend() const { return reverse_iterator(begin()); }
  FrameSpan first(size_t count) const { return {table_, numbers_.first(count)}; }
  FrameSpan subspan(size_t from) const { return {table_, numbers_.subspan(from)}; }

  // Which frames of the table they are: the same number is the same frame.
  std::span<const uint32_t> numbers() const { return numbers_; }

 private:
  const StackFrames* table_ = nullptr;
  std::span<const uint32_t> numbers_;
};

class FrameList {
 public:
  FrameList() = default;
  FrameList(std::shared_ptr<const StackFrames> table, std::vector<uint32_t> numbers)
      : table_(std::move(table)), numbers_(std::move(numbers)) {}
  // A stack by itself.
  explicit FrameList(const std::vector<StackFrame>& frames)
      : table_(std::make_shared<StackFrames>(frames.begin(), frames.end())), numbers_(frames.size()) {
    for (size_t i = 0; i < frames.size(); ++i) numbers_[i] = static_cast<uint32_t>(i);
  }

  FrameSpan span() const { return {table_.get(), numbers_}; }
  size_t size() const { return numbers_.size(); }
  bool empty() const { return numbers_.empty(); }
  const StackFrame& operator[](size_t i) const { return (*table_)[numbers_[i]]; }
  FrameSpan::iterator begin() const { return span().begin(); }
  FrameSpan::iterator end() const { return span().end(); }

 private:
  std::shared_ptr<const StackFrames> table_;
  std::vector<uint32_t> numbers_;
};

}  // namespace leakhunt::reports
