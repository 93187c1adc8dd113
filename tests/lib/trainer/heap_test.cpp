// Replaces the C library's allocator by one that counts, and trains under it.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <vector>

#include "lib/trainer/checkpoint.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"
#include "scenarios/defects/defect.h"
#include "tests/scenarios/runner/scratch_directory.h"

extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
}

static std::atomic<std::uint64_t> heap_calls{0};
static std::atomic<std::uint64_t> heap_bytes{0};  // ever asked for, aligned requests only

extern "C" {
void* malloc(size_t bytes) {
  ++heap_calls;
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  ++heap_calls;
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, size_t bytes) {
  ++heap_calls;
  return __libc_realloc(block, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  ++heap_calls;
  heap_bytes += bytes;
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  return memalign(alignment, bytes);
}
int posix_memalign(void** block, size_t alignment, size_t bytes) {
  *block = memalign(alignment, bytes);
  return *block != nullptr ? 0 : ENOMEM;
}
}

namespace leakhunt::trainer {
namespace {

// How often the heap had been asked at the end of each iteration.
class HeapWatcher final : public TrainingObserver {
 public:
  explicit HeapWatcher(std::uint64_t iterations) { calls_.reserve(iterations), bytes_.reserve(iterations); }
  void iteration_ended(std::uint64_t number) override {
    (void)number;
    calls_.push_back(heap_calls);
    bytes_.push_back(heap_bytes);
  }
  std::uint64_t calls_after(std::size_t iteration) const { return calls_.back() - calls_[iteration]; }
  std::uint64_t bytes_of(std::size_t iteration) const { return bytes_[iteration] - bytes_[iteration - 1]; }
  std::uint64_t calls_of(std::size_t iteration) const { return calls_[iteration] - calls_[iteration - 1]; }

 private:
  std::vector<std::uint64_t> calls_;
  std::vector<std::uint64_t> bytes_;
};

// Memory for checkpoints that is no heap.
class StaticMemory final : public std::pmr::memory_resource {
 public:
  bool is_in_use() const { return in_use_; }
  std::uint64_t uses() const { return uses_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override {
    EXPECT_FALSE(in_use_);
    EXPECT_LE(bytes, sizeof memory_);
    in_use_ = true;
    ++uses_;
    return memory_;
  }
  void do_deallocate(void*, std::size_t, std::size_t) override { in_use_ = false; }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  alignas(64) std::byte memory_[checkpoint_buffer_bytes];
  bool in_use_ = false;
  std::uint64_t uses_ = 0;
};

void train_watched(const Mode& mode, const Blas& blas, Seams& seams, std::uint64_t iterations) {
  const Dataset dataset(built_in_text, *seams.memory.dataset);
  auto options = TrainingOptions::of(mode, dataset.vocabulary_size(), iterations);
  options.sample_every = 60;    // in 170 iterations, samples at 60 and 120
  options.progress_every = 10;  // and many progress lines
  const runner::ScratchDirectory folder;
  options.out = folder.path();
  options.checkpoint_every = 40;  // three of them after the warm-up
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  train(options, dataset, blas, seams, nowhere.get());
}

void expect_no_heap_after_warm_up(const Mode& mode, const Blas& blas) {
  constexpr std::uint64_t iterations = 170;
  HeapWatcher watcher(iterations);
  Seams seams;
  StaticMemory checkpoints;
  seams.memory.checkpoints = &checkpoints;
  seams.training_observers.push_back(&watcher);
  train_watched(mode, blas, seams, iterations);
  EXPECT_EQ(watcher.calls_after(49), 0u) << mode.name << " with " << blas.name();
  EXPECT_EQ(checkpoints.uses(), 5u) << "four in the loop, and the model";
  EXPECT_FALSE(checkpoints.is_in_use());
}

TEST(Heap, TheCounterCounts) {
  const std::uint64_t before = heap_calls;
  const auto block = std::make_unique<std::vector<int>>(100);
  EXPECT_GE(heap_calls, before + 2);
}

TEST(Heap, NothingIsTakenFromItAfterFiftyIterations) {
  const std::unique_ptr<Blas> blas = make_tiled_blas();
  expect_no_heap_after_warm_up(modes[0], *make_plain_blas());
  expect_no_heap_after_warm_up(modes[0], *blas);
  expect_no_heap_after_warm_up(modes[1], *blas);
}

// The scratch of one iteration: column sums of every linear operation, a row of every norm, the scores of
// every attention, and one row of logits.
TEST(Heap, StrayHeapLosesTheScratchOfEveryIteration) {
  const std::unique_ptr<Blas> blas = make_tiled_blas();
  for (const Mode& mode : {modes[0], modes[1]}) {
    const ModelConfig& m = mode.model;
    const Index linear = m.layers * (3 * m.width + m.width + m.hidden + m.width) + m.vocabulary;
    const Index norms = (2 * m.layers + 1) * m.width;
    const Index scores = m.layers * m.context * m.context;
    HeapWatcher watcher(10);
    Seams seams;
    defects::apply_stray_heap(seams);
    seams.training_observers.push_back(&watcher);
    train_watched(mode, *blas, seams, 10);
    for (std::size_t i = 1; i < 9; ++i) {
      EXPECT_EQ(watcher.bytes_of(i), (linear + norms + scores + m.vocabulary) * sizeof(Real))
          << mode.name << i;
      EXPECT_EQ(watcher.calls_of(i), 7 * m.layers + 3) << mode.name << i;
    }
  }
}

}  // namespace
}  // namespace leakhunt::trainer
