// match_count: how many lines matched, on a page that the tracker in the target reads as well.
//
//   word 0   lines that matched
//   word 1   reads of the target's output that were begun
//   word 2   of these, done: their lines are counted. A pipe that is empty while all are done holds nothing
//            back
//   word 3   bytes of output whose lines are counted
//   from word 8 on, a ring of 504: the lines that matched when the n-th read was done, at n modulo 504
//
// Whoever waits for word 2 to change sleeps on its lower half (futex).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>

#include <tl/expected.hpp>

namespace leakhunt::runner {

class MatchCount {
 public:
  // Makes the file, which is gone at the end of the scope. The error is a sentence.
  static tl::expected<MatchCount, std::string> create(const std::filesystem::path& file);
  MatchCount(MatchCount&& other) noexcept;
  MatchCount& operator=(MatchCount&&) = delete;
  ~MatchCount();

  // Any thread: begin() before it reads, add() after.
  void begin() { words_[1].fetch_add(1, std::memory_order_seq_cst); }
  void add(uint64_t lines, size_t bytes);
  const std::filesystem::path& file() const { return file_; }

 private:
  MatchCount(std::filesystem::path file, std::atomic<uint64_t>* words)
      : file_(std::move(file)), adding_(std::make_unique<std::mutex>()), words_(words) {}

  std::filesystem::path file_;
  std::unique_ptr<std::mutex> adding_;
  std::atomic<uint64_t>* words_;
};

}  // namespace leakhunt::runner
