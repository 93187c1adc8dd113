// team: a few threads that do one operation together.
//
// The caller is one of them. Work is cut into slices of consecutive rows or columns, always the same way, and
// every number is computed by one thread in the order in which a single thread would: a result does not
// depend on the size of the team, to the last bit.
//
// Waiting threads spin for some microseconds, because the next operation usually comes at once, and sleep
// after that. On a machine with fewer processors than threads they sleep at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "lib/trainer/index.h"

namespace leakhunt::trainer {

// Consecutive rows or columns: [begin, end).
struct Range {
  Index begin;
  Index end;

  Index size() const { return end - begin; }
};

// One of `count` equal parts of the work.
struct Slice {
  unsigned index;
  unsigned count;

  // This part of `size` elements. Parts begin at multiples of `granule` and may be empty.
  Range of(Index size, Index granule = 1) const {
    const Index granules = (size + granule - 1) / granule;
    const auto edge = [&](Index part) {
      const Index at = granules * part / count * granule;
      return at < size ? at : size;
    };
    return {edge(index), edge(index + Index{1})};
  }
};

class Team {
 public:
  // Starts `threads` - 1 threads; at least one member is there: the caller. Throws std::system_error when the
  // system gives no more threads.
  explicit Team(unsigned threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  unsigned size() const { return size_; }

  // Calls work(Slice) once in every member, at the same time, and returns when all are done. `work` must not
  // throw. One caller at a time.
  template <typename Work>
  void run(const Work& work) {
    if (size_ == 1) return work(Slice{0, 1});
    run_all([](const void* that, Slice slice) { (*static_cast<const Work*>(that))(slice); }, &work);
  }

 private:
  using Call = void (*)(const void* work, Slice slice);

  void run_all(Call call, const void* work);
  void help(unsigned index);
  void end();

  const unsigned size_;
  const unsigned spins_;
  Call call_ = nullptr;
  const void* work_ = nullptr;
  // Each on its own cache line: one is written by the caller, the other by the helpers.
  alignas(64) std::atomic<std::uint32_t> round_{0};
  alignas(64) std::atomic<std::uint32_t> at_work_{0};
  bool over_ = false;
  std::vector<std::thread> helpers_;
};

// A team of the caller alone. Shared by everybody: it holds nothing.
Team& alone();

}  // namespace leakhunt::trainer
