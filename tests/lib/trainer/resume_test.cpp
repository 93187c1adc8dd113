// A training in pieces is the training in one piece: every loss, every line but the speeds, every byte of the
// model.
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "tests/lib/trainer/both_precisions.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::trainer {
namespace {

using runner::content_of;
using runner::ScratchDirectory;
using Train = PiecewiseTraining (*)(const std::vector<std::uint64_t>& ends, const std::string& folder);

class ResumeTest : public testing::TestWithParam<Train> {
 protected:
  static void expect_same(const std::vector<std::uint64_t>& one, const std::vector<std::uint64_t>& other) {
    const ScratchDirectory first;
    const ScratchDirectory second;
    const PiecewiseTraining whole = GetParam()(one, first.path());
    const PiecewiseTraining pieces = GetParam()(other, second.path());
    EXPECT_EQ(whole.losses, pieces.losses);
    EXPECT_EQ(whole.sample, pieces.sample);
    EXPECT_FALSE(whole.sample.empty());
    EXPECT_EQ(whole.first_loss, pieces.first_loss);
    EXPECT_EQ(whole.last_loss, pieces.last_loss);
    EXPECT_EQ(whole.text_loss, pieces.text_loss);
    const std::string model = content_of(first.path() / "model.lhc");
    EXPECT_GT(model.size(), 500'000u);
    EXPECT_TRUE(model == content_of(second.path() / "model.lhc"));
  }
};

TEST_P(ResumeTest, TwoHalvesAreTheWhole) {
  expect_same({200}, {100, 200});
}

TEST_P(ResumeTest, TenChunksAreTheWhole) {
  expect_same({200}, {20, 40, 60, 80, 100, 120, 140, 160, 180, 200});
}

TEST_P(ResumeTest, PiecesMayEndAnywhere) {
  expect_same({131}, {1, 2, 59, 60, 61, 130, 131});
}

INSTANTIATE_TEST_SUITE_P(Precisions, ResumeTest, testing::Values(f32::train_in_pieces, f64::train_in_pieces),
                         [](const auto& test) { return test.index == 0 ? "f32" : "f64"; });

TEST(Resume, KeepsTheBufferOfNoCheckpoint) {
  const ScratchDirectory folder;
  EXPECT_EQ(f64::train_in_pieces({40, 80}, folder.path()).live_checkpoint_bytes, 0u);
}

}  // namespace
}  // namespace leakhunt::trainer
