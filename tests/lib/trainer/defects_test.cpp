// What each defect costs per iteration, to the byte, and that it changes nothing else.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "lib/trainer/arena.h"
#include "lib/trainer/checkpoint.h"
#include "lib/trainer/tape.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"
#include "scenarios/defects/defect.h"
#include "tests/lib/trainer/counting_resource.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::trainer {
namespace {

constexpr std::uint64_t iterations = 30;

// The seams of one training, each kind of memory counted, and the live bytes at the end of every iteration.
struct Watched final : TrainingObserver {
  Watched() {
    seams.memory.arena_chunks = &chunks;
    seams.memory.tape_nodes = &nodes;
    seams.memory.optimizer_m = &moments;
    seams.memory.optimizer_v = &moments;
    seams.training_observers.push_back(this);
  }
  void iteration_ended(std::uint64_t) override {
    chunk_bytes.push_back(chunks.live_bytes());
    node_bytes.push_back(nodes.live_bytes());
    moment_bytes.push_back(moments.live_bytes());
  }
  std::vector<Real> train_with(const Mode& mode, std::uint64_t count = iterations) {
    const std::unique_ptr<Blas> blas = make_tiled_blas();
    const Dataset dataset(built_in_text, *seams.memory.dataset);
    auto options = TrainingOptions::of(mode, dataset.vocabulary_size(), count);
    options.sample_every = 11;  // a sample must cost nothing
    const runner::ScratchDirectory folder;
    options.checkpoint_every = checkpoint_every;
    if (checkpoint_every != 0) options.out = folder.path();
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
    std::vector<Real> losses(count);
    train(options, dataset, *blas, seams, nowhere.get(), losses);
    return losses;
  }

  Seams seams;
  std::uint64_t checkpoint_every = 0;
  CountingResource chunks;
  CountingResource nodes;
  CountingResource moments;
  std::vector<std::size_t> chunk_bytes;
  std::vector<std::size_t> node_bytes;
  std::vector<std::size_t> moment_bytes;
};

void expect_slope(const std::vector<std::size_t>& bytes, std::size_t per_iteration) {
  ASSERT_EQ(bytes.size(), iterations);
  for (std::size_t i = 1; i < bytes.size(); ++i)
    EXPECT_EQ(bytes[i] - bytes[i - 1], per_iteration) << "iteration " << i;
}

class DefectsTest : public testing::TestWithParam<int> {
 protected:
  const Mode& mode() const { return modes[GetParam()]; }

  Watched healthy;
  Watched broken;
};

TEST_P(DefectsTest, TheHealthyTrainerGrowsByNothing) {
  healthy.train_with(mode());
  expect_slope(healthy.chunk_bytes, 0);
  expect_slope(healthy.node_bytes, 0);
  expect_slope(healthy.moment_bytes, 0);
}

TEST_P(DefectsTest, ArenaOrphansAllChunksButTheFirst) {
  const std::vector<Real> losses = healthy.train_with(mode());
  const std::size_t chunk = arena_chunk_bytes(mode().model, sizeof(Real));
  const std::size_t chunks = healthy.chunk_bytes.front() / chunk;
  EXPECT_GE(chunks, 3u) << "an iteration must need several chunks";
  EXPECT_EQ(healthy.chunk_bytes.front(), chunks * chunk);
  defects::apply_arena_orphaned_chunks(broken.seams);
  EXPECT_EQ(broken.train_with(mode()), losses);
  expect_slope(broken.chunk_bytes, (chunks - 1) * chunk);
}

TEST_P(DefectsTest, ArenaAppendsChunksWithoutBound) {
  const std::vector<double> losses = healthy.train_with(mode());
  const std::size_t chunk = arena_chunk_bytes(mode().model, sizeof(Real));
  const std::size_t chunks = healthy.chunk_bytes.front() / chunk;
  defects::apply_arena_unbounded(broken.seams);
  EXPECT_EQ(broken.train_with(mode()), losses);
  expect_slope(broken.chunk_bytes, (chunks - 1) * chunk);
}

TEST_P(DefectsTest, ArenaThatIsCleanedUpEveryThreeIterationsIsASawtooth) {
  const std::vector<double> losses = healthy.train_with(mode());
  const std::size_t chunk = arena_chunk_bytes(mode().model, sizeof(Real));
  const std::size_t chunks = healthy.chunk_bytes.front() / chunk;
  defects::apply_arena_cleanup(broken.seams, 3);
  EXPECT_EQ(broken.train_with(mode()), losses);
  EXPECT_EQ(broken.chunk_bytes[0], chunks * chunk);
  EXPECT_EQ(broken.chunk_bytes[1], (2 * chunks - 1) * chunk);
  EXPECT_EQ(broken.chunk_bytes[2], 0u);
  EXPECT_EQ(broken.chunk_bytes[3], chunks * chunk);
}

TEST_P(DefectsTest, TapeRetainsEveryNode) {
  const std::vector<Real> losses = healthy.train_with(mode());
  const std::size_t operations = 4 + 7 * mode().model.layers;
  EXPECT_EQ(healthy.node_bytes.front(), operations * Tape::node_bytes);
  defects::apply_tape_retained(broken.seams);
  EXPECT_EQ(broken.train_with(mode()), losses);
  expect_slope(broken.node_bytes, operations * Tape::node_bytes);
}

TEST_P(DefectsTest, TapeCapacityIsAStepAndAPlateau) {
  const std::vector<Real> losses = healthy.train_with(mode(), 60);
  const std::size_t nodes = (4 + 7 * mode().model.layers) * Tape::node_bytes;
  defects::apply_tape_capacity(broken.seams);
  EXPECT_EQ(broken.train_with(mode(), 60), losses);
  for (std::size_t i = 0; i < broken.node_bytes.size(); ++i) {
    EXPECT_EQ(broken.node_bytes[i], i < 50 ? nodes : 2 * nodes) << "iteration " << i;
  }
}

TEST_P(DefectsTest, ZeroedTemporariesCostNoBytes) {
  const std::vector<Real> losses = healthy.train_with(mode());
  static std::map<int, Watched> zeroing;  // the defect refers to its resources until the process ends
  Watched& watched = zeroing[GetParam()];
  defects::apply_arena_zeroing(watched.seams);
  EXPECT_EQ(watched.train_with(mode()), losses);
  EXPECT_EQ(watched.chunk_bytes, healthy.chunk_bytes);
}

INSTANTIATE_TEST_SUITE_P(Modes, DefectsTest, testing::Values(0, 1),
                         [](const auto& test) { return std::string(modes[test.param].name); });

// What a defect costs at every second iteration, with a checkpoint there.
struct Checkpointing {
  explicit Checkpointing(void (*defect)(Seams&, std::uint64_t)) {
    watched.seams.memory.checkpoints = &buffers;
    watched.checkpoint_every = 2;
    defect(watched.seams, 0);
  }
  Watched watched;
  CountingResource buffers;
};

TEST(CheckpointLeaks, KeepsTheBufferOfEverySave) {
  Watched healthy;
  const std::vector<Real> losses = healthy.train_with(modes[0]);
  static Checkpointing broken(defects::apply_checkpoint_leaks);
  EXPECT_EQ(broken.watched.train_with(modes[0]), losses);
  const std::size_t saves = iterations / 2 + 1;  // and the model at the end
  EXPECT_EQ(broken.buffers.live_bytes(), saves * checkpoint_buffer_bytes);
}

TEST(ArenaEarlyReset, PilesUpWhatSamplesAndCheckpointsTake) {
  Watched healthy;
  const std::vector<Real> losses = healthy.train_with(modes[0]);
  static Checkpointing broken(defects::apply_arena_early_reset);
  EXPECT_EQ(broken.watched.train_with(modes[0]), losses);
  const std::vector<std::size_t>& bytes = broken.watched.chunk_bytes;
  EXPECT_EQ(bytes.front(), healthy.chunk_bytes.front());
  const std::size_t chunk = arena_chunk_bytes(modes[0].model, sizeof(Real));
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    const std::size_t step = bytes[i] - bytes[i - 1];
    const bool sample = (i + 1) % 11 == 0;
    // An iteration that begins behind a sample, where the chain ends, needs chunks of its own once more.
    if (sample) {
      EXPECT_GT(step, bytes.front() + chunk) << i;
    } else {
      EXPECT_LE(step, bytes.front() + chunk) << i;
    }
  }
  EXPECT_GT(bytes.back() - bytes.front(), (iterations - 1) / 2 * checkpoint_buffer_bytes + 10 * chunk);
}

TEST(OptimizerReallocates, LosesBothMomentsAtEveryStep) {
  Watched healthy;
  static Watched broken;  // the defect refers to its resources until the process ends
  const std::vector<Real> losses = healthy.train_with(modes[0]);
  defects::apply_optimizer_reallocates(broken.seams);
  EXPECT_EQ(broken.train_with(modes[0]), losses);
  expect_slope(broken.moment_bytes, 2 * 46'307 * sizeof(Real));
}

}  // namespace
}  // namespace leakhunt::trainer
