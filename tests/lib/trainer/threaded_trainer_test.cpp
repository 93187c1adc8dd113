// The threaded trainer against the plain model, and against itself with other numbers of workers.
#include "lib/trainer/threaded_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "lib/trainer/threaded_plan.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/word_dataset.h"
#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

constexpr ModelConfig small_model{
    .vocabulary = 788, .width = 32, .heads = 2, .layers = 2, .hidden = 64, .context = 16, .positions = 16};

const WordDataset& words() {
  static WordText text(100'000);
  static const WordDataset dataset(text, *std::pmr::new_delete_resource());
  return dataset;
}

const Blas& blas() {
  static const std::unique_ptr<Blas> tiles = make_tiled_blas();
  return *tiles;
}

ThreadedOptions options_for(Index workers, Index contexts) {
  return {
      .model = small_model, .workers = workers, .contexts = contexts, .sequences_per_step = 24, .seed = 7};
}

bool same_bits(std::span<const Real> a, std::span<const Real> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

struct Outcome {
  std::vector<double> losses;
  std::vector<Real> weights;
};

Outcome train_with(Index workers, Index contexts) {
  Seams seams;
  ThreadedTrainer trainer(options_for(workers, contexts), words().tokens(), blas(), seams);
  Outcome outcome;
  for (int i = 0; i < 5; ++i) outcome.losses.push_back(trainer.step(1e-3));
  const auto values = trainer.model().parameters().values();
  outcome.weights.assign(values.begin(), values.end());
  return outcome;
}

// Every tag by the byte, but for the records of workers and contexts.
TEST(ThreadedTrainer, OccupiesWhatItsPlanSays) {
  for (const Index workers : {Index{1}, Index{5}}) {
    CountingResource memory[10];
    Seams seams;
    seams.memory.parameters = &memory[0];
    seams.memory.gradients = &memory[1];
    seams.memory.optimizer_m = &memory[2];
    seams.memory.optimizer_v = &memory[3];
    seams.memory.dataset = &memory[4];
    seams.memory.threads.cache_embedding = &memory[5];
    seams.memory.threads.cache_attention = &memory[6];
    seams.memory.threads.cache_feed_forward = &memory[7];
    seams.memory.threads.cache_backward = &memory[8];
    seams.memory.batches = &memory[9];
    WordText text(100'000);
    const WordDataset dataset(text, memory[4]);
    const ThreadedOptions options = options_for(workers, 3);
    std::vector<PlannedMemory> plan = plan_threaded_memory(options, dataset, seams.threads.stack_bytes);
    ThreadedTrainer trainer(options, dataset.tokens(), blas(), seams);
    trainer.step(1e-3);
    const char* const tags[] = {
        "parameter",       "gradient",        "optimizer.m",        "optimizer.v",    "dataset",
        "cache.embedding", "cache.attention", "cache.feed_forward", "cache.backward", "batch"};
    for (size_t i = 0; i < std::size(tags); ++i) {
      const auto planned =
          std::find_if(plan.begin(), plan.end(), [&](const auto& p) { return p.tag == tags[i]; });
      ASSERT_NE(planned, plan.end()) << tags[i];
      if (workers == 1 || i < 5) {
        EXPECT_EQ(planned->bytes, memory[i].live_bytes()) << tags[i] << ", " << workers << " workers";
        EXPECT_EQ(planned->blocks, memory[i].live_blocks()) << tags[i] << ", " << workers << " workers";
      } else {  // a context that came too late for any sequence has taken nothing
        EXPECT_LE(memory[i].live_bytes(), planned->bytes) << tags[i];
      }
    }
  }
}

TEST(ThreadedTrainer, GivesTheSameBitsForAnyNumberOfWorkersAndContexts) {
  const Outcome alone = train_with(1, 1);
  EXPECT_NEAR(alone.losses.front(), std::log(788.0), 0.2);
  EXPECT_LT(alone.losses.back(), alone.losses.front());
  for (const Index workers : {2, 3, 8, 63}) {
    for (const Index contexts : {Index{0}, Index{2}, workers}) {
      const Outcome many = train_with(workers, contexts);
      EXPECT_EQ(many.losses, alone.losses) << workers << " workers, " << contexts << " contexts";
      EXPECT_TRUE(same_bits(many.weights, alone.weights))
          << workers << " workers, " << contexts << " contexts";
    }
  }
}

// The plain model, one sequence after the other, as train_full would do it.
TEST(ThreadedTrainer, HasTheGradientsOfASingleThreadToTheBit) {
  Seams seams;
  ThreadedTrainer threaded(options_for(4, 4), words().tokens(), blas(), seams);
  const double loss = threaded.accumulate_gradients();

  Random random(7 * 3);
  const Transformer model(small_model, seams.memory, random);
  EXPECT_TRUE(same_bits(model.parameters().values(), threaded.model().parameters().values()));
  Arena arena(*seams.memory.arena_chunks, 1 << 20);
  Tape tape(*seams.memory.tape_nodes);
  double sum = 0;
  bool first = true;
  for (const Index position : threaded.positions()) {
    Workspace work{
        .temporaries = arena, .scratch = arena, .blas = blas(), .tape = &tape, .accumulate = !first};
    const auto window = words().tokens().subspan(position, small_model.context + 1);
    sum += model.loss(work, window.first(small_model.context), window.last(small_model.context));
    tape.backward(work);
    tape.reset();
    arena.reset();
    first = false;
  }
  EXPECT_EQ(loss, sum / 24);
  EXPECT_TRUE(same_bits(model.parameters().gradients(), threaded.model().parameters().gradients()));
}

TEST(ThreadedTrainer, StepsAsOneAdamOverAllParameters) {
  Seams seams;
  ThreadedTrainer threaded(options_for(3, 3), words().tokens(), blas(), seams);
  threaded.accumulate_gradients();
  const auto summed = threaded.model().parameters().gradients();

  Random random(7 * 3);
  Transformer model(small_model, seams.memory, random);
  Adam adam(model.parameters(), *seams.memory.optimizer_m, *seams.memory.optimizer_v);
  const auto mean = model.parameters().gradients();
  const Real scale = 1 / Real{24};
  std::transform(summed.begin(), summed.end(), mean.begin(), [&](Real sum) { return sum * scale; });
  adam.step(1e-3);
  threaded.update_parameters(1e-3);
  EXPECT_TRUE(same_bits(model.parameters().values(), threaded.model().parameters().values()));
}

// Every sequence waits, before it begins, for company: with a lock around them this would never end.
class Company final : public SequenceObserver {
 public:
  void sequence_begins(Index) override {
    const int arrived = ++begun_;
    while (begun_ / 2 * 2 < arrived) std::this_thread::yield();
  }
  void sequence_ended(Index) override { ++ended_; }
  int ended() const { return ended_; }

 private:
  std::atomic<int> begun_ = 0;
  std::atomic<int> ended_ = 0;
};

TEST(ThreadedTrainer, WorksOnSeveralSequencesAtOnce) {
  Seams seams;
  Company company;
  seams.threads.sequence_observer = &company;
  ThreadedTrainer trainer(options_for(5, 2), words().tokens(), blas(), seams);
  trainer.step(1e-3);
  EXPECT_EQ(company.ended(), 24);
}

TEST(ThreadedTrainer, WorksWithFewerSequencesThanWorkers) {
  Seams seams;
  ThreadedOptions options = options_for(8, 8);
  options.sequences_per_step = 1;
  ThreadedTrainer trainer(options, words().tokens(), blas(), seams);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(std::isfinite(trainer.step(1e-3)));
}

// Fails at one allocation, counted from the last order.
class FailingResource final : public std::pmr::memory_resource {
 public:
  void fail_at(int allocation) { left_ = allocation; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (left_.fetch_sub(1) == 0) throw std::bad_alloc();
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::atomic<int> left_ = -1;
};

// Many small chunks, so that there is much to refuse.
std::unique_ptr<Arena> make_small_chunks(std::pmr::memory_resource& chunks, std::size_t,
                                         ArenaObserver* observer) {
  return std::make_unique<Arena>(chunks, 4096, observer);
}

TEST(ThreadedTrainer, EndsTheStepWhenAWorkerFailsAndCanGoOn) {
  for (const Index workers : {1, 2, 4}) {
    int failed = 0;
    for (;; ++failed) {  // at every allocation of the forward and the backward pass, one after the other
      FailingResource memory;
      Seams seams;
      seams.memory.threads.cache_attention = &memory;
      seams.memory.threads.cache_feed_forward = &memory;
      seams.memory.threads.cache_backward = &memory;
      seams.make_arena = make_small_chunks;
      ThreadedOptions options = options_for(workers, workers);
      options.sequences_per_step = 8;
      ThreadedTrainer trainer(options, words().tokens(), blas(), seams);
      memory.fail_at(failed);
      try {
        trainer.step(1e-3);
        break;
      } catch (const std::bad_alloc&) {
        memory.fail_at(-1);
        EXPECT_TRUE(std::isfinite(trainer.step(1e-3)));
      }
    }
    EXPECT_GT(failed, 20);
  }
}

TEST(ThreadedTrainer, HasContextsForSequencesAtWorkOnlyAndGrowsByNothing) {
  CountingResource contexts;
  Seams seams;
  std::vector<CountingResource> caches(4);
  seams.memory.threads.cache_embedding = &caches[0];
  seams.memory.threads.cache_attention = &caches[1];
  seams.memory.threads.cache_feed_forward = &caches[2];
  seams.memory.threads.cache_backward = &caches[3];
  ThreadedOptions options = options_for(16, 1);
  ThreadedTrainer trainer(options, words().tokens(), blas(), seams);
  EXPECT_EQ(trainer.lanes(), 1u);
  for (const CountingResource& cache : caches) EXPECT_EQ(cache.live_bytes(), 0u);
  trainer.step(1e-3);
  std::vector<std::size_t> before;
  for (const CountingResource& cache : caches) {
    before.push_back(cache.live_bytes());
    EXPECT_GT(before.back(), 0u);
  }
  EXPECT_EQ(caches[1].live_blocks(), small_model.layers) << "one chunk a layer";
  EXPECT_EQ(caches[2].live_blocks(), small_model.layers) << "one chunk a layer";
  for (int i = 0; i < 5; ++i) trainer.step(1e-3);
  for (Index i = 0; i < caches.size(); ++i) EXPECT_EQ(caches[i].live_bytes(), before[i]);
}

TEST(ThreadedModel, HasTheConfigurationOfTheOriginal) {
  EXPECT_EQ(threaded_model.parameter_count(), 5'176'084u);
  EXPECT_EQ(contexts_at_work(63, 0) <= most_contexts, true);
  EXPECT_EQ(contexts_at_work(4, 63), 4u);
}

}  // namespace
}  // namespace leakhunt::trainer
