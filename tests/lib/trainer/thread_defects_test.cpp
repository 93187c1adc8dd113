// What each defect of the threaded trainer costs, and that it changes no result.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "lib/trainer/threaded_trainer.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/word_dataset.h"
#include "scenarios/defects/defect.h"
#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

constexpr ModelConfig small_model{
    .vocabulary = 788, .width = 32, .heads = 2, .layers = 2, .hidden = 64, .context = 16, .positions = 16};
constexpr Index workers = 6;
constexpr Index contexts = 2;

// The first sequence of a step waits for the second, so that two contexts are really at work.
class BothAtWork final : public SequenceObserver {
 public:
  void sequence_begins(Index number) override {
    if (number == 1) ++seconds_;
    if (number != 0) return;
    ++firsts_;
    while (seconds_ < firsts_) std::this_thread::yield();
  }
  void sequence_ended(Index) override {}

 private:
  std::atomic<int> firsts_ = 0;
  std::atomic<int> seconds_ = 0;
};

// A training of three steps, and what was live at its end.
struct Watched {
  explicit Watched(void (*defect)(Seams&, std::uint64_t) = nullptr) {
    Seams seams;
    seams.memory.threads.stacks = &stacks;
    seams.memory.batches = &batches;
    seams.memory.threads.cache_embedding = &caches;
    seams.memory.threads.cache_attention = &caches;
    seams.memory.threads.cache_feed_forward = &caches;
    seams.memory.threads.cache_backward = &caches;
    seams.threads.sequence_observer = &both;
    if (defect != nullptr) defect(seams, 0);
    WordText text(100'000);
    const WordDataset words(text, *std::pmr::new_delete_resource());
    const std::unique_ptr<Blas> blas = make_tiled_blas();
    const ThreadedOptions options{.model = small_model, .workers = workers, .contexts = contexts};
    ThreadedTrainer trainer(options, words.tokens(), *blas, seams);
    for (int i = 0; i < 3; ++i) losses.push_back(trainer.step(1e-3));
    stack_bytes = stacks.live_bytes();
    batch_bytes = batches.live_bytes();
    cache_bytes = caches.live_bytes();
  }

  BothAtWork both;
  CountingResource stacks;
  CountingResource batches;
  CountingResource caches;
  std::vector<double> losses;
  std::size_t stack_bytes;
  std::size_t batch_bytes;
  std::size_t cache_bytes;
};

const Watched& healthy() {
  static const Watched watched;
  return watched;
}

TEST(ThreadDefects, FullStacksCostEightMebibytesAWorker) {
  static const Watched broken(defects::apply_threads_full_stacks);
  EXPECT_EQ(broken.losses, healthy().losses);
  EXPECT_EQ(broken.stack_bytes, workers * 8 * 1024 * 1024);
  EXPECT_EQ(healthy().stack_bytes, workers * worker_stack_bytes);
}

TEST(ThreadDefects, IdleContextsCostTheFirstMemoryOfEach) {
  const Watched broken(defects::apply_threads_idle_contexts);
  EXPECT_EQ(broken.losses, healthy().losses);
  EXPECT_GT(broken.cache_bytes - healthy().cache_bytes, (157 - contexts) * 100'000);
}

TEST(ThreadDefects, OversizedCachesAreReserved) {
  const Watched broken(defects::apply_threads_oversized_caches);
  EXPECT_EQ(broken.losses, healthy().losses);
  EXPECT_GT(broken.cache_bytes, 4 * healthy().cache_bytes);
}

TEST(ThreadDefects, EagerBatchesCostTheTokensOfAllOfThem) {
  static const Watched broken(defects::apply_threads_eager_batches);
  EXPECT_EQ(broken.losses, healthy().losses);
  EXPECT_EQ(broken.batch_bytes - healthy().batch_bytes, 63 * 32 * 17 * sizeof(Token));
}

TEST(ThreadDefects, TheModelLockChangesNothingButTheSpeed) {
  const Watched broken(defects::apply_threads_model_lock);
  EXPECT_EQ(broken.losses, healthy().losses);
  EXPECT_EQ(broken.stack_bytes, healthy().stack_bytes);
}

// One sequence at work at a time: what the lock is about.
class Crowd final : public SequenceObserver {
 public:
  explicit Crowd(SequenceObserver& lock) : lock_(lock) {}
  void sequence_begins(Index number) override {
    lock_.sequence_begins(number);
    most_ = std::max(most_, ++inside_);
  }
  void sequence_ended(Index number) override {
    --inside_;
    lock_.sequence_ended(number);
  }
  int most() const { return most_; }

 private:
  SequenceObserver& lock_;
  int inside_ = 0;  // guarded by what is tested
  int most_ = 0;
};

TEST(ThreadDefects, TheModelLockLetsOneWorkerInAtATime) {
  Seams seams;
  defects::apply_threads_model_lock(seams);
  Crowd crowd(*seams.threads.sequence_observer);
  seams.threads.sequence_observer = &crowd;
  WordText text(100'000);
  const WordDataset words(text, *std::pmr::new_delete_resource());
  const std::unique_ptr<Blas> blas = make_tiled_blas();
  const ThreadedOptions options{.model = small_model, .workers = workers, .contexts = workers};
  ThreadedTrainer trainer(options, words.tokens(), *blas, seams);
  for (int i = 0; i < 3; ++i) trainer.step(1e-3);
  EXPECT_EQ(crowd.most(), 1);
}

}  // namespace
}  // namespace leakhunt::trainer
